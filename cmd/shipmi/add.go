package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) addCommand() *cobra.Command {
	var o settings
	cmd := &cobra.Command{
		Use:        "add NAME...",
		SuggestFor: []string{"create", "new"},
		Short:      "Add BMCs",
		Long: `Add a BMC, or several that are the same but for their ports: all of them, or none. It
does not listen before "shipmi start".

Without --provider, the provider is the one that the configuration file names, or
the only one in /etc/shipmi/providers, ~/.shipmi/providers and $SHIPMI_PROVIDERS.
The address :: stands for all addresses, of IPv4 too.

With --run-as, the provider has to be readable for that user, and users of the BMC
cannot be changed over IPMI.`,
		Example: `  shipmi add node-0
  shipmi add node-1 --port 6230 --comment "rack 3, top"
  shipmi add node-2 --address 192.0.2.1 --address 2001:db8::1
  shipmi add node-3 --provider ./lab.conf --username root --ask-password
  shipmi add node-5 --run-as ipmi --allow 192.0.2.0/24
  shipmi add node-6 --port 6236 --provider proxmox-qm --set vmid=105
  shipmi add rack-3-{01..40} --port 6230+ --password-file secret
  pass show node-4 | shipmi add node-4 --port 6234 --password-stdin --kg-file kg`,
		Args:              newNames,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.add(cmd.Context(), args, o)
		},
	}
	o.addFlags(cmd, a)
	return cmd
}

// newNames checks the names of BMCs that do not exist yet.
func newNames(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("want the name of a BMC")
	}
	for i, name := range args {
		if err := instance.CheckName(name); err != nil {
			return err
		}
		if slices.Contains(args[:i], name) {
			return fmt.Errorf("%q is there twice", name)
		}
	}
	return nil
}

func (a *app) add(ctx context.Context, names []string, o settings) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	all := func(string) bool { return true }
	e, err := a.edit(ctx, o, c, all, len(names))
	if err != nil {
		return err
	}
	var credentials instance.Credentials
	if err := credentials.Add(instance.User{Privilege: instance.PrivilegeAdministrator}); err != nil {
		return err
	}
	if err := e.credentials("", &credentials); err != nil {
		return err
	}
	var bmcs []units.BMC
	for _, name := range names {
		b := units.BMC{Instance: instance.Instance{Name: name, Timeouts: c.timeouts, CipherSuites: c.cipherSuites}}
		if err := e.bmc(&b); err != nil {
			return err
		}
		bmcs = append(bmcs, b)
	}
	err = a.store.Add(bmcs, credentials, func() error {
		s, err := a.connect(ctx)
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Reload(ctx)
	})
	if err != nil {
		return err
	}
	a.warnPassword(bmcs, e.secret)
	a.warnExposed(bmcs)
	return nil
}

func (a *app) warnExposed(bmcs []units.BMC) {
	exposed := a.exposed(bmcs)
	for _, b := range bmcs {
		if file := exposed[b.Name]; file != "" {
			a.warn("%q runs %s as root, and others can change that", b.Name, file)
		}
	}
}

func (a *app) warnPassword(bmcs []units.BMC, password instance.Secret) {
	if len(password.Reveal()) > instance.MaxShortPassword {
		a.warn("the password has more than %d bytes: some clients cut it off", instance.MaxShortPassword)
	}
	if password.Reveal() != defaultPassword {
		return
	}
	for _, b := range bmcs {
		for _, addr := range b.Listen {
			if !addr.Addr().IsLoopback() {
				a.warn("%q will listen on %v with the default password", b.Name, addr)
				break
			}
		}
	}
}
