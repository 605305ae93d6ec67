package migrate

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

// sushyConfig writes a configuration file of sushy-tools and returns its path.
func sushyConfig(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "emulator.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const (
	webUUID = "9833f7b7-48fa-4936-9890-2ed15ba875f8"
	dbUUID  = "27946b59-9e44-4fa7-8e91-f3527a1ef094"
)

// libvirt has two domains.
func libvirt(_ context.Context, uri string) ([]Domain, error) {
	return []Domain{{"web 10", webUUID}, {"db", dbUUID}}, nil
}

func TestSushyLibvirt(t *testing.T) {
	path := sushyConfig(t, `# sushy emulator configuration file
SUSHY_EMULATOR_LISTEN_IP = u'192.0.2.1'
SUSHY_EMULATOR_LISTEN_PORT = 8000
SUSHY_EMULATOR_SSL_CERT = u'/etc/sushy/cert.pem'
SUSHY_EMULATOR_SSL_KEY = u'key.pem'
SUSHY_EMULATOR_OS_CLOUD = None
SUSHY_EMULATOR_LIBVIRT_URI = u'qemu+ssh://kvm2/system'
SUSHY_EMULATOR_IGNORE_BOOT_DEVICE = False
SUSHY_EMULATOR_BOOT_LOADER_MAP = {
    u'UEFI': {
        u'x86_64': u'/usr/share/OVMF/OVMF_CODE.fd', # comment
    },
    u'Legacy': {u'x86_64': None},
}
SUSHY_EMULATOR_VOLUMES = {
    ('da69abcc-dae0-4913-9a7b-d344043097c0', '1'): [{"CapacityBytes": 23748}]
}
`)
	all, err := readSushy(context.Background(), path, func(ctx context.Context, uri string) ([]Domain, error) {
		require.Equal(t, "qemu+ssh://kvm2/system", uri)
		return libvirt(ctx, uri)
	})
	require.NoError(t, err)
	for i := range all {
		require.Len(t, all[i].Password.Reveal(), 16)
	}
	require.NotEqual(t, all[0].Password.Reveal(), all[1].Password.Reveal())
	all[0].Password, all[1].Password = instance.Secret{}, instance.Secret{} // a func equals nothing

	certificate := units.Certificate{Cert: "/etc/sushy/cert.pem", Key: filepath.Join(filepath.Dir(path), "key.pem")}
	notes := []string{
		`it had no users: the password of admin is random, set one with "shipmi user passwd"`,
		"SUSHY_EMULATOR_BOOT_LOADER_MAP: left behind, the definition of the domain decides about the firmware",
	}
	require.Equal(t, []BMC{
		{
			Directory: "db", Name: "db", Redfish: netip.MustParseAddrPort("192.0.2.1:8000"), Gateway: true, SystemUUID: dbUUID, Certificate: certificate,
			Username: "admin", Provider: "libvirt", Active: true, Notes: notes,
			Parameters: map[string]string{"domain": "db", "uri": "qemu+ssh://kvm2/system"},
		},
		{
			Directory: "web 10", Name: "web-10", Redfish: netip.MustParseAddrPort("192.0.2.1:8000"), Gateway: true, SystemUUID: webUUID, Certificate: certificate,
			Username: "admin", Provider: "libvirt", Active: true, Notes: append([]string{`"web 10" is no name for a BMC`}, notes...),
			Parameters: map[string]string{"domain": "web 10", "uri": "qemu+ssh://kvm2/system"},
		},
	}, all)
}

func TestSushyAllowed(t *testing.T) {
	for setting, names := range map[string][]string{
		"":                              {"db", "web-10"},
		"[]":                            nil,
		`["` + webUUID + `"]`:           {"web-10"},
		"{'" + dbUUID + "'}":            {"db"},
		"['web 10', '" + webUUID + "']": {"web-10"},
		"'db," + dbUUID + "'":           {"db"},
		"(\n  'db', # the data base\n)": {"db"},
		`['gone']`:                      {"gone"},
	} {
		text := "SUSHY_EMULATOR_LISTEN_PORT = 9000\n"
		if setting != "" {
			text += "SUSHY_EMULATOR_ALLOWED_INSTANCES = " + setting + "\n"
		}
		all, err := readSushy(context.Background(), sushyConfig(t, text), libvirt)
		require.NoError(t, err, setting)
		var got []string
		for _, b := range all {
			got = append(got, b.Name)
			if b.Name == "gone" {
				require.EqualError(t, b.Err, `qemu:///system has no domain "gone"`)
			}
		}
		require.Equal(t, names, got, setting)
	}
}

