package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

// Of returns a BMC in the form of a document. Secrets are left out, and what has its default.
func Of(b units.BMC, c instance.Credentials, state State) BMC {
	m := BMC{
		Name: b.Name, State: state,
		Provider: b.Provider, Parameters: b.Parameters,
		NoIPMI:  b.Listen == nil,
		TLSCert: b.Certificate.Cert, TLSKey: b.Certificate.Key,
		Allow: b.Allow, Advertise: instance.FormatAdvertise(b.Advertise),
		KeepKg:    c.Kg.Reveal() != "",
		MediaURLs: b.Media.URLs, MediaLocal: b.Media.Local,
		RunAs:        b.RunAs.String(),
		Manufacturer: b.FRU.Manufacturer, Product: b.FRU.Product, Serial: b.FRU.Serial, Asset: b.FRU.Asset,
		UUID: b.SystemUUID, Comment: b.Comment,
	}
	m.setListen(b)
	def := instance.Default()
	if !bytes.Equal(b.CipherSuites, def.CipherSuites) {
		for _, suite := range b.CipherSuites {
			m.CipherSuites = append(m.CipherSuites, int(suite))
		}
	}
	if b.Inband != 0 {
		m.Inband = b.Inband.String()
	}
	defaults := make(map[string]time.Duration)
	for name, value := range def.Timeouts.All() {
		defaults[name] = value
	}
	for name, value := range b.Timeouts.All() {
		if value == defaults[name] {
			continue
		}
		if m.Timeouts == nil {
			m.Timeouts = make(map[string]string)
		}
		m.Timeouts[name] = instance.FormatTimeout(value)
	}
	if b.Console.LogAlways {
		m.ConsoleLog = b.Console.Get("log")
	}
	if b.Console.NoReplay {
		m.ConsoleReplay = b.Console.Get("replay")
	}
	for _, u := range c.Users {
		m.Users = append(m.Users, userOf(u))
	}
	return m
}

// OfGateway returns the gateway in the form of a document; nil: the host has none.
func OfGateway(g units.Gateway) *Gateway {
	if g.Listen == nil {
		return nil
	}
	m := &Gateway{State: Started, Allow: g.Allow, TLSCert: g.Certificate.Cert, TLSKey: g.Certificate.Key}
	if slices.Equal(g.Listen, settings.DefaultGatewayListen()) {
		return m
	}
	for _, addr := range g.Listen {
		m.Listen = append(m.Listen, addr.String())
	}
	return m
}

func userOf(u instance.User) User {
	m := User{Name: u.Name, ID: int(u.ID), Privilege: u.Privilege.String()}
	if u.Disabled {
		m.Enabled = new(false)
	}
	if u.NoMessaging {
		m.Messaging = new(false)
	}
	if u.NoConsole {
		m.Console = new(false)
	}
	if u.Password.Reveal() == "" {
		m.Password = new("")
	}
	return m
}

func (m *BMC) setListen(b units.BMC) {
	own := b.Listen
	if own == nil {
		own = b.Redfish
	}
	if m.Gateway = b.Gateway; own == nil {
		return
	}
	m.Address = texts(own, own[0].Port())
	if slices.Equal(m.Address, []string{defaultAddress}) {
		m.Address = nil
	}
	if b.Listen != nil && own[0].Port() != defaultPort {
		m.Port = int(own[0].Port())
	}
	if b.Redfish == nil {
		return
	}
	m.Redfish = int(b.Redfish[0].Port())
	m.RedfishAddress = texts(b.Redfish, b.Redfish[0].Port())
	if slices.Equal(m.RedfishAddress, texts(at(hosts(own), b.Redfish[0].Port()), b.Redfish[0].Port())) {
		m.RedfishAddress = nil
	}
}

func at(addrs []netip.Addr, port uint16) (listen []netip.AddrPort) {
	for _, addr := range addrs {
		listen = append(listen, netip.AddrPortFrom(addr, port))
	}
	return listen
}

// texts returns addresses, with the port if it is another one.
func texts(listen []netip.AddrPort, port uint16) (all []string) {
	for _, l := range listen {
		if l.Port() == port {
			all = append(all, l.Addr().String())
		} else {
			all = append(all, l.String())
		}
	}
	return all
}

// ShowSecrets adds the passwords and the BMC key to a BMC in the form of a document.
func (m *BMC) ShowSecrets(c instance.Credentials) {
	if m.KeepKg {
		m.KeepKg, m.Kg = false, c.Kg.Reveal()
	}
	for i, u := range c.Users {
		m.Users[i].Password = new(u.Password.Reveal())
	}
}

// WriteSecrets has write write the passwords and the BMC key to files, and adds the paths that
// it returns.
func (m *BMC) WriteSecrets(c instance.Credentials, write func(name string, secret instance.Secret) (path string, err error)) (err error) {
	if m.KeepKg {
		m.KeepKg = false
		if m.KgFile, err = write(m.Name+".kg", c.Kg); err != nil {
			return err
		}
	}
	for i, u := range c.Users {
		if u.Password.Reveal() == "" {
			continue
		}
		if m.Users[i].PasswordFile, err = write(fmt.Sprintf("%s.%d", m.Name, u.ID), u.Password); err != nil {
			return err
		}
	}
	return nil
}

// SetMachineState adds a state, which is JSON, to a BMC in the form of a document.
func (m *BMC) SetMachineState(text []byte) { m.MachineState = json.RawMessage(text) }

// MachineState returns the state that the document has for a BMC as JSON, or nil.
func (r Resolved) MachineState() ([]byte, error) {
	if r.manifest.MachineState == nil {
		return nil, nil
	}
	text, err := json.Marshal(r.manifest.MachineState)
	if err != nil {
		return nil, r.Wrong("machine_state", err)
	}
	return text, nil
}

// Wrong returns an error about the value of a key of a BMC, with its place.
func (r Resolved) Wrong(key string, err error) error { return r.manifest.wrong(key, err) }

// WriteJSON writes a document as JSON, which Read can read, too.
func (f File) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(f)
}

// Write writes a document as YAML.
func (f File) Write(w io.Writer) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	var document yaml.Node // keeps the order of the keys
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}
	plain(&document)
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(&document); err != nil {
		return err
	}
	return e.Close()
}

// plain removes the style of JSON.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, below := range n.Content {
		plain(below)
	}
}
