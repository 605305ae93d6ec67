package main

import (
	"net/netip"

	"github.com/spf13/cobra"
)

// settings are what "add" and "set" can be told of BMCs.
type settings struct {
	username  string
	password  secretSource
	kg        secretSource
	port      portValue
	addresses addressesValue
	comment   string
	provider  string
	set       parametersValue
	fru       map[string]string
	runAs     string
	allow     networksValue
}

// addFlags adds a flag for every setting.
func (o *settings) addFlags(cmd *cobra.Command, a *app) {
	flags := cmd.Flags()
	flags.StringVar(&o.username, "username", "admin", "name of the user who may log in")
	flags.StringVar(&o.password.text, "password", defaultPassword, "password of the user, which other users of this host can see")
	cmd.MarkFlagsMutuallyExclusive(append([]string{"password"}, o.password.addFlags(cmd, "password")...)...)
	flags.StringVar(&o.kg.text, "kg", "", "BMC key, as text or 0x and hex digits, which other users of this host can see")
	cmd.MarkFlagsMutuallyExclusive(append([]string{"kg"}, o.kg.addFlags(cmd, "kg")...)...)
	cmd.MarkFlagsMutuallyExclusive("password-stdin", "kg-stdin")
	o.port = portValue{first: 623}
	flags.Var(&o.port, "port", "UDP port to listen on; with a + behind it, that of the first BMC, and one more for each")
	o.addresses = addressesValue{addrs: []netip.Addr{netip.IPv6Unspecified()}}
	flags.Var(&o.addresses, "address", "IP address to listen on; may be repeated")
	flags.StringVar(&o.comment, "comment", "", "a note for yourself")
	o.fru = make(map[string]string)
	for name, usage := range map[string]string{
		"manufacturer": "manufacturer of the machine, for its inventory",
		"product":      "product name of the machine",
		"serial":       "serial number of the machine",
		"asset":        "asset tag of the machine",
	} {
		flags.Var(fruValue{o.fru, name}, name, usage)
	}
	flags.StringVar(&o.runAs, "run-as", "", "`USER[:GROUP]` that the BMC and its scripts run as, in a sandbox")
	flags.Var(&o.allow, "allow", "take packets from this network or address only; may be repeated")
	flags.StringVar(&o.provider, "provider", "", "name of a provider, or path of a file that ends in .conf")
	flags.Var(&o.set, "set", "parameter of the provider, as \"shipmi providers\" lists them; may be repeated; no place for secrets")
	_ = cmd.RegisterFlagCompletionFunc("provider", a.completeProvider)
	_ = cmd.RegisterFlagCompletionFunc("set", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return a.completeParameter(o.provider)
	})
}
