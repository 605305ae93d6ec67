package provider

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindAndList(t *testing.T) {
	root := t.TempDir()
	builtin, etc := filepath.Join(root, "builtin"), filepath.Join(root, "etc")
	for _, file := range []string{
		"builtin/dummy.conf", "builtin/qm.conf", "etc/qm.conf", "etc/my.provider.conf", "etc/readme.md",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(file)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, file), nil, 0o644))
	}
	require.NoError(t, os.Mkdir(filepath.Join(etc, "folder.conf"), 0o755))
	dirs := []string{builtin, "", filepath.Join(root, "missing"), etc}

	entries, err := List(dirs)
	require.NoError(t, err)
	require.Equal(t, []Entry{
		{"dummy", builtin + "/dummy.conf"},
		{"my.provider", etc + "/my.provider.conf"},
		{"qm", etc + "/qm.conf"},
	}, entries)

	path, err := Find(dirs, "qm")
	require.NoError(t, err)
	require.Equal(t, etc+"/qm.conf", path)

	for _, name := range []string{"", "virsh", "folder", "readme.md"} {
		_, err = Find(dirs, name)
		require.ErrorContains(t, err, "no provider", name)
	}
	_, err = Find(dirs, "../etc/qm")
	require.EqualError(t, err, `"../etc/qm": want the name of a provider, or a path that ends in .conf`)

	t.Chdir(etc)
	path, err = Find(nil, "qm.conf")
	require.NoError(t, err)
	require.Equal(t, etc+"/qm.conf", path)

	_, err = Find(dirs, "dummy.conf")
	require.ErrorIs(t, err, fs.ErrNotExist)

	_, err = List([]string{etc + "/qm.conf"})
	require.ErrorContains(t, err, etc+"/qm.conf")
}

// BMCs that an older version added have built-in providers by path. They go on when ShIPMI is installed elsewhere.
func TestLocate(t *testing.T) {
	root := t.TempDir()
	old, builtIn := filepath.Join(root, "local/share/shipmi/providers"), filepath.Join(root, "usr/share/shipmi/providers")
	require.NoError(t, os.MkdirAll(builtIn, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(builtIn, "dummy.conf"), nil, 0o644))

	require.Equal(t, builtIn+"/dummy.conf", Locate(builtIn, "dummy"))
	require.Equal(t, builtIn+"/gone.conf", Locate(builtIn, "gone"))
	require.Equal(t, "/etc/shipmi/providers/dummy.conf", Locate(builtIn, "/etc/shipmi/providers/dummy.conf"))
	require.Equal(t, builtIn+"/dummy.conf", Locate(builtIn, old+"/dummy.conf"))
	require.Equal(t, old+"/gone.conf", Locate(builtIn, old+"/gone.conf"))
	require.NoError(t, os.MkdirAll(old, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(old, "dummy.conf"), nil, 0o644))
	require.Equal(t, old+"/dummy.conf", Locate(builtIn, old+"/dummy.conf"))
}

// A provider that is a pipe would keep its reader waiting.
func TestLoadOnlyRegularFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.conf")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	_, err := Load(path)
	require.EqualError(t, err, "provider file: "+path+" is not a regular file")
}
