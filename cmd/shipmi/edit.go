package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/units"
)

// An edit makes settings those of BMCs, one after the other.
type edit struct {
	settings
	given    func(flag string) bool // which settings count
	loaded   *provider.Provider     // nil: the BMC keeps its own
	load     func(path string) (*provider.Provider, error)
	account  units.Account
	secret   instance.Secret // password
	key      instance.Secret // Kg
	finished int             // how many BMCs are
}

// edit reads all that settings refer to, for so many BMCs.
func (a *app) edit(ctx context.Context, o settings, c config, given func(string) bool, bmcs int) (e edit, err error) {
	e = edit{settings: o, given: given, load: a.loadProvider}
	if given("port") && bmcs > 1 && !o.port.counting {
		err := fmt.Errorf("%d BMCs cannot all have the port %d", bmcs, o.port.first)
		return e, hint(err, "with --port %d+ each has a port of its own", o.port.first)
	}
	if a.user && o.runAs != "" {
		return e, errors.New("with --user, BMCs run as the user: there is no --run-as")
	}
	if given("provider") {
		if e.loaded, err = a.findProvider(o.provider, c.provider); err != nil {
			return e, err
		}
	}
	if e.account, err = findAccount(ctx, o.runAs); err != nil {
		return e, err
	}
	if given("password") || given("password-file") || given("password-stdin") || given("ask-password") {
		if e.secret, err = o.password.read(ctx, a); err != nil {
			return e, err
		}
	}
	if o.kg.given() {
		e.key, err = o.kg.read(ctx, a)
	}
	return e, err
}

// bmc changes the settings of one BMC.
func (e *edit) bmc(b *units.BMC) error {
	if e.given("comment") {
		b.Comment = e.comment
	}
	if e.given("run-as") {
		b.RunAs = e.account
	}
	if e.given("allow") {
		b.Allow = e.allow
	}
	for field, text := range e.fru {
		if err := b.FRU.Set(field, text); err != nil {
			return err
		}
	}
	return errors.Join(e.provide(b), e.listen(b))
}

// provide changes the provider and its parameters. Another provider has other ones.
func (e *edit) provide(b *units.BMC) (err error) {
	if !e.given("provider") && e.set == nil {
		return nil
	}
	p, set := e.loaded, make(map[string]string)
	if p == nil {
		if p, err = e.load(b.Provider); err != nil {
			return err
		}
		maps.Copy(set, b.Parameters)
	}
	maps.Copy(set, e.set)
	if err := checkParameters(p, b.Name, set); err != nil {
		return err
	}
	b.Provider, b.Parameters = p.Path, set
	return nil
}

func (e *edit) listen(b *units.BMC) error {
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
	if e.given("address") {
		addrs = e.addresses.addrs
	}
	if e.given("port") {
		port, err := e.port.at(e.finished)
		if err != nil {
			return err
		}
		ports = []uint16{port}
	}
	e.finished++
	if !e.given("address") && !e.given("port") {
		return nil
	}
	if len(ports) != 1 {
		return hint(fmt.Errorf("%s: listens on several ports", b.Name), "give --port as well")
	}
	b.Listen = nil
	for _, addr := range addrs {
		b.Listen = append(b.Listen, netip.AddrPortFrom(addr, ports[0]))
	}
	return nil
}

// credentials changes the user that "add" has made, and the BMC key.
func (e *edit) credentials(name string, c *instance.Credentials) error {
	if e.key.Reveal() != "" {
		c.Kg = e.key
	}
	if !e.given("username") && e.secret.Reveal() == "" {
		return nil
	}
	u, ok := c.User(instance.MinUserID)
	if !ok {
		return hint(fmt.Errorf("%s: the user that was there first is gone", name), `"shipmi user" manages the others`)
	}
	if e.given("username") {
		u.Name = e.username
	}
	if e.secret.Reveal() != "" {
		u.Password = e.secret
	}
	c.Put(u)
	return nil
}
