package manifest

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

// host returns a host with a provider called lab, and the path of that provider.
func host(t testing.TB) (settings.Host, string) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "providers"), 0o755))
	path := filepath.Join(dir, "providers/lab.conf")
	require.NoError(t, os.WriteFile(path, []byte("[PARAMETERS]\ndomain = a domain\n[DEFAULTS]\ndomain = x\n[POWER]\nstatus = echo on\n"), 0o644))
	return settings.Host{ConfigDirs: []string{dir}, Getenv: func(string) string { return "" }, Now: time.Now}, path
}

// all returns a BMC, in which every setting differs from its default, and its credentials.
func all(provider string) (units.BMC, instance.Credentials) {
	b := units.BMC{
		Instance: instance.Instance{
			Name: "node-0", Provider: provider, Parameters: map[string]string{"domain": "0123"},
			Timeouts:     instance.Timeouts{Idle: time.Second, Session: 2 * time.Minute, Query: 3 * time.Hour, Action: 1500 * time.Millisecond, Answer: time.Second, Media: time.Hour},
			CipherSuites: []byte{17},
			Media:        media.Rule{URLs: []string{"http://192.0.2.5/"}, Local: true},
			Inband:       instance.PrivilegeOperator,
			FRU:          instance.FRU{Manufacturer: "yes", Product: "2", Serial: "~", Asset: "#1: x"},
			Console:      instance.Console{LogAlways: true, NoReplay: true},
			Advertise:    netip.MustParseAddrPort("192.0.2.9:624"),
			SystemUUID:   "6a1d3e1c-0b7f-4c2a-9d58-2f1c7be8a0d4",
		},
		Listen:  []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:6230"), netip.MustParseAddrPort("[fe80::1%eth0]:6231")},
		Redfish: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:8443")},
		Gateway: true,
		Comment: "rack 3: \"top\" # left",
		Allow:   []string{"192.0.2.0/24"},
	}
	c := instance.Credentials{Kg: instance.Hide("0x1f"), Users: []instance.User{
		{ID: 2, Name: "admin", Password: instance.Hide("0123"), Privilege: instance.PrivilegeAdministrator},
		{ID: 4, Name: "no", Password: instance.Hide("null"), Privilege: instance.PrivilegeOperator, Disabled: true, NoConsole: true},
		{ID: 9, Name: "new", Privilege: instance.PrivilegeNone, NoMessaging: true},
	}}
	return b, c
}

// reads returns the only BMC of a document with its credentials.
func reads(t *testing.T, h settings.Host, text string) (units.BMC, instance.Credentials) {
	f, err := Read(strings.NewReader(text), "fleet.yml")
	require.NoError(t, err, text)
	r := NewResolver(t.Context(), h, settings.Config{}, t.TempDir(), &terminal.Terminal{Stderr: os.Stderr, Getenv: h.Getenv})
	resolved, err := r.Resolve(f.BMCs[0])
	require.NoError(t, err, text)
	c, err := resolved.Credentials(instance.Credentials{}, true)
	require.NoError(t, err, text)
	return resolved.Settings, c
}

// A document has every setting, and what reads it gets the same BMC.
func TestReadsWhatItWrites(t *testing.T) {
	h, provider := host(t)
	b, c := all(provider)
	for f, v := range reflect.ValueOf(b).Fields() {
		require.True(t, !v.IsZero() || f.Name == "Certificate" || f.Name == "RunAs" || f.Name == "Err", "%s is not tried", f.Name)
	}
	for f, v := range reflect.ValueOf(b.Instance).Fields() {
		require.False(t, v.IsZero(), "%s is not tried", f.Name)
	}
	onlyRedfish := b
	onlyRedfish.Listen = nil
	plain := units.BMC{Instance: instance.Default(), Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]:623")}}
	plain.Name, plain.Provider = "plain", provider
	both := plain
	both.Redfish = []netip.AddrPort{netip.MustParseAddrPort("[::]:443")}
	onlyGateway := plain
	onlyGateway.Listen, onlyGateway.Gateway = nil, true
	for _, b := range []units.BMC{b, onlyRedfish, plain, both, onlyGateway} {
		m := Of(b, c, Stopped)
		m.ShowSecrets(c)
		for name, write := range map[string]func(File, *bytes.Buffer) error{
			"YAML": func(f File, w *bytes.Buffer) error { return f.Write(w) },
			"JSON": func(f File, w *bytes.Buffer) error { return f.WriteJSON(w) },
		} {
			var text bytes.Buffer
			require.NoError(t, write(File{Version: Version, BMCs: []BMC{m}}, &text))
			read, credentials := reads(t, h, text.String())
			require.Equal(t, b, read, "%s: %s", name, &text)
			require.Equal(t, c.Marshal(), credentials.Marshal(), "%s: %s", name, &text)
			require.Empty(t, Differences(Of(b, c, ""), Of(read, credentials, ""), c, credentials))
		}
	}
	require.Equal(t, BMC{Name: "plain", Provider: provider}, Of(plain, instance.Credentials{}, ""), "what has its default is left out")
}

