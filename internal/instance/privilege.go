package instance

import "fmt"

// A Privilege is the most that a user may do, numbered as on the wire (§22.18).
type Privilege byte

// The privileges that a user can have, the least first.
const (
	PrivilegeUser          Privilege = 2
	PrivilegeOperator      Privilege = 3
	PrivilegeAdministrator Privilege = 4
	PrivilegeNone          Privilege = 0x0F // may not log in
)

var privilegeNames = map[Privilege]string{
	PrivilegeUser:          "user",
	PrivilegeOperator:      "operator",
	PrivilegeAdministrator: "administrator",
	PrivilegeNone:          "none",
}

func (p Privilege) String() string {
	if name, ok := privilegeNames[p]; ok {
		return name
	}
	return fmt.Sprintf("privilege %d", byte(p))
}

// MarshalText returns user, operator, administrator or none.
func (p Privilege) MarshalText() ([]byte, error) {
	return []byte(p.String()), nil
}

// UnmarshalText reads what MarshalText returns.
func (p *Privilege) UnmarshalText(b []byte) error {
	for privilege, name := range privilegeNames {
		if name == string(b) {
			*p = privilege
			return nil
		}
	}
	return fmt.Errorf("privilege %q: want user, operator, administrator or none", b)
}
