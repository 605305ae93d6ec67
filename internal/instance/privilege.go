package instance

import "fmt"

// A Privilege is the highest privilege level of a user, with the number of the protocol (§22.18).
type Privilege byte

// The privileges of users, the lowest first.
const (
	PrivilegeUser          Privilege = 2
	PrivilegeOperator      Privilege = 3
	PrivilegeAdministrator Privilege = 4
	PrivilegeNone          Privilege = 0x0F // the user cannot log in
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

// MarshalText returns the name of the privilege: user, operator, administrator or none.
func (p Privilege) MarshalText() ([]byte, error) {
	return []byte(p.String()), nil
}

// UnmarshalText is the inverse of MarshalText. It returns an error for any other text.
func (p *Privilege) UnmarshalText(b []byte) error {
	for privilege, name := range privilegeNames {
		if name == string(b) {
			*p = privilege
			return nil
		}
	}
	return fmt.Errorf("privilege %q: want user, operator, administrator or none", b)
}
