package units

import (
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
	"github.com/stretchr/testify/require"
)

const service = "[Service]\nEnvironment=SHIPMI_PROVIDER=/p.conf\n"

// write makes the drop-ins of a BMC by hand, given by their path below the unit
// directory.
func write(t *testing.T, s Store, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := s.path(s.Units, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
}

func TestHandEdits(t *testing.T) {
	s := SystemStore(t.TempDir())
	write(t, s, map[string]string{
		"shipmi-bmc@a.socket.d/50-shipmi.conf": "[Socket]\nListenDatagram=[::]:623\nIPAddressDeny=any\nIPAddressAllow=any\n[X-ShIPMI]\nComment=Bob and Eve\n",
		"shipmi-bmc@a.socket.d/60-more.conf":   "; reset\n[Socket]\nListenDatagram=\nListenDatagram = 6230\nListenDatagram=[fe80::1]:1%%eth0\nIPAddressAllow=\nIPAddressAllow=localhost 192.0.2.1\n",
		"shipmi-bmc@a.socket.d/ignored.bak":    "[Socket]\nListenDatagram=hello\n",
		"shipmi-bmc@a.service.d/50-a.conf":     "[Service]\nEnvironment=SHIPMI_PROVIDER=/old.conf SHIPMI_CIPHER_SUITES=3\n",
		"shipmi-bmc@a.service.d/60-b.conf":     "[Service]\nEnvironment='SHIPMI_PROVIDER=/%i 100%%.conf' \\\n  SHIPMI_IDLE_TIMEOUT=1m\nNice=5\nUser=ipmi\nGroup=5000\n",
		"shipmi-bmc@.socket.d/all.conf":        "[Socket]\nReceiveBuffer=1M\n",
		"shipmi-bmc@.socket/x.conf":            "",
		"other@a.socket.d/x.conf":              "",
	})

	all, err := s.List()
	require.NoError(t, err)
	require.Len(t, all, 1)
	b := all[0]
	require.NoError(t, b.Err)
	require.Equal(t, "a", b.Name)
	require.Equal(t, "Bob and Eve", b.Comment)
	require.Equal(t, []netip.AddrPort{netip.MustParseAddrPort("[::]:6230"), netip.MustParseAddrPort("[fe80::1%eth0]:1")}, b.Listen)
	require.Equal(t, "/a 100%.conf", b.Provider)
	require.Equal(t, time.Minute, b.Timeouts.Idle)
	require.Equal(t, []byte{3}, b.CipherSuites)
	require.Equal(t, Account{"ipmi", "5000"}, b.RunAs)
	require.Equal(t, []string{"localhost", "192.0.2.1"}, b.Allow)
}

// As systemd does, an empty ListenStream= removes the datagram sockets before it, too, and the reverse.
func TestEmptyListen(t *testing.T) {
	b := understood(t, "[Socket]\nListenDatagram=1\nListenStream=2\nListenStream=\nListenStream=192.0.2.1:443\n", service)
	require.NoError(t, b.Err)
	require.Nil(t, b.Listen)
	require.Equal(t, []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")}, b.Redfish)

	b = understood(t, "[Socket]\nListenStream=2\nListenDatagram=\nListenDatagram=1\n", service)
	require.NoError(t, b.Err)
	require.Nil(t, b.Redfish)
	require.Equal(t, []netip.AddrPort{netip.MustParseAddrPort("[::]:1")}, b.Listen)
}

// Without a "deny", packets from every address are accepted.
func TestAllowAlone(t *testing.T) {
	s := SystemStore(t.TempDir())
	write(t, s, map[string]string{
		"shipmi-bmc@a.socket.d/a.conf":  "[Socket]\nListenDatagram=1\nIPAddressDeny=any\nIPAddressAllow=::1\nIPAddressDeny=\n",
		"shipmi-bmc@a.service.d/a.conf": service,
	})
	found, err := s.Find("a")
	require.NoError(t, err)
	require.NoError(t, found[0].Err)
	require.Nil(t, found[0].Allow)
}

func TestNonsenseNamesTheFile(t *testing.T) {
	const listen = "[Socket]\nListenDatagram=[::]:623\n"
	tests := map[string]struct{ socket, service, want string }{
		"an address":        {"[Socket]\nListenDatagram=hello\n", service, `$D/shipmi-bmc@bad.socket.d/x.conf: ListenDatagram="hello": want an address and a port like [::]:623 or 192.0.2.1:623`},
		"no address":        {"[Socket]\n", service, `shipmi-bmc@bad.socket: no ListenDatagram= and no ListenStream= in any drop-in`},
		"a stream":          {"[Socket]\nListenStream=/run/x.sock\n", service, `$D/shipmi-bmc@bad.socket.d/x.conf: ListenStream="/run/x.sock": want an address and a port like [::]:623 or 192.0.2.1:623`},
		"a section":         {"[Socket\nListenDatagram=1", service, `$D/shipmi-bmc@bad.socket.d/x.conf: unable to find end of section`},
		"a line":            {"[Socket]\nhello\n", service, `$D/shipmi-bmc@bad.socket.d/x.conf: unexpected newline encountered while parsing option name`},
		"a comment":         {listen + "[X-ShIPMI]\nComment=\"a\n", service, `$D/shipmi-bmc@bad.socket.d/x.conf: Comment="\"a": the quote " is not closed`},
		"a quote":           {listen, "[Service]\nEnvironment=\"A=1\n", `$D/shipmi-bmc@bad.service.d/x.conf: Environment="\"A=1": the quote " is not closed`},
		"no provider":       {listen, "[Service]\nEnvironment=A=1\n", `$D/shipmi-bmc@bad.service.d/x.conf: SHIPMI_PROVIDER: "": want the name of a built-in provider, or the absolute path of a provider file`},
		"no UTF-8":          {listen, service + "LoadCredential=a:/b\xf2\n", `$D/shipmi-bmc@bad.service.d/x.conf: LoadCredential="a:/b\xf2" is not valid UTF-8`},
		"control character": {"[Socket]\nListenStream=443\n", service + "LoadCredential=tls.key:/k\x01\n", `shipmi-bmc@bad.service: LoadCredential: the path "/k\x01" contains a control character`},
		"no service":        {listen, "", `shipmi-bmc@bad.service: no Environment= in any drop-in`},
		"a timeout":         {listen, service + "Environment=SHIPMI_IDLE_TIMEOUT=soon\n", `$D/shipmi-bmc@bad.service.d/x.conf: SHIPMI_IDLE_TIMEOUT: "soon": want a duration like 90s or 5m, from 100ms to 24h`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := SystemStore(t.TempDir())
			write(t, s, map[string]string{
				"shipmi-bmc@bad.socket.d/x.conf":   tt.socket,
				"shipmi-bmc@bad.service.d/x.conf":  tt.service,
				"shipmi-bmc@good.socket.d/x.conf":  "[Socket]\nListenDatagram=1\n",
				"shipmi-bmc@good.service.d/x.conf": service,
			})

			all, err := s.List()
			require.NoError(t, err)
			require.Len(t, all, 2)
			require.Equal(t, "bad", all[0].Name)
			require.EqualError(t, all[0].Err, strings.ReplaceAll(tt.want, "$D", s.path(s.Units)))
			require.Equal(t, "good", all[1].Name)
			require.NoError(t, all[1].Err)
		})
	}

	s := SystemStore(t.TempDir())
	write(t, s, map[string]string{"shipmi-bmc@a b.socket.d/x.conf": ""})
	all, err := s.List()
	require.NoError(t, err)
	require.ErrorContains(t, all[0].Err, `invalid name "a b"`)
}

// Drop-ins of any content are either invalid, with an error that names the file, or they
// describe a BMC that has the same addresses and settings after it was written and read again.
func FuzzDropIns(f *testing.F) {
	const listen = "[Socket]\nListenDatagram=[::]:623\n"
	f.Add(listen+"[X-ShIPMI]\nComment=\"Bob \\x27 and\" Eve\n", service)
	f.Add("[Socket]\nListenDatagram=\nListenDatagram = 6230\nListenDatagram=[fe80::1]:1%%eth0\n", service+"[Install]\nAlias=x\n")
	f.Add("[Socket]\nListenDatagram=\nListenStream=443\nListenStream = [fe80::1]:1%%eth0\n", service+"LoadCredential=tls.crt:/a b%%\nLoadCredential=tls.key:/k\nLoadCredential=tls.key\n")
	const tls = service + "LoadCredential=tls.crt:/c\nLoadCredential=tls.key:/k"
	f.Add("[Socket]\nListenStream=443\n", tls+"\xf2\n")
	f.Add("[Socket]\nListenStream=443\n", tls+"\x01\n")
	f.Add("; none\n"+listen, "[Service]\nEnvironment='SHIPMI_PROVIDER=/%i 100%%.conf' \\\n  SHIPMI_IDLE_TIMEOUT=1m\n")
	f.Add(listen, service+"Environment=SHIPMI_CIPHER_SUITES=3 SHIPMI_FRU_SERIAL=1 SHIPMI_QUERY_TIMEOUT=90s\n")
	f.Add("[Socket", "[Service]\nEnvironment=\"")
	f.Fuzz(func(t *testing.T, socket, service string) {
		b := understood(t, socket, service)
		if b.Err != nil {
			require.ErrorContains(t, b.Err, "shipmi-bmc@a.s")
			return
		}
		b.RunAs, b.Allow = Account{}, nil // systemd's words, which are not ours to check
		b.Comment = ""                    // it has a file of its own
		dropIns, err := SystemStore(t.TempDir()).dropIns(b)
		require.NoError(t, err)
		var texts []string
		for _, d := range dropIns {
			text, err := io.ReadAll(unit.Serialize(d.options))
			require.NoError(t, err)
			texts = append(texts, string(text))
		}
		require.Equal(t, b, understood(t, texts[1], texts[0]))
	})
}

// understood is the BMC a with these drop-ins.
func understood(t *testing.T, socket, service string) BMC {
	s := SystemStore(t.TempDir())
	write(t, s, map[string]string{"shipmi-bmc@a.socket.d/x.conf": socket, "shipmi-bmc@a.service.d/x.conf": service})
	found, err := s.Find("a")
	require.NoError(t, err)
	return found[0]
}
