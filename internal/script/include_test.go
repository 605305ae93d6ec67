package script

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// Keys of the including file win, also empty ones. The other keys act as if they were in that file, but their scripts run in
// the directory of the file that holds them.
func TestInclude(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"plug 100%'s/plug.conf": `
[PROVIDER]
description = a plug
commands = curl
prelude = ask() { ./ask "$@"; }
[PARAMETERS]
host = of the plug
port = of the plug
[DEFAULTS]
port = 80
[POWER]
status = ask
on     = ask on %(host)s:%(port)s
off    = ./ask off
reset  = ./ask reset
`,
		"plug 100%'s/ask": "#!/bin/sh\necho plug \"$@\" >>\"$SHIPMI_STATE_DIRECTORY/ran\"; echo on\n",
		"own/machine.conf": `
# A plug and a shell.
#   Both.

# Not the header.
[PROVIDER]
prelude = ask() { echo not mine; exit 1; }
include = ../plug 100%'s/plug.conf
description = a plug and
              a shell
[DEFAULTS]
port = 8080
[PARAMETERS]
user = of the shell
[POWER]
shutdown = ./ask %(user)s@%(host)s
off = ./ask
reset =
`,
		"own/ask": "#!/bin/sh\necho shell \"$@\" >>\"$SHIPMI_STATE_DIRECTORY/ran\"\n",
	} {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
	}
	r := loadRunner(t, filepath.Join(root, "own/machine.conf"))
	p := r.Provider
	require.Equal(t, "machine", p.Name())
	require.Equal(t, "a plug and a shell", p.Description)
	require.Equal(t, []string{"curl"}, p.Commands)
	require.Equal(t, "A plug and a shell.\n  Both.", p.Header)
	require.Equal(t, []provider.Verb{provider.Status, provider.On, provider.Off, provider.Shutdown, provider.Cycle}, p.Verbs())

	var err error
	r.Parameters, err = p.Values("node-0", map[string]string{"host": "h", "user": "u"})
	require.NoError(t, err)
	require.Equal(t, machine.Reading{Has: true, On: true}, r.Query(t.Context(), provider.Status, provider.Args{}))
	for _, v := range []provider.Verb{provider.On, provider.Off, provider.Shutdown} {
		require.NoError(t, r.Act(t.Context(), v, provider.Args{}, actionFile(t)))
	}
	ran, err := os.ReadFile(filepath.Join(r.StateDir, "ran"))
	require.NoError(t, err)
	require.Equal(t, "plug\nplug on h:8080\nshell\nshell u@h\n", string(ran))
}

func TestParametersReachScripts(t *testing.T) {
	r := newRunner(t, `
[PARAMETERS]
vmid = the number of the machine
node = where it is
note = what you like
[DEFAULTS]
node = on-%(name)s-100%%
note =
[POWER]
status = echo on %(vmid)s; echo "$SHIPMI_PARAM_VMID $SHIPMI_PARAM_NODE $SHIPMI_PARAM_NOTE" >got
on     = exit %(vmid)s
`)
	var err error
	r.Parameters, err = r.Provider.Values(r.Name, map[string]string{"vmid": "66", "note": "$(id)"})
	require.NoError(t, err)
	require.EqualError(t, r.Query(t.Context(), provider.Status, provider.Args{}).Err, `power status: printed "on 66", want "on" or "off"`)
	require.Equal(t, "66 on-node-0-100% $(id)\n", r.read(t, "got"))
	require.ErrorIs(t, r.Act(t.Context(), provider.On, provider.Args{}, actionFile(t)), provider.ErrUnsupported)
}