// A document also has the gateway.
func TestReadsTheGatewayThatItWrites(t *testing.T) {
	h, _ := host(t)
	at := func(texts ...string) (listen []netip.AddrPort) {
		for _, text := range texts {
			listen = append(listen, netip.MustParseAddrPort(text))
		}
		return listen
	}
	for want, g := range map[string]units.Gateway{
		"version: 1\nbmcs: []\n":                             {},
		"version: 1\ngateway:\n  state: started\nbmcs: []\n": {Listen: at("[::]:8000")},
		"version: 1\ngateway:\n  state: started\n  listen:\n    - '[::]:443'\n    - '[fe80::1%eth0]:8000'\n    - 192.0.2.1:8000\n  allow:\n    - 192.0.2.0/24\nbmcs: []\n": {
			Listen: at("[::]:443", "[fe80::1%eth0]:8000", "192.0.2.1:8000"), Allow: []string{"192.0.2.0/24"},
		},
	} {
		file := File{Version: Version, Gateway: OfGateway(g), BMCs: []BMC{}}
		var text bytes.Buffer
		require.NoError(t, file.Write(&text))
		require.Equal(t, want, text.String())
		read, err := Read(&text, "fleet.yml")
		require.NoError(t, err)
		if read.Gateway == nil {
			require.Nil(t, g.Listen)
			continue
		}
		got, err := NewResolver(t.Context(), h, settings.Config{}, "", &terminal.Terminal{}).ResolveGateway(*read.Gateway)
		require.NoError(t, err)
		require.Equal(t, g, got)
		require.Empty(t, GatewayDifferences(file.Gateway, OfGateway(got)))
	}
}

// Secrets are written only if they are asked for.
func TestNoSecrets(t *testing.T) {
	_, provider := host(t)
	b, c := all(provider)
	c.Users[0].Password, c.Kg = instance.Hide("s3cret"), instance.Hide("k3y")
	m := Of(b, c, Started)
	var text bytes.Buffer
	require.NoError(t, File{Version: Version, BMCs: []BMC{m}}.Write(&text))
	require.NotRegexp(t, "s3cret|k3y|null", text.String())
	files := make(map[string]string)
	require.NoError(t, m.WriteSecrets(c, func(name string, secret instance.Secret) (string, error) {
		files[name] = secret.Reveal()
		return "/root/" + name, nil
	}))
	require.Equal(t, map[string]string{"node-0.kg": "k3y", "node-0.2": "s3cret", "node-0.4": "null"}, files)
	require.Equal(t, "/root/node-0.2", m.Users[0].PasswordFile)
	changed := c
	changed.Users = []instance.User{c.Users[0], {ID: 5, Name: "x", Privilege: instance.PrivilegeUser}}
	changed.Users[0].Password = instance.Hide("0ther")
	require.Equal(t, []string{"user admin: password", "user x: added", "user no: deleted", "user new: deleted"}, Differences(m, m, c, changed))
}

// What several BMCs have in common is written once.
func TestMerge(t *testing.T) {
	h, provider := host(t)
	b, c := reads(t, h, `
x-rack: &rack
  provider: lab
  parameters: {domain: rack}
  timeouts: {action: 20m}
  users: &users [{name: admin, privilege: administrator, password: x}]
x-quick: &quick {timeouts: {idle: 1s}, comment: quick}
version: 1
bmcs:
  - name: node-0
    <<: [*quick, *rack]
    users: *users
    parameters:
`)
	require.Equal(t, provider, b.Provider)
	require.Equal(t, "quick", b.Comment)
	require.Equal(t, time.Second, b.Timeouts.Idle)
	require.Equal(t, 5*time.Minute, b.Timeouts.Action, "a key replaces the whole value")
	require.Nil(t, b.Parameters, "null is the default")
	require.Len(t, c.Users, 1)
}

