package manifest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

// A Resolver makes settings of the BMCs of a document. It looks up everything that they refer
// to, each thing once.
type Resolver struct {
	host settings.Host
	dir  string

	provider     func(name string) (*provider.Provider, error)
	account      func(text string) (units.Account, error)
	certificate  func(pair units.Certificate) (units.Certificate, error)
	password, kg func(path string) (instance.Secret, error)
}

// NewResolver returns a Resolver for a document whose relative paths begin in dir.
func NewResolver(ctx context.Context, h settings.Host, c settings.Config, dir string, t *terminal.Terminal) *Resolver {
	secret := func(what string) func(string) (instance.Secret, error) {
		return once(func(path string) (instance.Secret, error) { return settings.ReadSecret(ctx, what, path, t) })
	}
	return &Resolver{
		host:        h,
		dir:         dir,
		provider:    once(func(name string) (*provider.Provider, error) { return h.FindProvider(name, c.Provider) }),
		account:     once(func(text string) (units.Account, error) { return settings.FindAccount(ctx, text) }),
		certificate: once(func(pair units.Certificate) (units.Certificate, error) { return h.FindCertificate(pair.Cert, pair.Key) }),
		password:    secret("password"),
		kg:          secret("Kg"),
	}
}

// once returns a function that calls find once for each key.
func once[K comparable, T any](find func(K) (T, error)) func(K) (T, error) {
	type result struct {
		found T
		err   error
	}
	known := make(map[K]result)
	return func(key K) (T, error) {
		r, is := known[key]
		if !is {
			r.found, r.err = find(key)
			known[key] = r
		}
		return r.found, r.err
	}
}

// A Resolved is a BMC of a document with everything that it refers to.
type Resolved struct {
	Settings units.BMC
	manifest BMC
	kg       instance.Secret
	users    []resolvedUser
}

type resolvedUser struct {
	instance.User
	keeps bool // the user keeps its password
	placed
}

// Resolve returns the settings of a BMC. The error has a line for each mistake.
func (r *Resolver) Resolve(b BMC) (Resolved, error) {
	result := Resolved{manifest: b}
	s := units.BMC{Instance: instance.Default(), Comment: b.Comment}
	s.Name = b.Name
	var errs []error
	check := func(key string, err error) {
		if err != nil {
			errs = append(errs, b.wrong(key, err))
		}
	}
	check("provider", r.provide(&s, b))
	check("comment", wrapped(instance.CheckText(b.Comment)))
	var err error
	for key, err := range b.listen(&s) {
		check(key, err)
	}
	if b.TLSCert != "" || b.TLSKey != "" {
		if b.Redfish == 0 {
			check("tls_cert", errors.New("a certificate is for Redfish, which the BMC does not have"))
		} else {
			s.Certificate, err = r.certify(b.TLSCert, b.TLSKey)
			check("tls_cert", err)
		}
	}
	for _, text := range b.Allow {
		network, err := settings.ParseNetwork(text)
		check("allow", quoted(text, err))
		s.Allow = append(s.Allow, network)
	}
	s.Advertise, err = instance.ParseAdvertise(b.Advertise)
	check("advertise", err)
	if b.CipherSuites != nil {
		s.CipherSuites, err = instance.ParseCipherSuites(strings.Trim(fmt.Sprint(b.CipherSuites), "[]"))
		check("cipher_suites", err)
	}
	if b.Inband != "" && b.Inband != off {
		s.Inband, err = instance.ParseInband(b.Inband)
		check("inband", err)
	}
	s.Media.Local = b.MediaLocal
	s.Media.URLs, err = media.ParsePrefixes(strings.Join(b.MediaURLs, " "))
	check("media_urls", err)
	s.RunAs, err = r.runAs(b.RunAs)
	check("run_as", err)
	for _, name := range slices.Sorted(maps.Keys(b.Timeouts)) {
		check("timeouts", s.Timeouts.Set(name, b.Timeouts[name]))
	}
	check("console_log", s.Console.Set("log", b.ConsoleLog))
	check("console_replay", s.Console.Set("replay", b.ConsoleReplay))
	check("manufacturer", s.FRU.Set("manufacturer", b.Manufacturer))
	check("product", s.FRU.Set("product", b.Product))
	check("serial", s.FRU.Set("serial", b.Serial))
	check("asset", s.FRU.Set("asset", b.Asset))
	s.SystemUUID, err = instance.ParseUUID(b.UUID)
	check("uuid", err)
	result.Settings = s
	check("kg", r.readKg(&result))
	if b.has("users") && len(b.Users) == 0 {
		check("users", errors.New("want at least one"))
	}
	for _, u := range b.Users {
		user, err := r.user(u)
		result.users = append(result.users, user)
		errs = append(errs, err)
	}
	return result, errors.Join(errs...)
}

