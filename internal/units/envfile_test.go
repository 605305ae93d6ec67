package units

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The values are those that systemd 252 passes to a process.
func TestParseEnvFile(t *testing.T) {
	const text = `# comment
; comment
A=1
 B = two words  
C="quoted # \" \$ \n"' and single \ '
D=don't
E=one\
two
no assignment
F=a"b"
G=
H=x\ty`
	require.Equal(t, []string{
		"A=1", "B=two words", `C=quoted # " $ \n and single \ `, "D=don't", "E=onetwo", `F=a"b"`, "G=", "H=xty",
	}, parseEnvFile(text))
	require.Empty(t, parseEnvFile(""))
	require.Equal(t, []string{"A=open"}, parseEnvFile(`A="open`))
}

// systemd serves BMCs with specifiers and with files of variables.
func TestSpecifiersAndEnvironmentFiles(t *testing.T) {
	s := SystemStore(t.TempDir())
	write(t, s, map[string]string{
		"shipmi-bmc@a.socket.d/a.conf": "[Socket]\nListenDatagram=1\n",
		"shipmi-bmc@a.service.d/a.conf": "[Service]\nEnvironmentFile=-/nowhere\nEnvironmentFile=%E/shipmi/%i.*\n" +
			"Environment=SHIPMI_PARAM_X=%p,%n,%N,%S,%%,%b SHIPMI_FRU_SERIAL=1\n",
		"shipmi-bmc@b.socket.d/a.conf":  "[Socket]\nListenDatagram=2\n",
		"shipmi-bmc@b.service.d/a.conf": "[Service]\nEnvironment=SHIPMI_PROVIDER=%E/shipmi/providers/vm.conf\n",
	})
	require.NoError(t, os.MkdirAll(s.path("/etc/shipmi"), 0o755))
	require.NoError(t, os.WriteFile(s.path("/etc/shipmi/a.env"), []byte("SHIPMI_PROVIDER=libvirt\nSHIPMI_FRU_SERIAL=2\n"), 0o600))
	all, err := s.List()
	require.NoError(t, err)
	require.NoError(t, all[0].Err)
	require.Equal(t, "libvirt", all[0].Provider)
	require.Equal(t, "2", all[0].FRU.Serial)
	require.Equal(t, "shipmi-bmc,shipmi-bmc@a.service,shipmi-bmc@a,/var/lib,%,%b", all[0].Parameters["x"])
	require.NoError(t, all[1].Err)
	require.Equal(t, "/etc/shipmi/providers/vm.conf", all[1].Provider)
}

// systemd ignores a drop-in that is a link to nothing. For the sandbox, that is an error.
func TestDanglingLinks(t *testing.T) {
	s := two(t)
	dir := s.dropInDir(ServiceUnit("a"))
	require.NoError(t, os.Symlink("/gone/70-mine.conf", filepath.Join(dir, "70-mine.conf")))
	all, err := s.List()
	require.NoError(t, err)
	require.NoError(t, all[0].Err)
	require.NoError(t, os.Symlink("/gone/sandbox.conf", filepath.Join(dir, sandboxName)))
	all, err = s.List()
	require.NoError(t, err)
	require.ErrorIs(t, all[0].Err, ErrNoSandbox)
	require.ErrorContains(t, all[0].Err, "40-sandbox.conf is a link to /gone/sandbox.conf, which does not exist")
}
