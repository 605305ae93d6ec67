package settings

import (
	"net/netip"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shipmi/shipmi/internal/instance"
)

// Flags are the settings that "add" and "set" have flags for.
type Flags struct {
	username  string
	password  Secret
	generate  bool // a password
	kg        Secret
	port      portValue
	addresses addressesValue
	redfish   redfishValue
	noIPMI    bool
	cert, key string // files
	uuid      uuidValue
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
	console   map[string]string // by the name of the setting
	advertise advertiseValue
	mediaURLs urlsValue
	local     localValue
	inband    inbandValue

	flags   *pflag.FlagSet
	partial bool // settings that the command line does not give stay as they are
}

// Section is the annotation of a flag with the title of the section of the help that it
// belongs to.
const Section = "section"

const (
	loginSection     = "Logins"
	networkSection   = "Addresses and ports"
	providerSection  = "Managed machine"
	guestSection     = "Guest of the machine"
	inventorySection = "Inventory, for ipmitool fru"
	mediaSection     = "Images"
	processSection   = "BMC process"
)

// Sections are the titles in the order of the help.
var Sections = []string{providerSection, networkSection, loginSection, guestSection, mediaSection, processSection, inventorySection}

var sections = map[string]string{
	"username": loginSection, "password": loginSection, "password-file": loginSection, "password-stdin": loginSection,
	"ask-password": loginSection, "kg": loginSection, "kg-file": loginSection, "kg-stdin": loginSection, "ask-kg": loginSection,
	"cipher-suites": loginSection,
	"address":       networkSection, "port": networkSection, "allow": networkSection, "advertise": networkSection, "redfish": networkSection,
	"no-ipmi": networkSection, "tls-cert": networkSection, "tls-key": networkSection,
	"media-urls": mediaSection, "media-local": mediaSection,
	"provider": providerSection, "set": providerSection,
	"inband":       guestSection,
	"manufacturer": inventorySection, "product": inventorySection, "serial": inventorySection, "asset": inventorySection,
	"uuid":   inventorySection,
	"run-as": processSection, "timeout": processSection, "console-log": processSection, "console-replay": processSection,
}

