package migrate

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
)

func write(t *testing.T, dir, name, text string) {
	require.NoError(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name, "config"), []byte(text), 0o600))
}

// The texts are what Python's ConfigParser writes for what the programs give it.
func TestRead(t *testing.T) {
	for _, test := range []struct {
		program string
		text    string
		want    BMC
	}{
		{
			"ShIPMI in Python",
			"[VirtualBMC]\nusername = admin\npassword = pass\nport = 777\naddress = ::\nname = node-0\nprovider = proxmox-qm\nactive = True\n\n",
			BMC{
				Name: "node-0", Listen: netip.MustParseAddrPort("[::]:777"),
				Username: "admin", Password: instance.Hide("pass"),
				Provider: "proxmox-qm", Parameters: map[string]string{}, Active: true,
			},
		},
		{
			"VirtualBMC",
			"[VirtualBMC]\nusername = admin\npassword = a;b #c%%\"d'`\nport = 6230\naddress = 0.0.0.0\n" +
				"domain_name = web\nlibvirt_uri = qemu+ssh://kvm2/system\nlibvirt_sasl_username = u\nactive = False\n\n",
			BMC{
				Name: "web", Listen: netip.MustParseAddrPort("0.0.0.0:6230"),
				Username: "admin", Password: instance.Hide("a;b #c%\"d'`"),
				Provider: "libvirt", Parameters: map[string]string{"domain": "web", "uri": "qemu+ssh://kvm2/system"},
				Notes: []string{"libvirt_sasl_username: left behind, virsh finds it in /etc/libvirt/auth.conf, see libvirt.org/auth.html"},
			},
		},
		{
			"VirtualBMC of old, which starts nothing by itself, and without a URI",
			"[VirtualBMC]\ndomain_name = web\nusername = `root`\npassword = \"quoted\"\nport = 6230\naddress = ::ffff:192.0.2.1\n\n",
			BMC{
				Name: "web", Listen: netip.MustParseAddrPort("192.0.2.1:6230"),
				Username: "`root`", Password: instance.Hide(`"quoted"`),
				Provider: "libvirt", Parameters: map[string]string{"domain": "web"},
			},
		},
		{
			"VirtualBMC for vSphere",
			"[VirtualBMC]\nvm_name = Web 01 (old)\nusername = admin\npassword = pass\nport = 623\naddress = 192.0.2.1\nfakemac = 02:00:00:d2:0e:58\n" +
				"viserver = vc1.example.com\nviserver_username = ops@vsphere.local\nviserver_password = it's $ecret\nactive = True\n\n",
			BMC{
				Name: "Web-01-old", Listen: netip.MustParseAddrPort("192.0.2.1:623"),
				Username: "admin", Password: instance.Hide("pass"),
				Provider: "vmware-govc", Parameters: map[string]string{"vm": "Web 01 (old)"}, Active: true,
				Login: &Login{
					Name: "ops-vsphere.local-vc1.example.com", Parameter: "login",
					Text: instance.Hide("GOVC_URL='vc1.example.com'\nGOVC_USERNAME='ops@vsphere.local'\nGOVC_PASSWORD='it'\\''s $ecret'\n"),
				},
				Notes: []string{
					`"Web 01 (old)" is no name for a BMC`,
					"fakemac: left behind, there is no MAC address for the DPM of vSphere",
					"viserver: its certificate is checked now; where it cannot be, add GOVC_INSECURE=1 to the login file",
				},
			},
		},
		{
			"ProxmoxBMC",
			"[ProxmoxBMC]\nvmid = 101\nusername = admin\npassword = pass\nport = 6231\naddress = ::\nproxmox_address = 192.0.2.9\ntoken_value = t\nactive = True\n\n",
			BMC{
				Name: "101", Listen: netip.MustParseAddrPort("[::]:6231"),
				Username: "admin", Password: instance.Hide("pass"),
				Provider: "proxmox-qm", Parameters: map[string]string{"vmid": "101"}, Active: true,
				Notes: []string{
					"proxmox_address: left behind, the BMC has to be on the Proxmox host itself, where it uses qm",
					"token_value: left behind, qm needs none",
				},
			},
		},
	} {
		t.Run(test.program, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "bmc", test.text)
			test.want.Directory = "bmc"
			got, err := Read(dir)
			require.NoError(t, err)
			require.Len(t, got, 1)
			require.Equal(t, plainText(test.want), plainText(got[0]))
		})
	}
}

// plainText has the secrets where they can be compared.
func plainText(b BMC) any {
	texts := []string{b.Password.Reveal()}
	b.Password = instance.Secret{}
	if b.Login != nil {
		texts = append(texts, b.Login.Text.Reveal(), b.Login.Name, b.Login.Parameter)
		b.Login = nil
	}
	return []any{b, texts}
}

func TestReadInvalidFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "no known program has such a file",
		"[VirtualBMC]\nport = 623\n": "no known program has such a file",
		"[VirtualBMC\n":              `line 1: "[VirtualBMC": closing bracket missing`,
		"[VirtualBMC]\nname = a\naddress = localhost\nport = 623\n":                 `address "localhost": want an IP address`,
		"[VirtualBMC]\nname = a\naddress = ::\n":                                    `port "": want 1 to 65535`,
		"[VirtualBMC]\nname = a\naddress = ::\nport = 70000\n":                      `port "70000": want 1 to 65535`,
		"[VirtualBMC]\nname = a\naddress = ::\nport = 1\npassword = %(username)s\n": "password: it refers to another key by %",
	} {
		dir := t.TempDir()
		write(t, dir, "bmc", text)
		got, err := Read(dir)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, "bmc", got[0].Name)
		require.EqualError(t, got[0].Err, want, text)
	}
}

// What else is in those directories is no BMC.
func TestReadDirectory(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "master.pid"), nil, 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "providers"), 0o755))
	got, err := Read(dir)
	require.NoError(t, err)
	require.Empty(t, got)

	_, err = Read(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The providers that come with ShIPMI know the parameters that are set here.
func TestParameters(t *testing.T) {
	for _, p := range programs {
		if p.provider == "" {
			continue
		}
		given := make(map[string]string)
		for parameter := range p.parameters {
			given[parameter] = "x"
		}
		if p.login != nil {
			given[p.login(nil).Parameter] = "/x"
		}
		loaded, err := provider.Load("../../contrib/providers/" + p.provider + ".conf")
		require.NoError(t, err)
		_, err = loaded.Values("node-0", given)
		require.NoError(t, err)
	}
}