// The IDs of users that exist stay the same.
func TestUsersKeepTheirIDs(t *testing.T) {
	h, _ := host(t)
	f, err := Read(strings.NewReader(`
version: 1
bmcs:
  - name: node-0
    provider: lab
    users:
      - {name: third, privilege: user, password: x}
      - {name: second, privilege: user}
      - {name: first, privilege: operator, id: 3}
`), "fleet.yml")
	require.NoError(t, err)
	resolved, err := NewResolver(t.Context(), h, settings.Config{}, "", &terminal.Terminal{}).Resolve(f.BMCs[0])
	require.NoError(t, err)
	now := instance.Credentials{Users: []instance.User{
		{ID: 2, Name: "second", Password: instance.Hide("2"), Privilege: instance.PrivilegeAdministrator},
		{ID: 7, Name: "first", Password: instance.Hide("1"), Privilege: instance.PrivilegeAdministrator},
	}}
	c, err := resolved.Credentials(now, false)
	require.NoError(t, err)
	require.Equal(t, `{"users":[{"id":2,"name":"second","password":"2","privilege":"user"},`+
		`{"id":3,"name":"first","password":"1","privilege":"operator"},`+
		`{"id":4,"name":"third","password":"x","privilege":"user"}]}`+"\n", string(c.Marshal()))
}

// A mistake is an error with a place, never a panic.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"version: 1\nbmcs:\n  - {name: a, port: 1, users: [{name: b, privilege: user, password: c, console: no}]}\n",
		"version: 1\nbmcs: [{name: a, parameters: {b: c}, cipher_suites: [3], machine_state: {d: [1, 2]}}]",
		"x-a: &a {port: 1}\nversion: 1\nbmcs: [{<<: *a, name: a, address: ['192.0.2.1:1', '::'], redfish: 2}]",
		"&a {<<: *a}", "- 1", "version: 1\nbmcs:\n  -", "version: 2", "bmcs: [*a]", "\xff", "a: {? {b: c} : d}", "!!binary x", "{\"version\": 1, \"bmcs\": []}",
		"version: 1\nbmcs: [{name: a, no_ipmi: true, redfish: 70000, redfish_address: [x]}]",
		"version: 1\ngateway: {listen: [8000, '[::1]:443', 192.0.2.1:1], allow: [192.0.2.0/24]}\nbmcs: []", "gateway: {state: absent, listen: []}",
	} {
		f.Add(text)
	}
	h, _ := host(f)
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Read(strings.NewReader(text), "fleet.yml")
		if err != nil {
			require.Regexp(t, `^fleet\.yml:`, err.Error())
			return
		}
		if g := file.Gateway; g != nil && g.TLSCert == "" && g.TLSKey == "" {
			resolved, err := NewResolver(t.Context(), h, settings.Config{}, "", &terminal.Terminal{}).ResolveGateway(*g)
			if m := OfGateway(resolved); err == nil && m != nil {
				again, err := NewResolver(t.Context(), h, settings.Config{}, "", &terminal.Terminal{}).ResolveGateway(*m)
				require.NoError(t, err)
				require.Equal(t, resolved, again)
			}
		}
		for _, b := range file.BMCs {
			if b.RunAs != "" || strings.Contains(text, "_file") || b.TLSCert != "" || b.Provider != "" {
				continue
			}
			b.Provider = "lab"
			r, err := NewResolver(t.Context(), h, settings.Config{}, "", &terminal.Terminal{}).Resolve(b)
			if err != nil {
				continue
			}
			c, err := r.Credentials(instance.Credentials{}, true)
			if err != nil {
				continue
			}
			m := Of(r.Settings, c, Started)
			m.ShowSecrets(c)
			var again bytes.Buffer
			require.NoError(t, File{Version: Version, BMCs: []BMC{m}}.Write(&again))
			read, credentials := reads(t, h, again.String())
			require.Equal(t, r.Settings, read, "%s", &again)
			require.Equal(t, c.Marshal(), credentials.Marshal(), "%s", &again)
		}
	})
}
