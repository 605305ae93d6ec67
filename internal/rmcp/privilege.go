package rmcp

import "fmt"

// A Privilege is a privilege level (IPMI 2.0 §6.8). Higher levels include the
// lower ones.
type Privilege byte

// The privilege levels. Anyone is ours: it needs no session.
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

// A Role is the "requested maximum privilege level (role)" byte of RAKP Message
// 1, exactly as received: the authentication codes cover it with its reserved
// bits.
type Role byte

// Privilege is the highest level that the session may reach.
func (r Role) Privilege() Privilege { return Privilege(r & 0x0F) }
