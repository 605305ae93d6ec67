package rmcp

import "fmt"

// A Privilege is a privilege level (§6.8). A higher level includes the lower ones.
type Privilege byte

// The privilege levels. Anyone is not in the specification: a command of this level needs no session.
const (
	Anyone        Privilege = 0
	Callback      Privilege = 1
	User          Privilege = 2
	Operator      Privilege = 3
	Administrator Privilege = 4
	OEM           Privilege = 5
)

var privilegeNames = [...]string{"anyone", "callback", "user", "operator", "administrator", "oem"}

func (p Privilege) String() string {
	if int(p) < len(privilegeNames) {
		return privilegeNames[p]
	}
	return fmt.Sprintf("privilege %#02x", byte(p))
}

// A Role is the "requested maximum privilege level (role)" byte of RAKP Message 1 (§13.20). It is kept exactly as received,
// because the authentication codes cover its reserved bits, too.
type Role byte

// Privilege returns the highest level that the client requests for the session. It may be out of range: 0 to 15.
func (r Role) Privilege() Privilege { return Privilege(r & 0x0F) }
