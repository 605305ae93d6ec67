package settings

import (
	"net/netip"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Flags are the settings that "add" and "set" have flags for.
type Flags struct {
	username  string
	password  Secret
	generate  bool // a password
	kg        Secret
	port      portValue
	addresses addressesValue
	comment   string
	provider  string
	set       Parameters
	unset     []string
	reset     bool // of all parameters
	fru       map[string]string
	runAs     string
	timeouts  timeoutsValue
	suites    suitesValue
	allow     networksValue

	flags   *pflag.FlagSet
	partial bool // settings that the command line does not give stay as they are
}

// Section is the annotation of a flag with the title of the section of the help that it
// belongs to.
const Section = "section"

const (
	loginSection     = "Who may log in"
	networkSection   = "Where it listens"
	providerSection  = "What it switches"
	inventorySection = "Inventory, for ipmitool fru"
	processSection   = "How it runs"
)

// Sections are the titles in the order of the help.
var Sections = []string{providerSection, networkSection, loginSection, processSection, inventorySection}

var sections = map[string]string{
	"username": loginSection, "password": loginSection, "password-file": loginSection, "password-stdin": loginSection,
	"ask-password": loginSection, "kg": loginSection, "kg-file": loginSection, "kg-stdin": loginSection, "ask-kg": loginSection,
	"cipher-suites": loginSection,
	"address":       networkSection, "port": networkSection, "allow": networkSection,
	"provider": providerSection, "set": providerSection,
	"manufacturer": inventorySection, "product": inventorySection, "serial": inventorySection, "asset": inventorySection,
	"run-as": processSection, "timeout": processSection,
}

// AddFlags adds the flags for a new BMC to a command.
func (f *Flags) AddFlags(cmd *cobra.Command, h *Host) {
	f.flags = pflag.NewFlagSet("settings", pflag.ContinueOnError)
	f.flags.StringVar(&f.username, "username", "admin", "name of the user who may log in")
	f.flags.StringVar(&f.password.text, "password", DefaultPassword, "password of the user, which other users of this host can see")
	password := append([]string{"password", "generate-password"}, f.password.AddFlags(f.flags, "password")...)
	f.flags.BoolVar(&f.generate, "generate-password", false, "make a random password, and print it")
	f.flags.StringVar(&f.kg.text, "kg", "", "BMC key, as text or 0x and hex digits, which other users of this host can see")
	kg := append([]string{"kg"}, f.kg.AddFlags(f.flags, "kg")...)
	f.port = portValue{first: 623}
	f.flags.Var(&f.port, "port", "UDP port to listen on; 6230+ gives the first BMC port 6230, the second 6231, and so on")
	f.addresses = addressesValue{addrs: []netip.Addr{netip.IPv6Unspecified()}}
	f.flags.Var(&f.addresses, "address", "IP address to listen on; may be repeated")
	f.flags.StringVar(&f.comment, "comment", "", "a note for yourself")
	f.fru = make(map[string]string)
	for name, usage := range map[string]string{
		"manufacturer": "manufacturer of the machine, for its inventory",
		"product":      "product name of the machine",
		"serial":       "serial number of the machine",
		"asset":        "asset tag of the machine",
	} {
		f.flags.Var(fruValue{f.fru, name}, name, usage)
	}
	f.flags.StringVar(&f.runAs, "run-as", "", "`USER[:GROUP]` that the BMC and its scripts run as, in a sandbox")
	f.flags.Var(&f.timeouts, "timeout", "timeout of the BMC process, such as action=20m; NAME= is the default again; may be repeated")
	f.flags.Var(&f.suites, "cipher-suites", "cipher `suites` that clients may use: 3 (SHA1), 17 (SHA256) or both")
	f.flags.Var(&f.allow, "allow", "accept packets only from this network or address; may be repeated")
	f.flags.StringVar(&f.provider, "provider", "", "name of a provider, or path of a file that ends in .conf")
	f.flags.Var(&f.set, "set", "parameter of the provider, as \"shipmi providers\" lists them; may be repeated; not for secrets")

	for flag, section := range sections {
		_ = f.flags.SetAnnotation(flag, Section, []string{section})
	}
	cmd.Flags().AddFlagSet(f.flags)
	cmd.MarkFlagsMutuallyExclusive(password...)
	cmd.MarkFlagsMutuallyExclusive(kg...)
	cmd.MarkFlagsMutuallyExclusive("password-stdin", "kg-stdin")
	_ = cmd.RegisterFlagCompletionFunc("provider", h.CompleteProvider)
}

// AddPartialFlags adds the flags for BMCs that exist to a command. Settings whose flag is
// not given stay as they are.
func (f *Flags) AddPartialFlags(cmd *cobra.Command, h *Host) {
	f.AddFlags(cmd, h)
	f.partial = true
	f.flags.VisitAll(func(flag *pflag.Flag) { flag.DefValue = "" }) // help must not claim a default
	own := pflag.NewFlagSet("parameters", pflag.ContinueOnError)
	own.StringArrayVar(&f.unset, "unset", nil, "give this `parameter` of the provider its default again; may be repeated")
	own.BoolVar(&f.reset, "reset-parameters", false, "give all parameters of the provider their defaults, except those of --set")
	own.VisitAll(func(flag *pflag.Flag) { flag.Annotations = map[string][]string{Section: {providerSection}} })
	f.flags.AddFlagSet(own)
	cmd.Flags().AddFlagSet(own)
	cmd.MarkFlagsMutuallyExclusive("unset", "reset-parameters")
}

// Given returns the names of the flags that the command line has.
func (f *Flags) Given() (names []string) {
	f.flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed {
			names = append(names, flag.Name)
		}
	})
	return names
}

// applies reports whether the setting of a flag is to be stored.
func (f *Flags) applies(flag string) bool { return !f.partial || slices.Contains(f.Given(), flag) }

// appliesAny is applies for several flags.
func (f *Flags) appliesAny(flags ...string) bool { return slices.ContainsFunc(flags, f.applies) }

// CompleteProvider proposes the names of providers, and files.
func (h *Host) CompleteProvider(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, err := h.ProviderNames()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveDefault
}

// CompleteParameter proposes the parameters of a provider.
func (h *Host) CompleteParameter(provider string) ([]cobra.Completion, cobra.ShellCompDirective) {
	p, err := h.FindProvider(provider, "")
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var parameters []cobra.Completion
	for _, parameter := range p.Parameters {
		parameters = append(parameters, cobra.CompletionWithDesc(parameter.Name+"=", parameter.Help))
	}
	return parameters, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
