package main

import (
	"context"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

type addOptions struct {
	username  string
	password  passwordSource
	port      portValue
	addresses addressesValue
	comment   string
	provider  string
}

func (a *app) addCommand() *cobra.Command {
	o := addOptions{port: 623, addresses: addressesValue{addrs: []netip.Addr{netip.IPv6Unspecified()}}}
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a BMC",
		Long: `Add a BMC. It does not listen before "shipmi start".

Without --provider, the provider is the one that the configuration file names, or
the only one in /etc/shipmi/providers, ~/.shipmi/providers and $SHIPMI_PROVIDERS.
The address :: stands for all addresses, of IPv4 too.`,
		Example: `  shipmi add node-0
  shipmi add node-1 --port 6230 --comment "rack 3, top"
  shipmi add node-2 --address 192.0.2.1 --address 2001:db8::1
  shipmi add node-3 --provider ./lab.conf --username root --ask-password
  pass show node-4 | shipmi add node-4 --port 6234 --password-stdin`,
		Args: oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.add(cmd.Context(), args[0], o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.username, "username", "admin", "name of the user who may log in")
	o.password.addFlags(cmd)
	flags.Var(&o.port, "port", "UDP port to listen on")
	flags.Var(&o.addresses, "address", "IP address to listen on; may be repeated")
	flags.StringVar(&o.comment, "comment", "", "a note for yourself")
	flags.StringVar(&o.provider, "provider", "", "name of a provider, or path of a file that ends in .conf")
	return cmd
}

func (a *app) add(ctx context.Context, name string, o addOptions) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	path, err := a.findProvider(o.provider, c.provider)
	if err != nil {
		return err
	}
	password, err := o.password.read(a)
	if err != nil {
		return err
	}

	b := units.BMC{
		Instance: instance.Instance{Name: name, Provider: path, Timeouts: c.timeouts, CipherSuites: c.cipherSuites},
		Comment:  o.comment,
	}
	for _, addr := range o.addresses.addrs {
		b.Listen = append(b.Listen, netip.AddrPortFrom(addr, uint16(o.port)))
	}
	admin := instance.User{Name: o.username, Password: password, Privilege: instance.PrivilegeAdministrator}
	err = a.store.Add(b, instance.Credentials{Users: []instance.User{admin}}, func() error {
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
	a.warnPassword(b, password.Reveal())
	return nil
}

func (a *app) warnPassword(b units.BMC, password string) {
	if len(password) > instance.MaxShortPassword {
		a.warn("the password has more than %d bytes: some clients cut it off", instance.MaxShortPassword)
	}
	if password != defaultPassword {
		return
	}
	for _, addr := range b.Listen {
		if !addr.Addr().IsLoopback() {
			a.warn("%q will listen on %v with the default password", b.Name, addr)
			return
		}
	}
}
