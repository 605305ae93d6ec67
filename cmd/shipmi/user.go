package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/listing"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:        "user",
		SuggestFor: []string{"passwd", "password"},
		Example: `  shipmi user list node-0
  shipmi user passwd node-0 admin --ask-password`,
		Short: "Manage the users of a BMC",
		Long: `Manage the users of a BMC. Changes take effect immediately. The sessions of a changed
user end, and those of other users continue.

Administrators can do the same over IPMI, as with "ipmitool user".`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.userAddCommand(), a.userDeleteCommand(), a.userListCommand(), a.userPasswdCommand())
	return cmd
}

func (a *app) userAddCommand() *cobra.Command {
	var password settings.Secret
	var privilege instance.Privilege
	cmd := &cobra.Command{
		Use:   "add NAME USER",
		Short: "Add a user to a BMC",
		Example: `  shipmi user add node-0 maas --privilege operator --ask-password
  shipmi user add node-0 monitor --privilege user --password-file secret`,
		Args:              nameAndNewUser,
		ValidArgsFunction: a.completeNameAndUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			u := instance.User{Name: args[1], Privilege: privilege}
			return a.setPassword(cmd.Context(), args[0], password, func(c *instance.Credentials, secret instance.Secret) error {
				if _, exists := c.Named(u.Name); exists {
					return hint.Add(fmt.Errorf("user %q of %q exists already", u.Name, args[0]), `"shipmi user passwd" changes the password`)
				}
				u.Password = secret
				return c.Add(u)
			})
		},
	}
	cmd.Flags().TextVar(&privilege, "privilege", instance.PrivilegeUser, "highest `privilege` of the user: user, operator or administrator")
	privileges := []cobra.Completion{"user", "operator", "administrator"}
	_ = cmd.RegisterFlagCompletionFunc("privilege", cobra.FixedCompletions(privileges, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder))
	required := password.AddFlags(cmd.Flags(), "password")
	cmd.MarkFlagsOneRequired(required...)
	cmd.MarkFlagsMutuallyExclusive(required...)
	return cmd
}

func (a *app) userPasswdCommand() *cobra.Command {
	var password settings.Secret
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
	required := password.AddFlags(cmd.Flags(), "password")
	cmd.MarkFlagsOneRequired(required...)
	cmd.MarkFlagsMutuallyExclusive(required...)
	return cmd
}

func (a *app) userDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME USER",
		Short: "Delete a user of a BMC",
		Long: `Delete a user of a BMC. The last user cannot be deleted. Without an administrator,
users cannot be changed over IPMI, but still with this command.`,
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
					return hint.Add(fmt.Errorf("%q is the only user of %q", args[1], args[0]), "add another user first, or delete the BMC")
				}
				c.Remove(u.ID)
				left = c.Users
				return nil
			})
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(left, instance.User.CanAdminister) {
				a.Warn("%q has no administrator any more", args[0])
			}
			return nil
		},
	}
}

func findUser(c *instance.Credentials, name, user string) (instance.User, error) {
	u, ok := c.Named(user)
	if !ok {
		return u, hint.Add(fmt.Errorf("%q has no user %q", name, user), `"shipmi user list %s" lists its users`, name)
	}
	return u, nil
}

func (a *app) userListCommand() *cobra.Command {
	var options listing.Options
	cmd := &cobra.Command{
		Use:   "list NAME",
		Short: "List the users of a BMC",
		Long: `List the users of a BMC, with their IDs in IPMI. A user that was created over IPMI
cannot log in before it has a password and a privilege, and is enabled.`,
		Example:           `  shipmi user list node-0`,
		Args:              oneName,
		ValidArgsFunction: a.completeName,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := options.CheckColumns(userColumns); err != nil {
				return err
			}
			if _, err := a.findBMCs(args[0]); err != nil {
				return err
			}
			c, err := a.store.Credentials(args[0])
			if err != nil {
				return err
			}
			table := listing.Table{Columns: userColumns}
			for _, u := range c.Users {
				table.Rows = append(table.Rows, []any{int(u.ID), u.Name, u.Privilege.String(), login(u)})
			}
			return options.Print(&a.Terminal, table)
		},
	}
	options.AddFlags(cmd, userColumns)
	return cmd
}

var userColumns = []listing.Column{
	{Name: "id", Title: "ID"},
	{Name: "name", Title: "Name", Left: true},
	{Name: "privilege", Title: "Privilege"},
	{Name: "login", Title: "Login"},
}

// login returns "yes", or why a user cannot log in.
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

// nameAndNewUser checks the arguments of a command that takes a BMC and a user to add.
func nameAndNewUser(cmd *cobra.Command, args []string) error {
	if err := nameAndUser(cmd, args); err != nil {
		return err
	}
	return instance.CheckUserName(args[1])
}

// nameAndUser checks the arguments of a command that takes a BMC and one of its users.
func nameAndUser(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want the name of a BMC and the name of a user, got %d", len(args))
	}
	return instance.CheckName(args[0])
}

// completeNameAndUser proposes the name of one BMC, and then its users.
func (a *app) completeNameAndUser(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return a.completeName(cmd, args, prefix)
	}
	c, err := a.store.Credentials(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, u := range c.Users {
		names = append(names, u.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// setPassword reads a password, and lets set store it in the credentials of a BMC.
func (a *app) setPassword(ctx context.Context, name string, source settings.Secret, set func(*instance.Credentials, instance.Secret) error) error {
	found, err := a.findBMCs(name)
	if err != nil {
		return err
	}
	password, err := source.Read(ctx, &a.Terminal)
	if err != nil {
		return err
	}
	err = a.changeCredentials(ctx, name, func(c *instance.Credentials) error { return set(c, password) })
	if err != nil {
		return err
	}
	a.warnPassword(found, password)
	return nil
}

// changeCredentials changes the credentials of a BMC. systemd gives the process a copy when
// it starts, so a process that runs is restarted. Sessions continue, except those of users
// that have changed.
func (a *app) changeCredentials(ctx context.Context, name string, change func(*instance.Credentials) error) error {
	if _, err := a.findBMCs(name); err != nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := a.store.ChangeCredentials(name, change); err != nil {
		return err
	}
	return restartServices(ctx, s, []units.Change{{Name: name, Credentials: true}})
}
