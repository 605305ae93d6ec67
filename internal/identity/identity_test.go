package identity

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGUID(t *testing.T) {
	machine := func(id string) string {
		path := filepath.Join(t.TempDir(), "machine-id")
		require.NoError(t, os.WriteFile(path, []byte(id), 0o600))
		return path
	}
	here, there := machine("0123456789abcdef0123456789abcdef\n"), machine("0123456789abcdef0123456789abcde0\n")
	guid := func(path, name string) [16]byte {
		id, err := MachineID(path)
		require.NoError(t, err)
		g := GUID(id, name)
		require.Equal(t, byte(0x50), g[9]&0xF0, "version, in the last byte of time-high, which is sent first")
		require.Equal(t, byte(0x80), g[7]&0xC0, "variant")
		return g
	}
	// sha1sum(1) of "shipmi 0123456789abcdef0123456789abcdef node-0" begins 5bf3ba382f2c06b126729b83f6ad0a38.
	require.Equal(t, "380aadf6839b72a6b1562c2f38baf35b", fmt.Sprintf("%x", guid(here, "node-0")))
	require.Equal(t, guid(here, "node-0"), guid(here, "node-0"))
	require.Equal(t, "5bf3ba38-2f2c-56b1-a672-9b83f6ad0a38", UUID(guid(here, "node-0")))
	require.NotEqual(t, guid(here, "node-0"), guid(here, "node-1"))
	require.NotEqual(t, guid(here, "node-0"), guid(there, "node-0"))

	_, err := MachineID("/nonexistent")
	require.ErrorContains(t, err, "machine ID: open /nonexistent")
	_, err = MachineID(machine("uninitialized\n"))
	require.ErrorContains(t, err, `has "uninitialized": want 32 digits`)
}

// The BMC "node-0" of the host and the BMC "node-0" of a user are different BMCs.
func TestManagerID(t *testing.T) {
	const machine = "0123456789abcdef0123456789abcdef"
	for _, tt := range []struct{ runtimeDirectory, userRuntimeDir, want string }{
		{"/run/shipmi-bmc/node-0", "", machine},
		{"/run/shipmi-bmc/node-0", "/run/user/1000", machine}, // a system service with PAMName=
		{"/run/user/1000/shipmi-bmc/node-0", "/run/user/1000", machine + " user 1000"},
		{"/run/user/1000/shipmi-bmc/node-0", "/run/user/1000/", machine + " user 1000"},
		{"/run/user/10000/shipmi-bmc/node-0", "/run/user/1000", machine},
		{"", "", machine},
	} {
		env := map[string]string{"RUNTIME_DIRECTORY": tt.runtimeDirectory, "XDG_RUNTIME_DIR": tt.userRuntimeDir}
		require.Equal(t, tt.want, ManagerID(machine, func(name string) string { return env[name] }, 1000), "%+v", tt)
	}
	system, user := GUID(machine, "node-0"), GUID(machine+" user 1000", "node-0")
	require.NotEqual(t, system, user)
	require.NotEqual(t, user, GUID(machine+" user 1001", "node-0"))
}
