package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show one BMC",
		Long: `Show one BMC. The password is shown when the configuration file says
"show_passwords = true" in its section [default].`,
		Example: `  shipmi show node-0`,
		Args:    oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.show(cmd.Context(), args[0])
		},
	}
}

func (a *app) show(ctx context.Context, name string) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	found, err := a.store.Find(name)
	if err != nil {
		return err
	}
	status, err := a.statuses(ctx, found)
	if err != nil {
		return err
	}
	credentials, err := a.store.Credentials(name)
	if err != nil {
		a.warn("%s: %v", name, err)
	}
	var users, passwords []string
	for _, user := range credentials.Users {
		users = append(users, user.Name)
		if c.showPasswords {
			passwords = append(passwords, user.Password.Reveal())
		} else {
			passwords = append(passwords, user.Password.String())
		}
	}

	b := found[0]
	rows := [][]string{
		{"address", addresses(b.Listen)},
		{"name", b.Name},
		{"password", strings.Join(passwords, ", ")},
		{"port", ports(b.Listen)},
		{"status", status[name]},
		{"username", strings.Join(users, ", ")},
		{"provider", providerName(b.Provider)},
	}
	if b.RunAs != (units.Account{}) {
		rows = append(rows, []string{"run as", b.RunAs.String()})
	}
	if b.Allow != nil {
		rows = append(rows, []string{"allow", strings.Join(b.Allow, ", ")})
	}
	if set := parametersValue(b.Parameters); set != nil {
		rows = append(rows, []string{"parameters", set.String()})
	}
	if b.Comment != "" {
		rows = append(rows, []string{"comment", b.Comment})
	}
	a.printTable([]string{"Property", "Value"}, rows)
	switch {
	case b.Err != nil:
		a.warn("%s: %v", name, b.Err)
	case status[name] == broken:
		a.warn("%s: systemd could not start it; see journalctl -u 'shipmi-bmc@%s.*'", name, name)
	}
	return nil
}
