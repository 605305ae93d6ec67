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
	flags    *Flags
	host     Host
	provider *provider.Provider // nil: each BMC keeps its own
	account  units.Account
	password instance.Secret
	kg       instance.Secret
	finished int // BMCs that have been changed; the next port depends on it
}

// Change reads everything that the flags refer to, for a number of BMCs.
func (f *Flags) Change(ctx context.Context, h Host, config Config, t *terminal.Terminal, bmcs int) (*Change, error) {
	c := &Change{flags: f, host: h}
	if f.applies("port") && bmcs > 1 && !f.port.counting {
		err := fmt.Errorf("%d BMCs cannot all have the port %d", bmcs, f.port.first)
		return nil, hint.Misuse(hint.Add(err, "with --port %d+ each has a port of its own", f.port.first))
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
	if c.account, err = FindAccount(ctx, f.runAs); err != nil {
		return nil, err
	}
	if f.generate {
		c.password = instance.Hide(generatePassword())
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
	for name, text := range c.flags.timeouts {
		if err := b.Timeouts.Set(name, text); err != nil {
			return err
		}
	}
	if c.flags.suites != nil {
		b.CipherSuites = c.flags.suites
	}
	for field, text := range c.flags.fru {
		if err := b.FRU.Set(field, text); err != nil {
			return err
		}
	}
	return errors.Join(c.provide(b), c.listen(b))
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

// listen changes addresses and ports.
func (c *Change) listen(b *units.BMC) error {
	var addrs []netip.Addr
	var ports []uint16
	for _, addr := range b.Listen {
		if !slices.Contains(addrs, addr.Addr()) {
			addrs = append(addrs, addr.Addr())
		}
		if !slices.Contains(ports, addr.Port()) {
			ports = append(ports, addr.Port())
		}
	}
	if c.flags.applies("address") {
		addrs = c.flags.addresses.addrs
	}
	if c.flags.applies("port") {
		port, err := c.flags.port.at(c.finished)
		if err != nil {
			return err
		}
		ports = []uint16{port}
	}
	c.finished++
	if !c.flags.appliesAny("address", "port") {
		return nil
	}
	if len(ports) != 1 {
		return hint.Add(fmt.Errorf("%s: listens on several ports", b.Name), "give --port, too")
	}
	b.Listen = nil
	for _, addr := range addrs {
		b.Listen = append(b.Listen, netip.AddrPortFrom(addr, ports[0]))
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
