package main

import (
	"context"
	"errors"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

type addOptions struct {
	username  string
	password  secretSource
	kg        secretSource
	port      portValue
	addresses addressesValue
	comment   string
	provider  string
	set       parametersValue
	fru       instance.FRU
	runAs     string
	allow     networksValue
}

func (a *app) addCommand() *cobra.Command {
	o := addOptions{port: 623, addresses: addressesValue{addrs: []netip.Addr{netip.IPv6Unspecified()}}}
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a BMC",
		Long: `Add a BMC. It does not listen before "shipmi start".

Without --provider, the provider is the one that the configuration file names, or
the only one in /etc/shipmi/providers, ~/.shipmi/providers and $SHIPMI_PROVIDERS.
The address :: stands for all addresses, of IPv4 too.

With --run-as, the provider has to be readable for that user, and users of the BMC
cannot be changed over IPMI.`,
		Example: `  shipmi add node-0
  shipmi add node-1 --port 6230 --comment "rack 3, top"
  shipmi add node-2 --address 192.0.2.1 --address 2001:db8::1
  shipmi add node-3 --provider ./lab.conf --username root --ask-password
  shipmi add node-5 --run-as ipmi:libvirt --allow 192.0.2.0/24
  shipmi add node-6 --port 6236 --provider proxmox-qm --set vmid=105
  pass show node-4 | shipmi add node-4 --port 6234 --password-stdin --kg-file kg`,
		Args: oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.add(cmd.Context(), args[0], o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.username, "username", "admin", "name of the user who may log in")
	flags.StringVar(&o.password.text, "password", defaultPassword, "password of the user, which other users of this host can see")
	cmd.MarkFlagsMutuallyExclusive(append([]string{"password"}, o.password.addFlags(cmd, "password")...)...)
	flags.StringVar(&o.kg.text, "kg", "", "BMC key, as text or 0x and hex digits, which other users of this host can see")
	cmd.MarkFlagsMutuallyExclusive(append([]string{"kg"}, o.kg.addFlags(cmd, "kg")...)...)
	cmd.MarkFlagsMutuallyExclusive("password-stdin", "kg-stdin")
	flags.Var(&o.port, "port", "UDP port to listen on")
	flags.Var(&o.addresses, "address", "IP address to listen on; may be repeated")
	flags.StringVar(&o.comment, "comment", "", "a note for yourself")
	for name, usage := range map[string]string{
		"manufacturer": "manufacturer of the machine, for its inventory",
		"product":      "product name of the machine",
		"serial":       "serial number of the machine",
		"asset":        "asset tag of the machine",
	} {
		flags.Var(fruValue{&o.fru, name}, name, usage)
	}
	flags.StringVar(&o.runAs, "run-as", "", "`USER[:GROUP]` that the BMC and its scripts run as, in a sandbox")
	flags.Var(&o.allow, "allow", "take packets from this network or address only; may be repeated")
	flags.StringVar(&o.provider, "provider", "", "name of a provider, or path of a file that ends in .conf")
	flags.Var(&o.set, "set", "parameter of the provider, as \"shipmi providers\" lists them; may be repeated; no place for secrets")
	return cmd
}

func (a *app) add(ctx context.Context, name string, o addOptions) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	p, err := a.findProvider(o.provider, c.provider)
	if err != nil {
		return err
	}
	if err := checkParameters(p, name, o.set); err != nil {
		return err
	}
	runAs, err := findAccount(o.runAs)
	if err != nil {
		return err
	}
	credentials, err := a.newCredentials(o)
	if err != nil {
		return err
	}

	b := units.BMC{
		Instance: instance.Instance{
			Name: name, Provider: p.Path, Parameters: o.set, Timeouts: c.timeouts, CipherSuites: c.cipherSuites, FRU: o.fru,
		},
		Comment: o.comment,
		RunAs:   runAs,
		Allow:   o.allow,
	}
	for _, addr := range o.addresses.addrs {
		b.Listen = append(b.Listen, netip.AddrPortFrom(addr, uint16(o.port)))
	}
	err = a.store.Add(b, credentials, func() error {
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
	a.warnPassword(b, credentials.Users[0].Password)
	return nil
}

func (a *app) newCredentials(o addOptions) (c instance.Credentials, err error) {
	admin := instance.User{Name: o.username, Privilege: instance.PrivilegeAdministrator}
	if admin.Password, err = o.password.read(a); err != nil {
		return c, err
	}
	if o.kg.given() {
		c.Kg, err = o.kg.read(a)
	}
	return c, errors.Join(err, c.Add(admin))
}

func (a *app) warnPassword(b units.BMC, password instance.Secret) {
	if len(password.Reveal()) > instance.MaxShortPassword {
		a.warn("the password has more than %d bytes: some clients cut it off", instance.MaxShortPassword)
	}
	if password.Reveal() != defaultPassword {
		return
	}
	for _, addr := range b.Listen {
		if !addr.Addr().IsLoopback() {
			a.warn("%q will listen on %v with the default password", b.Name, addr)
			return
		}
	}
}
