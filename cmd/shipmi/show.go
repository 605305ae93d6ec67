package main

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/listing"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) showCommand() *cobra.Command {
	var (
		options  listing.Options
		selected selection
	)
	cmd := &cobra.Command{
		Use:        "show NAME...",
		SuggestFor: []string{"info", "inspect", "cat"},
		Short:      "Show the settings of BMCs",
		Long: `Show all settings of BMCs. Passwords are shown only if the configuration file has
"show_passwords = true" in its section [default]. If a client has the console open, root
sees which client that is.

-o json and yaml show more, see "shipmi list --help".`,
		Example: `  shipmi show node-0
  shipmi show node-0 -o value -c port
  shipmi show --all -o yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.show(cmd.Context(), &options, selected.patterns(args))
		},
	}
	selected.addTo(cmd, a)
	options.AddFlags(cmd, showColumns)
	return cmd
}

var showColumns = []listing.Column{
	{Name: "address", Title: "address"},
	{Name: "name", Title: "name"},
	{Name: "password", Title: "password"},
	{Name: "port", Title: "port"},
	{Name: "status", Title: "status"},
	{Name: "username", Title: "username"},
	{Name: "redfish", Title: "redfish", Optional: true},
	{Name: "tls_cert", Title: "TLS certificate", Optional: true},
	{Name: "provider", Title: "provider"},
	{Name: "run_as", Title: "run as"},
	{Name: "allow", Title: "allow"},
	{Name: "parameters", Title: "parameters"},
	{Name: "comment", Title: "comment"},
	{Name: "timeouts", Title: "timeouts"},
	{Name: "cipher_suites", Title: "cipher suites"},
	{Name: "advertise", Title: "advertise"},
	{Name: "console", Title: "console"},
	{Name: "console_log", Title: "console log", Wide: true},
	{Name: "console_replay", Title: "console replay", Wide: true},
	{Name: "media_urls", Title: "media URLs"},
	{Name: "media_local", Title: "media local"},
	{Name: "inband", Title: "in-band"},
	{Name: "guest_name", Title: "guest name", Wide: true},
	{Name: "guest_os", Title: "guest OS", Wide: true},
	{Name: "enabled", Title: "enabled", Wide: true},
	{Name: "last_action", Title: "last action", Wide: true},
	{Name: "manufacturer", Title: "manufacturer", Wide: true},
	{Name: "product", Title: "product", Wide: true},
	{Name: "serial", Title: "serial", Wide: true},
	{Name: "asset", Title: "asset", Wide: true},
	{Name: "uuid", Title: "UUID", Optional: true},
}

func (a *app) show(ctx context.Context, options *listing.Options, patterns []string) error {
	if err := options.CheckColumns(options.PropertyColumns(showColumns)); err != nil {
		return err
	}
	config, err := a.host.LoadConfig()
	if err != nil {
		return err
	}
	bmcs, err := a.findBMCs(patterns...)
	if err != nil {
		return err
	}
	facts, err := a.factsOf(ctx, bmcs)
	if err != nil {
		return err
	}
	table := listing.Table{Columns: showColumns}
	for i, b := range bmcs {
		f := facts[i]
		users, passwords := a.logins(b, config.ShowPasswords)
		guest := a.guestOf(b)
		table.Rows = append(table.Rows, []any{
			addresses(b.Listen), b.Name, passwords, ports(b.Listen), f.status, users, redfish(b), a.certificate(b), settings.ProviderName(b.Provider),
			listing.TextOrNil(b.RunAs.String()), networks(b.Allow), parameters(b.Parameters), listing.TextOrNil(b.Comment),
			timeouts(b), cipherSuites(b.CipherSuites), listing.TextOrNil(instance.FormatAdvertise(b.Advertise)),
			a.consoleCell(b), listing.TextOrNil(b.Console.Get("log")), listing.TextOrNil(b.Console.Get("replay")),
			networks(b.Media.URLs), localCell(b.Media.Local),
			inbandCell(b),
			listing.TextOrNil(printable(guest.Name)), listing.TextOrNil(printable(cmp.Or(guest.PresentOS, guest.PrimaryOS))),
			f.enabled, f.lastAction, listing.TextOrNil(b.FRU.Manufacturer), listing.TextOrNil(b.FRU.Product),
			listing.TextOrNil(b.FRU.Serial), listing.TextOrNil(b.FRU.Asset), listing.TextOrNil(b.SystemUUID),
		})
	}
	if err := options.PrintProperties(&a.Terminal, table); err != nil {
		return err
	}
	for i, b := range bmcs {
		switch {
		case b.Err != nil:
			a.Warn("%s: %v", b.Name, b.Err)
		case facts[i].status == broken:
			a.Warn(`%s: systemd could not start it; see "shipmi logs %s"`, b.Name, b.Name)
		}
	}
	return nil
}

// logins returns cells with the users of a BMC and their passwords.
func (a *app) logins(b units.BMC, showPasswords bool) (names, passwords listing.List) {
	credentials, err := a.store.Credentials(b.Name)
	if err != nil {
		a.Warn("%s: %v", b.Name, err)
	}
	for _, user := range credentials.Users {
		password := user.Password.String() // asterisks
		if showPasswords {
			password = user.Password.Reveal()
		}
		names, passwords = append(names, user.Name), append(passwords, password)
	}
	return names, passwords
}

// inbandCell returns a cell with the privilege of the guest, or nil if it has no access.
func inbandCell(b units.BMC) any {
	if b.Inband == 0 {
		return nil
	}
	return b.Inband.String()
}

// guestOf returns the facts that the guest of a BMC has reported about itself, if the caller may read them.
func (a *app) guestOf(b units.BMC) ipmi.GuestInfo {
	for _, dir := range a.store.StateDirs(b.Name) {
		state, err := bmc.StateFile{Dir: dir, Upgrade: noGuest}.Load()
		if info := ipmi.GuestInfoOf(state); err == nil && info != (ipmi.GuestInfo{}) {
			return info
		}
	}
	return ipmi.GuestInfo{}
}

// noGuest reads a state file of version 1, in which no guest could say anything.
func noGuest([]byte) (machine.State, error) { return machine.State{}, nil }

// printable is a text of a guest without what could control a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// certificate returns a cell with the file of the certificate for Redfish, or nil if the BMC
// has no Redfish.
func (a *app) certificate(b units.BMC) any {
	if b.Redfish == nil {
		return nil
	}
	return a.store.CertificateOf(b).Cert
}

// networks returns a cell with what is allowed, or nil if everything is.
func networks(allow []string) any {
	if allow == nil {
		return nil
	}
	return listing.Texts(allow)
}

// localCell returns a cell, or nil if images from this host are refused, as they are by default.
func localCell(local bool) any {
	if !local {
		return nil
	}
	return ability(true)
}

// timeouts returns a cell with the timeouts of a BMC, or nil if its files are invalid.
func timeouts(b units.BMC) any {
	if b.Err != nil {
		return nil
	}
	return timeoutsCell(b.Timeouts)
}

// A timeoutsCell is a JSON object with a text like "5m" for each timeout.
type timeoutsCell instance.Timeouts

func (t timeoutsCell) MarshalJSON() ([]byte, error) {
	texts := make(map[string]string)
	for name, value := range instance.Timeouts(t).All() {
		texts[name] = instance.FormatTimeout(value)
	}
	return json.Marshal(texts)
}

func (t timeoutsCell) String() string {
	var texts []string
	for name, value := range instance.Timeouts(t).All() {
		texts = append(texts, name+"="+instance.FormatTimeout(value))
	}
	return strings.Join(texts, ", ")
}

func cipherSuites(suites []byte) listing.List {
	var l listing.List
	for _, suite := range suites {
		l = append(l, int(suite))
	}
	return l
}

func parameters(set map[string]string) any {
	if len(set) == 0 {
		return nil
	}
	return settings.Parameters(set)
}