// AddFlags adds the flags for a new BMC to a command.
func (f *Flags) AddFlags(cmd *cobra.Command, h *Host) {
	f.flags = pflag.NewFlagSet("settings", pflag.ContinueOnError)
	f.flags.StringVar(&f.username, "username", "admin", "name of the `user` who may log in")
	f.flags.StringVar(&f.password.text, "password", DefaultPassword, "`password` of the user; other users of this host can see it while the command runs: better --password-file")
	password := append([]string{"password", "generate-password"}, f.password.AddFlags(f.flags, "password")...)
	f.flags.BoolVar(&f.generate, "generate-password", false, "make a random password, and print it")
	f.flags.StringVar(&f.kg.text, "kg", "", "BMC `key` (Kg), which clients need in addition to user and password: text, or 0x and hex digits; other users of this host can see it while the command runs: better --kg-file")
	kg := append([]string{"kg"}, f.kg.AddFlags(f.flags, "kg")...)
	f.port = portValue{first: 623}
	f.flags.Var(&f.port, "port", "UDP port to listen on; 6230+ gives the first BMC port 6230, the second 6231, and so on")
	f.addresses = addressesValue{addrs: []netip.Addr{netip.IPv6Unspecified()}}
	f.flags.Var(&f.addresses, "address", "IP address to listen on; may be repeated")
	f.flags.Var(&f.redfish, "redfish", "speak Redfish over HTTPS, too, on this TCP port of the addresses of the BMC; ADDRESS:PORT: at another address; 8443+: the first BMC gets port 8443, the second 8444, and so on; gateway: at the gateway of the host; PORT,gateway: at both; none: no Redfish")
	f.flags.Lookup("redfish").NoOptDefVal = defaultRedfish
	f.flags.BoolVar(&f.noIPMI, "no-ipmi", false, "do not listen for IPMI, only for Redfish")
	f.flags.StringVar(&f.cert, "tls-cert", "", "`file` with a certificate for Redfish in PEM, instead of the one of this host")
	f.flags.StringVar(&f.key, "tls-key", "", "`file` with the private key of that certificate; only root may be able to read this file")
	f.flags.Var(&f.uuid, "uuid", "UUID of the machine, by which Redfish clients find it, too")
	f.flags.StringVar(&f.comment, "comment", "", "a note for yourself, which list and show print")
	f.fru = make(map[string]string)
	for name, usage := range map[string]string{
		"manufacturer": "manufacturer of the machine, for its inventory",
		"product":      "product name of the machine",
		"serial":       "serial number of the machine",
		"asset":        "asset tag of the machine",
	} {
		f.flags.Var(fruValue{f.fru, name}, name, usage)
	}
	f.flags.StringVar(&f.runAs, "run-as", "", "run the BMC and its scripts as `USER[:GROUP]` in a sandbox, instead of as root")
	f.flags.Var(&f.timeouts, "timeout", "change a timeout of the BMC process, as in action=20m; the names are idle, session, query, action, answer and media; NAME= restores the default; may be repeated")
	f.flags.Var(&f.suites, "cipher-suites", "cipher `suites` that clients may use: 3 (SHA1), 17 (SHA256) or both")
	f.flags.Var(&f.allow, "allow", "accept packets only from this network or address, such as 192.0.2.0/24, and drop all others; may be repeated; any: accept all packets")
	f.flags.Var(&f.advertise, "advertise", "`[ADDRESS]:PORT` that clients send to, if NAT or a container translates the address or the port of the BMC; the serial console needs that port")
	f.console = make(map[string]string)
	f.flags.Var(consoleValue{f.console, "log"}, "console-log", "`when` to log the output of the serial console: watched (while a client has it open) or always")
	f.flags.Var(consoleValue{f.console, "replay"}, "console-replay", "send the last screenful of output first to a client that opens the console: `yes|no`")
	f.flags.Var(&f.mediaURLs, "media-urls", "accept only images whose URL begins with one of these `URLs`, separated by commas; '': accept all")
	f.flags.Var(&f.local, "media-local", "accept images from this host and from link-local addresses, too: `yes|no`")
	f.flags.Var(&f.inband, "inband", "let the guest of the machine use the BMC as its device /dev/ipmi0, with the privilege user, operator or admin; off: do not; see \"shipmi inband\"")
	f.flags.Lookup("inband").NoOptDefVal = instance.PrivilegeOperator.String()
	f.flags.StringVar(&f.provider, "provider", "", "`provider` that switches the machine: a name that \"shipmi providers\" lists, or the path of a file that ends in .conf")
	f.flags.Var(&f.set, "set", "value of a parameter of the provider, as in domain=web; \"shipmi providers PROVIDER\" lists the parameters; not for secrets; may be repeated")

	for flag, section := range sections {
		_ = f.flags.SetAnnotation(flag, Section, []string{section})
	}
	cmd.Flags().AddFlagSet(f.flags)
	cmd.MarkFlagsMutuallyExclusive(password...)
	cmd.MarkFlagsMutuallyExclusive(kg...)
	cmd.MarkFlagsMutuallyExclusive("password-stdin", "kg-stdin")
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	_ = cmd.RegisterFlagCompletionFunc("provider", h.CompleteProvider)
}

// AddPartialFlags adds the flags for BMCs that exist to a command. Settings whose flag is
// not given stay as they are.
func (f *Flags) AddPartialFlags(cmd *cobra.Command, h *Host) {
	f.AddFlags(cmd, h)
	f.partial = true
	f.flags.VisitAll(func(flag *pflag.Flag) { flag.DefValue = "" }) // help must not claim a default
	own := pflag.NewFlagSet("parameters", pflag.ContinueOnError)
	own.StringArrayVar(&f.unset, "unset", nil, "restore the default of this `parameter` of the provider; may be repeated")
	own.BoolVar(&f.reset, "reset-parameters", false, "restore the defaults of all parameters of the provider, except those of --set")
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
