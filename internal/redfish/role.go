package redfish

import "github.com/shipmi/shipmi/internal/instance"

const rolesURI = root + "/AccountService/Roles"

// roles are the roles, with their privileges by the privilege registry.
var roles = []struct {
	name       string
	privilege  instance.Privilege
	privileges []string
}{
	{"Administrator", instance.PrivilegeAdministrator, []string{
		"Login", "ConfigureManager", "ConfigureUsers", "ConfigureSelf", "ConfigureComponents",
	}},
	{"Operator", instance.PrivilegeOperator, []string{"Login", "ConfigureSelf", "ConfigureComponents"}},
	{"ReadOnly", instance.PrivilegeUser, []string{"Login", "ConfigureSelf"}},
}

func roleNames() []string {
	var names []string
	for _, r := range roles {
		names = append(names, r.name)
	}
	return names
}

// roleOf is the role of a user with that privilege. A user without a privilege cannot log in,
// and has the role that may do least.
func roleOf(p instance.Privilege) string {
	for _, r := range roles {
		if r.privilege == p {
			return r.name
		}
	}
	return roles[len(roles)-1].name
}

func privilegeOf(role string) instance.Privilege {
	for _, r := range roles {
		if r.name == role {
			return r.privilege
		}
	}
	return instance.PrivilegeNone
}

// A roleBody is a role (Role).
type roleBody struct {
	resource
	RoleID             string `json:"RoleId"`
	IsPredefined       bool
	AssignedPrivileges []string
	OemPrivileges      []string
}

func getRoles(*Service, *Request) Answer {
	return done(collection(rolesURI, "RoleCollection", "Roles", roleNames()...))
}

func getRole(_ *Service, r *Request) Answer {
	for _, role := range roles {
		if role.name == r.id[0] {
			return done(roleBody{
				resource:           newResource(rolesURI+"/"+role.name, "Role.v1_3_3", role.name, role.name),
				RoleID:             role.name,
				IsPredefined:       true,
				AssignedPrivileges: role.privileges,
				OemPrivileges:      []string{},
			})
		}
	}
	return notFound(r)
}
