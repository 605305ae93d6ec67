package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) addCommand() *cobra.Command {
	var (
		flags settings.Flags
		start bool
	)
	cmd := &cobra.Command{
		Use:        "add NAME...",
		SuggestFor: []string{"create", "new"},
		Short:      "Add BMCs",
		Long: `Add a BMC, or several BMCs that differ only in their ports. If one of them cannot be
added, none is. The BMCs do not listen until "shipmi start" starts them, or --start.
--generate-password prints a random password, which is the same for all of them.

Without --provider, the provider is the one in the configuration file, or the only one
in /etc/shipmi/providers, ~/.shipmi/providers and $SHIPMI_PROVIDERS. The examples without
--provider need one of these. The address :: means all addresses, those of IPv4, too.

A BMC speaks IPMI. With --redfish, it speaks Redfish over HTTPS, too, with the same
users: on port 443 at its addresses, or on another port, or at another address. With
--redfish gateway, the gateway of the host serves the BMC at an address that many BMCs
share, see "shipmi gateway --help". With --no-ipmi, the BMC speaks only Redfish.

With --run-as, that user must be able to read the file of the provider, and clients cannot
change the users of the BMC over IPMI.

Other users of this host can see a secret on the command line. Use --password-file and
--kg-file, or --ask-password and --ask-kg, instead of --password and --kg.`,
		Example: `  shipmi add node-0 --provider dummy --start
  shipmi add node-1 --port 6230 --comment "rack 3, top"
  shipmi add node-2 --port 6232 --generate-password
  shipmi add node-3 --port 6233 --provider ./lab.conf --username root --ask-password
  pass show node-4 | shipmi add node-4 --port 6234 --password-stdin --kg-file kg
  shipmi add node-5 --port 6235 --run-as ipmi --allow 192.0.2.0/24
  shipmi add node-6 --port 6236 --provider proxmox-qm --set vmid=105
  shipmi add node-7 --port 6237 --address 192.0.2.7 --redfish
  shipmi add node-8 node-9 --redfish 8443+ --no-ipmi
  shipmi add node-10 --port 6240 --provider libvirt --inband=admin
  shipmi add node-{11..19} --redfish gateway --no-ipmi
  shipmi add node-20 --port 6250 --address 192.0.2.20 --address 2001:db8::20
  shipmi add node-21 --port 6251 --advertise 203.0.113.7:623
  shipmi add rack-3-{01..40} --port 6260+ --password-file secret`,
		Args:              newNames,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if err := a.add(ctx, args, &flags); err != nil || !start {
				return err
			}
			return a.manage(ctx, args, func(s serviceManager, bmcs []units.BMC) error { return a.start(ctx, s, bmcs, false) })
		},
	}
	flags.AddFlags(cmd, &a.host)
	cmd.Flags().BoolVar(&start, "start", false, "also start the BMCs, now and at boot, as \"shipmi start\" does")
	a.completeFlags(cmd)
	cmd.SetUsageFunc(sectionedUsage)
	return cmd
}

// newNames checks the names of BMCs that do not exist yet.
func newNames(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("want the name of a BMC")
	}
	for i, name := range args {
		if err := instance.CheckName(name); err != nil {
			return err
		}
		if slices.Contains(args[:i], name) {
			return fmt.Errorf("%q is named twice", name)
		}
	}
	return nil
}

func (a *app) add(ctx context.Context, names []string, flags *settings.Flags) error {
	config, err := a.host.LoadConfig()
	if err != nil {
		return err
	}
	change, err := flags.Change(ctx, a.host, config, &a.Terminal, len(names))
	if err != nil {
		return err
	}
	var credentials instance.Credentials
	if err := credentials.Add(instance.User{Privilege: instance.PrivilegeAdministrator}); err != nil {
		return err
	}
	if err := change.Credentials("", &credentials); err != nil {
		return err
	}
	var bmcs []units.BMC
	for _, name := range names {
		b := units.BMC{Instance: instance.Instance{Name: name, Timeouts: config.Timeouts, CipherSuites: config.CipherSuites, Media: config.Media}}
		if err := change.BMC(&b); err != nil {
			return err
		}
		bmcs = append(bmcs, b)
	}
	err = a.store.Add(bmcs, credentials, func() error {
		if _, err := a.certify(ctx, bmcs); err != nil {
			return err
		}
		return a.reload(ctx)
	})
	if err != nil {
		return err
	}
	a.warnPassword(bmcs, change.Password())
	a.warnUntrusted(bmcs)
	a.warnScripts(ctx, bmcs)
	a.explainRedfish(bmcs)
	return errors.Join(a.explainGateway(bmcs), a.printGenerated(change))
}

// printGenerated prints the password that --generate-password made.
func (a *app) printGenerated(change *settings.Change) error {
	password, generated := change.Generated()
	if !generated {
		return nil
	}
	_, err := fmt.Fprintln(a.Stdout, password)
	return err
}

// reload makes systemd read the files of all units again.
func (a *app) reload(ctx context.Context) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Reload(ctx)
}

// warnUntrusted warns of BMCs whose scripts run as root although other users can change
// them.
func (a *app) warnUntrusted(bmcs []units.BMC) {
	untrusted := a.host.Untrusted(bmcs)
	for _, b := range bmcs {
		if file := untrusted[b.Name]; file != "" {
			a.Warn("%q runs %s as root, and other users can change that file", b.Name, file)
		}
	}
}

// warnPassword warns of a password that some clients shorten, and of the default password
// if other hosts can reach the BMC.
func (a *app) warnPassword(bmcs []units.BMC, password instance.Secret) {
	if len(password.Reveal()) > instance.MaxShortPassword {
		a.Warn("the password has more than %d bytes: some clients use only the first %d", instance.MaxShortPassword, instance.MaxShortPassword)
	}
	if password.Reveal() != settings.DefaultPassword {
		return
	}
	for _, b := range bmcs {
		for _, e := range b.Endpoints() {
			if !e.Addr().IsLoopback() {
				a.Warn("%q will listen on %v with the default password", b.Name, e)
				break
			}
		}
	}
}