// off is the privilege of a guest that has no access.
const off = "off"

// wrapped turns the rest of a sentence into an error.
func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("it %w", err)
}

// quoted adds the text that is wrong to an error.
func quoted(text string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%q: %w", text, err)
}

// path returns the absolute path of a file that a document names.
func (r *Resolver) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}

func (r *Resolver) provide(s *units.BMC, b BMC) error {
	name := b.Provider
	if strings.HasSuffix(name, ".conf") {
		name = r.path(name)
	}
	p, err := r.provider(name)
	if err != nil {
		return err
	}
	for name, value := range b.Parameters {
		if err := instance.CheckText(value); err != nil {
			return fmt.Errorf("the value of %q %w", name, err)
		}
	}
	if len(b.Parameters) > 0 {
		s.Parameters = b.Parameters
	}
	s.Provider = r.host.NamedProvider(p.Path)
	return settings.CheckParameters(p, b.Name, b.Parameters)
}

func (r *Resolver) runAs(text string) (units.Account, error) {
	if text != "" && r.host.User {
		return units.Account{}, errors.New("it does not work with --user: these BMCs run as the user")
	}
	return r.account(text)
}

func (r *Resolver) certify(cert, key string) (units.Certificate, error) {
	if cert == "" || key == "" {
		return units.Certificate{}, errors.New("want both tls_cert and tls_key")
	}
	return r.certificate(units.Certificate{Cert: r.path(cert), Key: r.path(key)})
}

// ResolveGateway returns the settings of the gateway. The error has a line for each mistake.
func (r *Resolver) ResolveGateway(g Gateway) (s units.Gateway, err error) {
	if g.State == Absent {
		return s, nil
	}
	var errs []error
	check := func(key string, err error) {
		if err != nil {
			errs = append(errs, g.wrong(key, err))
		}
	}
	switch {
	case g.Listen == nil && g.has("listen"):
		check("listen", errors.New("want at least one"))
	case g.Listen == nil:
		s.Listen = settings.DefaultGatewayListen()
	}
	for _, text := range g.Listen {
		addr, err := settings.ParseGatewayListen(text)
		check("listen", quoted(text, err))
		s.Listen = append(s.Listen, addr)
	}
	for _, text := range g.Allow {
		network, err := settings.ParseNetwork(text)
		check("allow", quoted(text, err))
		s.Allow = append(s.Allow, network)
	}
	if g.TLSCert != "" || g.TLSKey != "" {
		s.Certificate, err = r.certify(g.TLSCert, g.TLSKey)
		check("tls_cert", err)
	}
	return s, errors.Join(errs...)
}

// The default address and UDP port.
const (
	defaultAddress = "::"
	defaultPort    = 623
)

// listen sets the addresses, and yields an error for each key that is wrong.
func (m BMC) listen(s *units.BMC) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		texts := m.Address
		if texts == nil {
			texts = []string{defaultAddress}
		}
		port := m.Port
		if !m.has("port") {
			port = defaultPort
		}
		if err := checkPort(port); err != nil {
			yield("port", err)
			return
		}
		ipmi, err := endpoints(texts, port)
		if err != nil {
			yield("address", err)
			return
		}
		if err := checkPort(m.Redfish); m.has("redfish") && err != nil {
			yield("redfish", err)
			return
		}
		if m.NoIPMI && m.has("port") {
			yield("port", errors.New("it is the port for IPMI, which no_ipmi switches off"))
		}
		if m.NoIPMI && m.Redfish == 0 && !m.Gateway {
			yield("no_ipmi", hint.Add(errors.New("it would have neither IPMI nor Redfish"), "no_ipmi needs redfish or gateway"))
		}
		if !m.NoIPMI {
			s.Listen = ipmi
		}
		s.Gateway = m.Gateway
		switch {
		case m.Redfish == 0 && m.RedfishAddress != nil:
			yield("redfish_address", errors.New("want the port, too: redfish"))
		case m.Redfish != 0 && m.RedfishAddress == nil:
			s.Redfish = at(hosts(ipmi), uint16(m.Redfish))
		case m.Redfish != 0:
			s.Redfish, err = endpoints(m.RedfishAddress, m.Redfish)
		}
		if err != nil {
			yield("redfish_address", err)
		}
	}
}

const lastPort = 65535

func checkPort(port int) error {
	if port < 1 || port > lastPort {
		return fmt.Errorf("%d: want 1 to %d", port, lastPort)
	}
	return nil
}

// endpoints returns addresses with a port of their own, or with the one that others have.
func endpoints(texts []string, port int) (all []netip.AddrPort, err error) {
	for _, text := range texts {
		own, err := netip.ParseAddrPort(text)
		if err == nil && own.Port() != 0 {
			text, port := own.Addr().String(), own.Port()
			addr, err := settings.ParseAddress(text)
			if err != nil {
				return nil, quoted(text, err)
			}
			all = append(all, netip.AddrPortFrom(addr, port))
			continue
		}
		addr, err := settings.ParseAddress(text)
		if err != nil {
			return nil, quoted(text, err)
		}
		all = append(all, netip.AddrPortFrom(addr, uint16(port)))
	}
	return all, nil
}

