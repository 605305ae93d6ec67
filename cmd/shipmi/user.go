package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
)

func (a *app) userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Manage the users of a BMC",
		Long: `Manage the users of a BMC. What is changed counts at once; the sessions of a user
who is changed end, and those of others go on.

Administrators can do the same over IPMI, as with "ipmitool user".`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.userAddCommand(), a.userDeleteCommand(), a.userListCommand(), a.userPasswdCommand())
	return cmd
}

func (a *app) userAddCommand() *cobra.Command {
	var password secretSource
	var privilege instance.Privilege
	cmd := &cobra.Command{
		Use:   "add NAME USER",
		Short: "Let somebody else log in to a BMC",
		Example: `  shipmi user add node-0 maas --privilege operator --ask-password
  shipmi user add node-0 monitor --privilege user --password-file secret`,
		Args:              nameAndUser,
		ValidArgsFunction: a.completeNameAndUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			u := instance.User{Name: args[1], Privilege: privilege}
			return a.setPassword(cmd.Context(), args[0], password, func(c *instance.Credentials, secret instance.Secret) error {
				if _, exists := c.Named(u.Name); exists {
					return hint(fmt.Errorf("user %q of %q exists already", u.Name, args[0]), `"shipmi user passwd" changes the password`)
				}
				u.Password = secret
				return c.Add(u)
			})
		},
	}
	cmd.Flags().TextVar(&privilege, "privilege", instance.PrivilegeUser, "greatest `privilege` of the user: user, operator or administrator")
	required := password.addFlags(cmd, "password")
	cmd.MarkFlagsOneRequired(required...)
	cmd.MarkFlagsMutuallyExclusive(required...)
	return cmd
}

func (a *app) userPasswdCommand() *cobra.Command {
	var password secretSource
	cmd := &cobra.Command{
		Use:   "passwd NAME USER",
		Short: "Change the password of a user",
		Example: `  shipmi user passwd node-0 admin --ask-password
  pass generate -n node-0 20 | tail -1 | shipmi user passwd node-0 admin --password-stdin`,
		Args:              nameAndUser,
		ValidArgsFunction: a.completeNameAndUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.setPassword(cmd.Context(), args[0], password, func(c *instance.Credentials, secret instance.Secret) error {
				u, err := findUser(c, args[0], args[1])
				if err != nil {
					return err
				}
				u.Password = secret
				c.Put(u)
				return nil
			})
		},
	}
	required := password.addFlags(cmd, "password")
	cmd.MarkFlagsOneRequired(required...)
	cmd.MarkFlagsMutuallyExclusive(required...)
	return cmd
}

func (a *app) userDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME USER",
		Short: "Let a user log in to a BMC no more",
		Long: `Let a user log in to a BMC no more. The last user of a BMC stays. Without an
administrator, users cannot be changed over IPMI, but still with this command.`,
		Example:           `  shipmi user delete node-0 monitor`,
		Args:              nameAndUser,
		ValidArgsFunction: a.completeNameAndUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			var left []instance.User
			err := a.changeCredentials(cmd.Context(), args[0], func(c *instance.Credentials) error {
				u, err := findUser(c, args[0], args[1])
				if err != nil {
					return err
				}
				if len(c.Users) == 1 {
					return hint(fmt.Errorf("%q is the only user of %q", args[1], args[0]), "add another one first, or delete the BMC")
				}
				c.Remove(u.ID)
				left = c.Users
				return nil
			})
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(left, instance.User.CanAdminister) {
				a.warn("%q has no administrator any more", args[0])
			}
			return nil
		},
	}
}

func findUser(c *instance.Credentials, name, user string) (instance.User, error) {
	u, ok := c.Named(user)
	if !ok {
		return u, hint(fmt.Errorf("%q has no user %q", name, user), `"shipmi user list %s" lists those that there are`, name)
	}
	return u, nil
}

func (a *app) userListCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "list NAME",
		Short: "List the users of a BMC",
		Long: `List the users of a BMC, with the ID that each has in IPMI. A user that was made over
IPMI needs a password and a privilege, and to be enabled, before he can log in.`,
		Example:           `  shipmi user list node-0`,
		Args:              oneName,
		ValidArgsFunction: a.completeName,
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := a.find(args[0]); err != nil {
				return err
			}
			c, err := a.store.Credentials(args[0])
			if err != nil {
				return err
			}
			l := listing{columns: []column{
				{name: "id", title: "ID"},
				{name: "name", title: "Name", left: true},
				{name: "privilege", title: "Privilege"},
				{name: "login", title: "Login"},
			}}
			for _, u := range c.Users {
				l.rows = append(l.rows, []any{int(u.ID), u.Name, u.Privilege.String(), login(u)})
			}
			return a.print(&o, l)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func login(u instance.User) string {
	switch {
	case u.CanLogIn():
		return "yes"
	case u.Disabled:
		return "disabled"
	case u.Password.Reveal() == "":
		return "no password"
	default:
		return "no access"
	}
}