func TestSushyFake(t *testing.T) {
	passwords := filepath.Join(t.TempDir(), "htpasswd")
	require.NoError(t, os.WriteFile(passwords, []byte("a name that is too long:$2y$05$x\nops:$2y$05$y\nadmin:$2b$05$z\n\n"), 0o600))
	all, err := readSushy(context.Background(), sushyConfig(t, `
import collections
Host = collections.namedtuple('Host', ['hostname', 'port'])
SUSHY_EMULATOR_FAKE_DRIVER = True
SUSHY_EMULATOR_AUTH_FILE = "`+passwords+`"
SUSHY_EMULATOR_LISTEN_PORT = "8443"
FAKE_IPA_ADVERTISE_ADDRESS = Host(hostname="h", port="1")
SUSHY_EMULATOR_FAKE_SYSTEMS = [
  {"uuid": "`+dbUUID+`", "name": "fake2", "power_state": "Off", "nics": [{"mac": "00:5c:52:31:3a:9c"}], "x": false, "y": null},
  {"uuid": "`+webUUID+`", "name": "fake1"},
  {"uuid": "7", "name": "fake3"},
  {"uuid": "`+webUUID+`"}
]
`), nil)
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.EqualError(t, all[0].Err, "it has no name")
	require.Equal(t, "fake1", all[1].Name)
	require.Equal(t, "dummy", all[1].Provider)
	require.Equal(t, webUUID, all[1].SystemUUID)
	require.Equal(t, "127.0.0.1:8443", all[1].Redfish.String())
	require.Equal(t, "ops", all[1].Username)
	require.Equal(t, []string{
		`SUSHY_EMULATOR_AUTH_FILE: it has hashes, and ShIPMI needs passwords: that of ops is random, set one with "shipmi user passwd"`,
		`user "a name that is too long": left behind, "shipmi user add" adds others`,
		`user "admin": left behind, "shipmi user add" adds others`,
		"clients must use https now, not http",
	}, all[1].Notes)
	require.ErrorContains(t, all[3].Err, `"7": want a UUID`)
}

func TestSushyRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"[VirtualBMC]\n": "want a directory, or a configuration file of sushy-tools",
		"SUSHY_EMULATOR_LISTEN_PORT = int(os.environ['PORT'])\n":          "SUSHY_EMULATOR_LISTEN_PORT: want a text, a number, a list or a dictionary, written out",
		"SUSHY_EMULATOR_LISTEN_PORT = 8000 + 1\n":                         "SUSHY_EMULATOR_LISTEN_PORT: want a text",
		"SUSHY_EMULATOR_LISTEN_PORT = 80000\n":                            `port "80000": want 1 to 65535`,
		"SUSHY_EMULATOR_LISTEN_IP = 'localhost'\n":                        `address "localhost": want an IP address`,
		"SUSHY_EMULATOR_OS_CLOUD = 'lab'\n":                               "SUSHY_EMULATOR_OS_CLOUD: instances of a cloud are not imported",
		"SUSHY_EMULATOR_FAKE_DRIVER = True\n":                             "SUSHY_EMULATOR_FAKE_SYSTEMS: want a list of machines",
		"SUSHY_EMULATOR_ALLOWED_INSTANCES = 7\n":                          "SUSHY_EMULATOR_ALLOWED_INSTANCES: want a list of names and UUIDs",
		"SUSHY_EMULATOR_AUTH_FILE = '/nowhere/htpasswd'\n":                "SUSHY_EMULATOR_AUTH_FILE: open /nowhere/htpasswd",
		"SUSHY_EMULATOR_ALLOWED_INSTANCES = [[[[[[[[[[[[[[[[[[[[[[[[[[\n": "SUSHY_EMULATOR_ALLOWED_INSTANCES: want a text",
	} {
		_, err := readSushy(context.Background(), sushyConfig(t, text), libvirt)
		require.ErrorContains(t, err, want, text)
	}
}

// Every text is either read or refused.
func FuzzPython(f *testing.F) {
	f.Add("SUSHY_EMULATOR_A = {u'a': [1, -2, (None, True)], 'b\\'': {\"x\", }} # c\n")
	f.Add("SUSHY_EMULATOR_A = '''\n")
	f.Add("SUSHY_EMULATOR_A = [\\\n1")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = pythonValues(text, sushyPrefix, map[string]bool{"A": true})
	})
}
