package provider

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// folder writes files below a new folder and returns it.
func folder(t *testing.T, files map[string]string) string {
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
	}
	return root
}

func TestIncludeByName(t *testing.T) {
	include := func(name string) string { return "[PROVIDER]\ninclude=" + name + "\n" }
	says := func(word string) string { return "[POWER]\nstatus=echo " + word + "\n" }
	root := folder(t, map[string]string{
		"builtin/plug.conf":    says("builtin"),
		"builtin/lamp.conf":    says("lamp"),
		"etc/plug.conf":        include("plug") + "[POWER]\non=x\n", // instead of the built-in one, with something more
		"etc/other.conf":       include("lamp"),
		"home/near.conf":       include("plug"),
		"home/plug.conf":       says("home"),
		"more/far.conf":        include("plug"),
		"more/lost.conf":       include("missing"),
		"more/path.conf":       include("../etc/plug"),
		"more/broken.conf":     include("bad"),
		"more/bad.conf":        "[POWER]\nstatus=x\nonn=x\n",
		"more/a.conf":          include("b"),
		"more/b.conf":          include("./a.conf"),
		"more/self.conf":       include("./self.conf"),
		"more/absolute.conf":   include("/nonexistent/x.conf"),
		"more/folder.conf/x":   "",
		"more/infolder.conf":   include("folder"),
		"more/parameters.conf": include("lamp") + "[POWER]\non=%(x)s\n",
	})
	dirs := []string{"", root + "/builtin", root + "/etc"}
	for name, want := range map[string]string{
		"etc/plug":   "echo builtin",
		"etc/other":  "echo lamp",
		"home/near":  "echo home",
		"more/far":   "echo builtin",
		"more/plain": "",
	} {
		path := filepath.Join(root, name+".conf")
		p, err := Load(path, dirs...)
		if want == "" {
			require.ErrorIs(t, err, os.ErrNotExist)
			continue
		}
		require.NoError(t, err)
		require.Contains(t, p.scripts[Status], want)
		require.Equal(t, name == "etc/plug" || name == "more/far", p.Has(On))
	}
	for name, want := range map[string]string{
		"lost":       `/more/lost.conf:2: [PROVIDER] key "include": no provider "missing" in , ` + root + "/builtin, " + root + "/etc, " + root + "/more",
		"path":       `/more/path.conf:2: [PROVIDER] key "include": "../etc/plug": want the name of a provider, or a path that ends in .conf`,
		"broken":     `/more/bad.conf:3: [POWER] key "onn": unknown key`,
		"a":          `/more/b.conf:2: [PROVIDER] key "include": these files include each other: ` + root + "/more/a.conf, " + root + "/more/b.conf",
		"self":       `/more/self.conf:2: [PROVIDER] key "include": these files include each other: ` + root + "/more/self.conf",
		"absolute":   `provider file: stat /nonexistent/x.conf: no such file or directory`,
		"infolder":   `provider file: ` + root + `/more/folder.conf is not a regular file`,
		"parameters": `/more/parameters.conf:4: [POWER] key "on": "%(x)s": unknown placeholder`,
	} {
		_, err := Load(filepath.Join(root, "more", name+".conf"), dirs...)
		require.ErrorContains(t, err, want)
	}
}

func TestChanged(t *testing.T) {
	const include, script = "[PROVIDER]\ninclude=base\n", "[POWER]\nstatus=echo on\n"
	for name, change := range map[string]func(root string) error{
		"nothing":  func(string) error { return nil },
		"the file": func(root string) error { return os.WriteFile(root+"/etc/a.conf", []byte(include+"\n"), 0o600) },
		"its time": func(root string) error { return os.Chtimes(root+"/etc/a.conf", time.Time{}, time.Unix(1, 0)) },
		"what it includes": func(root string) error {
			return os.WriteFile(root+"/builtin/base.conf", []byte(script+"on=x\n"), 0o600)
		},
		"another file of that name": func(root string) error {
			return os.WriteFile(root+"/etc/base.conf", []byte(script), 0o600)
		},
		"removed": func(root string) error { return os.Remove(root + "/builtin/base.conf") },
		"replaced by the same": func(root string) error {
			info, err := os.Stat(root + "/builtin/base.conf")
			if err != nil {
				return err
			}
			if err := os.WriteFile(root+"/new", []byte(script), 0o600); err != nil {
				return err
			}
			if err := os.Chtimes(root+"/new", time.Time{}, info.ModTime()); err != nil {
				return err
			}
			return os.Rename(root+"/new", root+"/builtin/base.conf")
		},
	} {
		root := folder(t, map[string]string{"etc/a.conf": include, "builtin/base.conf": script})
		p, err := Load(root+"/etc/a.conf", root+"/builtin")
		require.NoError(t, err)
		require.False(t, p.Changed(), name)
		require.NoError(t, change(root))
		require.Equal(t, name != "nothing", p.Changed(), name)
	}
}
