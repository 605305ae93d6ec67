package settings

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

// A Change is what flags make of BMCs. Everything that the flags refer to has been read.
type Change struct {
	flags       *Flags
	host        Host
	provider    *provider.Provider // nil: each BMC keeps its own
	account     units.Account
	password    instance.Secret
	kg          instance.Secret
	certificate units.Certificate
	finished    int // BMCs that have been changed; the next port depends on it
}

// Change reads everything that the flags refer to, for a number of BMCs.
func (f *Flags) Change(ctx context.Context, h Host, config Config, t *terminal.Terminal, bmcs int) (*Change, error) {
	c := &Change{flags: f, host: h}
	if f.applies("port") && !f.noIPMI && bmcs > 1 && !f.port.counting {
		err := fmt.Errorf("%d BMCs cannot all have the port %d", bmcs, f.port.first)
		return nil, hint.Misuse(hint.Add(err, "with --port %d+ each has a port of its own", f.port.first))
	}
	if f.advertise.Port() != 0 && bmcs > 1 {
		return nil, hint.Misuse(fmt.Errorf("%d BMCs cannot all be reached at %s", bmcs, instance.FormatAdvertise(f.advertise.AddrPort)))
	}
	if h.User && f.runAs != "" {
		return nil, hint.Misuse(errors.New("--run-as does not work with --user: these BMCs run as the user"))
	}
	if f.applies("username") {
		if err := instance.CheckUserName(f.username); err != nil {
			return nil, hint.Misuse(err)
		}
	}
	if err := instance.CheckText(f.comment); err != nil {
		return nil, hint.Misuse(fmt.Errorf("comment %q %w", f.comment, err))
	}
	if f.uuid != "" && bmcs > 1 {
		return nil, hint.Misuse(fmt.Errorf("%d BMCs cannot all have the UUID %s", bmcs, f.uuid))
	}
	for _, name := range f.unset {
		if _, both := f.set[name]; both {
			return nil, hint.Misuse(fmt.Errorf("want --set or --unset of %q, not both", name))
		}
	}
	var err error
	if f.applies("provider") {
		if c.provider, err = h.FindProvider(f.provider, config.Provider); err != nil {
			return nil, err
		}
	}
	if f.cert != "" || f.key != "" {
		if c.certificate, err = h.FindCertificate(f.cert, f.key); err != nil {
			return nil, err
		}
	}
	if c.account, err = FindAccount(ctx, f.runAs); err != nil {
		return nil, err
	}
	if f.generate {
		c.password = instance.Hide(GeneratePassword())
	} else if f.appliesAny("password", "password-file", "password-stdin", "ask-password") {
		if c.password, err = f.password.Read(ctx, t); err != nil {
			return nil, err
		}
	}
	if f.kg.text != "" || f.kg.file != "" || f.kg.stdin || f.kg.ask {
		if c.kg, err = f.kg.Read(ctx, t); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Password returns the password that the flags give, or an empty one.
func (c *Change) Password() instance.Secret { return c.password }

// Generated returns the password that --generate-password made.
func (c *Change) Generated() (password string, generated bool) {
	return c.password.Reveal(), c.flags.generate
}

// BMC changes the settings of one BMC. Each call is about the next BMC.
func (c *Change) BMC(b *units.BMC) error {
	if c.flags.applies("comment") {
		b.Comment = c.flags.comment
	}
	if c.flags.applies("run-as") {
		b.RunAs = c.account
	}
	if c.flags.applies("allow") {
		b.Allow = c.flags.allow
	}
	if c.flags.applies("inband") {
		b.Inband = instance.Privilege(c.flags.inband)
	}
	for name, text := range c.flags.timeouts {
		if err := b.Timeouts.Set(name, text); err != nil {
			return err
		}
	}
	if c.flags.suites != nil {
		b.CipherSuites = c.flags.suites
	}
	given := c.flags.Given()
	if slices.Contains(given, "media-urls") {
		b.Media.URLs = c.flags.mediaURLs
	}
	if slices.Contains(given, "media-local") {
		b.Media.Local = bool(c.flags.local)
	}
	for field, text := range c.flags.fru {
		if err := b.FRU.Set(field, text); err != nil {
			return err
		}
	}
	for name, text := range c.flags.console {
		if err := b.Console.Set(name, text); err != nil {
			return err
		}
	}
	if c.flags.applies("advertise") {
		b.Advertise = c.flags.advertise.AddrPort
	}
	if c.flags.applies("uuid") {
		b.SystemUUID = string(c.flags.uuid)
	}
	if err := errors.Join(c.provide(b), c.listen(b)); err != nil {
		return err
	}
	return c.certify(b)
}

// provide changes the provider and its parameters. Parameters that are set stay as they
// are if the new provider declares them, too.
func (c *Change) provide(b *units.BMC) error {
	f := c.flags
	if !f.appliesAny("provider", "set") && !f.reset && f.unset == nil {
		return nil
	}
	p := c.provider
	if p == nil {
		var err error
		if p, err = c.host.LoadProvider(b.Provider); err != nil {
			return err
		}
	}
	set := maps.Clone(b.Parameters)
	if set == nil || f.reset {
		set = make(map[string]string)
	}
	for _, name := range f.unset {
		if _, isSet := set[name]; !isSet && !declares(p, name) {
			return fmt.Errorf("%s: provider %q has no parameter %q", b.Name, p.Name(), name)
		}
		delete(set, name)
	}
	if err := checkLost(p, b.Name, set); err != nil {
		return err
	}
	maps.Copy(set, f.set)
	if err := CheckParameters(p, b.Name, set); err != nil {
		return err
	}
	b.Parameters = set
	if c.provider != nil {
		b.Provider = c.host.NamedProvider(p.Path)
	}
	return nil
}

func declares(p *provider.Provider, name string) bool {
	return slices.ContainsFunc(p.Parameters, func(declared provider.Parameter) bool { return declared.Name == name })
}

// checkLost names the parameters that are set and that the provider does not declare.
// Without them the BMC might switch another machine.
func checkLost(p *provider.Provider, bmc string, set map[string]string) error {
	var lost []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !declares(p, name) {
			lost = append(lost, name+"="+set[name])
		}
	}
	if lost == nil {
		return nil
	}
	err := fmt.Errorf("%s: provider %q does not have these parameters, which would be lost: %s", bmc, p.Name(), strings.Join(lost, ", "))
	return hint.Add(err, `remove them with --unset NAME, or all parameters with --reset-parameters`)
}

// listen changes addresses and ports. Redfish moves with --address if it listens on the
// same addresses as IPMI.
func (c *Change) listen(b *units.BMC) error {
	index := c.finished
	c.finished++
	if !c.flags.appliesAny("address", "port", "redfish", "no-ipmi") {
		return nil
	}
	addrs := addresses(b.Listen)
	if addrs == nil {
		addrs = addresses(b.Redfish)
	}
	moves := c.flags.applies("address") && slices.Equal(addrs, addresses(b.Redfish))
	if c.flags.applies("address") {
		addrs = c.flags.addresses.addrs
	}
	ipmi, err0 := c.ipmi(b, addrs, index)
	redfish, err1 := c.redfish(b, addrs, moves, index)
	if err := errors.Join(err0, err1); err != nil {
		return err
	}
	gateway := b.Gateway
	if c.flags.applies("redfish") {
		gateway = c.flags.redfish.gateway
	}
	if ipmi == nil && redfish == nil && !gateway {
		err := fmt.Errorf("%s: it would have neither IPMI nor Redfish", b.Name)
		return hint.Misuse(hint.Add(err, "--no-ipmi needs --redfish"))
	}
	b.Listen, b.Redfish, b.Gateway = ipmi, redfish, gateway
	return nil
}

// ipmi returns where a BMC listens for IPMI from now on.
func (c *Change) ipmi(b *units.BMC, addrs []netip.Addr, index int) ([]netip.AddrPort, error) {
	f := c.flags
	listens := b.Listen != nil
	if f.applies("no-ipmi") {
		listens = !f.noIPMI
	}
	switch {
	case !listens && slices.Contains(f.Given(), "port"):
		err := fmt.Errorf("%s: --port is the port for IPMI, and the BMC speaks only Redfish", b.Name)
		return nil, hint.Misuse(hint.Add(err, "--redfish sets the port for Redfish; --no-ipmi=false adds IPMI"))
	case !listens:
		return nil, nil
	case f.applies("port"), b.Listen == nil:
		port, err := f.port.at(index)
		return at(addrs, port), err
	case f.applies("address"):
		port, err := onlyPort(b.Name, "port", b.Listen)
		return at(addrs, port), err
	default:
		return b.Listen, nil
	}
}

// redfish returns where a BMC listens for Redfish from now on.
func (c *Change) redfish(b *units.BMC, addrs []netip.Addr, moves bool, index int) ([]netip.AddrPort, error) {
	value := c.flags.redfish
	switch {
	case c.flags.applies("redfish") && value.port == portValue{}:
		return nil, nil
	case c.flags.applies("redfish"):
		if value.addr.IsValid() {
			addrs = []netip.Addr{value.addr}
		}
		port, err := value.port.at(index)
		return at(addrs, port), err
	case moves:
		port, err := onlyPort(b.Name, "redfish", b.Redfish)
		return at(addrs, port), err
	default:
		return b.Redfish, nil
	}
}

// onlyPort returns the port of all addresses. The error names the flag that sets it.
func onlyPort(bmc, flag string, listen []netip.AddrPort) (uint16, error) {
	port := listen[0].Port()
	for _, addr := range listen {
		if addr.Port() != port {
			return 0, hint.Add(fmt.Errorf("%s: listens on several ports", bmc), "give --%s, too", flag)
		}
	}
	return port, nil
}

// addresses returns the IP addresses of listen, each once.
func addresses(listen []netip.AddrPort) (addrs []netip.Addr) {
	for _, addr := range listen {
		if !slices.Contains(addrs, addr.Addr()) {
			addrs = append(addrs, addr.Addr())
		}
	}
	return addrs
}

// at returns a port at each of the addresses.
func at(addrs []netip.Addr, port uint16) (listen []netip.AddrPort) {
	for _, addr := range addrs {
		listen = append(listen, netip.AddrPortFrom(addr, port))
	}
	return listen
}

// certify changes the certificate.
func (c *Change) certify(b *units.BMC) error {
	switch {
	case b.Redfish == nil && c.certificate != (units.Certificate{}):
		return hint.Misuse(hint.Add(fmt.Errorf("%s: a certificate is for Redfish, which the BMC does not have", b.Name), "--redfish adds it"))
	case b.Redfish == nil:
		b.Certificate = units.Certificate{}
	case c.flags.applies("tls-cert"):
		b.Certificate = c.certificate
	}
	return nil
}

// Credentials changes the user that "add" created, and the BMC key, of the BMC called
// name.
func (c *Change) Credentials(name string, credentials *instance.Credentials) error {
	if c.kg.Reveal() != "" {
		credentials.Kg = c.kg
	}
	renames := c.flags.applies("username")
	if !renames && c.password.Reveal() == "" {
		return nil
	}
	u, ok := credentials.User(instance.MinUserID)
	if !ok {
		return hint.Add(fmt.Errorf(`%s: the user created by "add" no longer exists`, name), `"shipmi user" manages the other users`)
	}
	if renames {
		u.Name = c.flags.username
	}
	if c.password.Reveal() != "" {
		u.Password = c.password
	}
	credentials.Put(u)
	return nil
}
