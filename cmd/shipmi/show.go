package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/listing"
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
"show_passwords = true" in its section [default].

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
	{Name: "provider", Title: "provider"},
	{Name: "run_as", Title: "run as"},
	{Name: "allow", Title: "allow"},
	{Name: "parameters", Title: "parameters"},
	{Name: "comment", Title: "comment"},
	{Name: "timeouts", Title: "timeouts"},
	{Name: "cipher_suites", Title: "cipher suites"},
	{Name: "enabled", Title: "enabled", Wide: true},
	{Name: "last_action", Title: "last action", Wide: true},
	{Name: "manufacturer", Title: "manufacturer", Wide: true},
	{Name: "product", Title: "product", Wide: true},
	{Name: "serial", Title: "serial", Wide: true},
	{Name: "asset", Title: "asset", Wide: true},
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
		table.Rows = append(table.Rows, []any{
			addresses(b.Listen), b.Name, passwords, ports(b.Listen), f.status, users, settings.ProviderName(b.Provider),
			listing.TextOrNil(b.RunAs.String()), networks(b.Allow), parameters(b.Parameters), listing.TextOrNil(b.Comment),
			timeouts(b), cipherSuites(b.CipherSuites),
			f.enabled, f.lastAction, listing.TextOrNil(b.FRU.Manufacturer), listing.TextOrNil(b.FRU.Product),
			listing.TextOrNil(b.FRU.Serial), listing.TextOrNil(b.FRU.Asset),
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

func networks(allow []string) any {
	if allow == nil {
		return nil
	}
	return listing.Texts(allow)
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
		texts[name] = shortDuration(value)
	}
	return json.Marshal(texts)
}

func (t timeoutsCell) String() string {
	var texts []string
	for name, value := range instance.Timeouts(t).All() {
		texts = append(texts, name+"="+shortDuration(value))
	}
	return strings.Join(texts, ", ")
}

// shortDuration returns 5m for 5m0s, and 1h for 1h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
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
