package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) showCommand() *cobra.Command {
	var (
		o output
		s selection
	)
	cmd := &cobra.Command{
		Use:        "show NAME...",
		SuggestFor: []string{"info", "inspect", "cat", "status"},
		Short:      "Show all about BMCs",
		Long: `Show all about BMCs. A password is shown when the configuration file says
"show_passwords = true" in its section [default].

With -o json or yaml there is more, see "shipmi list --help".`,
		Example: `  shipmi show node-0
  shipmi show node-0 -o value -c port
  shipmi show --all -o yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.show(cmd.Context(), &o, s.patterns(args))
		},
	}
	s.addTo(cmd, a)
	o.addFlags(cmd)
	return cmd
}

func (a *app) show(ctx context.Context, o *output, patterns []string) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	bmcs, err := a.find(patterns...)
	if err != nil {
		return err
	}
	facts, err := a.factsOf(ctx, bmcs)
	if err != nil {
		return err
	}
	l := listing{columns: []column{
		{name: "address", title: "address"},
		{name: "name", title: "name"},
		{name: "password", title: "password"},
		{name: "port", title: "port"},
		{name: "status", title: "status"},
		{name: "username", title: "username"},
		{name: "provider", title: "provider"},
		{name: "run_as", title: "run as"},
		{name: "allow", title: "allow"},
		{name: "parameters", title: "parameters"},
		{name: "comment", title: "comment"},
		{name: "enabled", title: "enabled", wide: true},
		{name: "last_action", title: "last action", wide: true},
		{name: "manufacturer", title: "manufacturer", wide: true},
		{name: "product", title: "product", wide: true},
		{name: "serial", title: "serial", wide: true},
		{name: "asset", title: "asset", wide: true},
	}}
	for i, b := range bmcs {
		f := facts[i]
		users, passwords := a.users(b, c.showPasswords)
		l.rows = append(l.rows, []any{
			addresses(b.Listen), b.Name, passwords, ports(b.Listen), f.status, users, providerName(b.Provider),
			orNil(b.RunAs.String()), networks(b.Allow), parameters(b.Parameters), orNil(b.Comment),
			f.enabled, f.lastAction, orNil(b.FRU.Manufacturer), orNil(b.FRU.Product), orNil(b.FRU.Serial), orNil(b.FRU.Asset),
		})
	}
	if err := a.printProperties(o, l); err != nil {
		return err
	}
	for i, b := range bmcs {
		switch {
		case b.Err != nil:
			a.warn("%s: %v", b.Name, b.Err)
		case facts[i].status == broken:
			a.warn(`%s: systemd could not start it; see "shipmi logs %s"`, b.Name, b.Name)
		}
	}
	return nil
}

func (a *app) users(b units.BMC, showPasswords bool) (names, passwords list) {
	credentials, err := a.store.Credentials(b.Name)
	if err != nil {
		a.warn("%s: %v", b.Name, err)
	}
	for _, user := range credentials.Users {
		names = append(names, user.Name)
		passwords = append(passwords, shown(user.Password, showPasswords))
	}
	return names, passwords
}

func shown(secret instance.Secret, reveal bool) string {
	if reveal {
		return secret.Reveal()
	}
	return secret.String()
}

func networks(allow []string) any {
	if allow == nil {
		return nil
	}
	return texts(allow)
}

func parameters(set map[string]string) any {
	if len(set) == 0 {
		return nil
	}
	return parametersValue(set)
}

// orNil makes nothing of an empty text.
func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}