// hosts returns the addresses of listen, each once.
func hosts(listen []netip.AddrPort) (all []netip.Addr) {
	for _, l := range listen {
		if !slices.Contains(all, l.Addr()) {
			all = append(all, l.Addr())
		}
	}
	return all
}

func (r *Resolver) readKg(result *Resolved) (err error) {
	b := result.manifest
	given := 0
	for _, is := range []bool{b.Kg != "", b.KgFile != "", b.KeepKg} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return errors.New("want only one of kg, kg_file and keep_kg")
	case b.KgFile != "":
		result.kg, err = r.kg(r.path(b.KgFile))
	default:
		result.kg = instance.Hide(b.Kg)
	}
	return err
}

func (r *Resolver) user(u User) (resolved resolvedUser, err error) {
	resolved = resolvedUser{
		User: instance.User{
			ID: byte(u.ID), Name: u.Name,
			Disabled: isFalse(u.Enabled), NoMessaging: isFalse(u.Messaging), NoConsole: isFalse(u.Console),
		},
		placed: u.placed,
	}
	if u.has("id") && (u.ID < instance.MinUserID || u.ID > instance.MaxUserID) {
		return resolved, u.wrong("id", fmt.Errorf("want %d to %d", instance.MinUserID, instance.MaxUserID))
	}
	if err := instance.CheckUserName(u.Name); err != nil {
		return resolved, u.wrong("name", err)
	}
	if err := resolved.Privilege.UnmarshalText([]byte(u.Privilege)); err != nil {
		return resolved, u.wrong("privilege", errors.New("want user, operator, administrator or none"))
	}
	switch {
	case u.Password != nil && u.PasswordFile != "":
		return resolved, u.wrong("password", errors.New("want only one of password and password_file"))
	case u.Password != nil:
		resolved.Password = instance.Hide(*u.Password)
	case u.PasswordFile != "":
		if resolved.Password, err = r.password(r.path(u.PasswordFile)); err != nil {
			return resolved, u.wrong("password_file", err)
		}
	default:
		resolved.keeps = true
	}
	return resolved, nil
}

func isFalse(flag *bool) bool { return flag != nil && !*flag }

// Credentials returns the users and the key of a BMC that has those of now, or of one that is
// new.
func (r Resolved) Credentials(now instance.Credentials, isNew bool) (instance.Credentials, error) {
	c := instance.Credentials{Kg: r.kg}
	if r.manifest.KeepKg {
		if now.Kg.Reveal() == "" {
			err := hint.Add(errors.New("the BMC has no key to keep"), `give the key with kg or kg_file; "shipmi export" prints it with --show-passwords`)
			return c, r.manifest.wrong("keep_kg", err)
		}
		c.Kg = now.Kg
	}
	if r.manifest.Users == nil {
		if isNew {
			return c, r.manifest.wrong("users", errors.New("the BMC is new and needs at least one"))
		}
		c.Users = now.Users
		return c, nil
	}
	var errs []error
	put := func(u resolvedUser, user instance.User) {
		if _, taken := c.User(user.ID); taken {
			errs = append(errs, u.wrong("id", fmt.Errorf("two users have the ID %d", user.ID)))
		}
		c.Put(user)
	}
	var others, added []resolvedUser // without an ID
	for _, u := range r.users {
		old, exists := now.Named(u.Name)
		if !exists { // it may have another name
			old, exists = now.User(u.ID)
		}
		switch {
		case u.keeps && !exists:
			err := hint.Add(errors.New("the user is new and needs a password"), `give it with password_file or password; "shipmi export" writes it with --password-dir or --show-passwords`)
			errs = append(errs, u.wrong("name", err))
		case u.keeps:
			u.Password = old.Password
		}
		switch {
		case u.ID != 0:
			put(u, u.User)
		case exists:
			u.ID = old.ID
			others = append(others, u)
		default:
			added = append(added, u)
		}
	}
	for _, u := range others {
		put(u, u.User)
	}
	for _, u := range added {
		if err := c.Add(u.User); err != nil {
			errs = append(errs, u.wrong("name", err))
		}
	}
	if errs == nil {
		if err := c.Check(); err != nil {
			errs = append(errs, r.manifest.wrong("users", err))
		}
	}
	return c, errors.Join(errs...)
}

// HasPassword reports whether the document gives a user this password.
func (r Resolved) HasPassword(text string) bool {
	return slices.ContainsFunc(r.users, func(u resolvedUser) bool { return !u.keeps && u.Password.Reveal() == text })
}
