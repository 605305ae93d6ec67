package lint

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

func load(t *testing.T, text string) *provider.Provider {
	path := filepath.Join(t.TempDir(), "lab.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	p, err := provider.Load(path)
	require.NoError(t, err)
	return p
}

// A small shell finds no fault with these scripts, runs something else, and may print "off".
func TestBashFeature(t *testing.T) {
	for script, want := range map[string]string{
		`if [[ $(state) == up ]]; then echo on; else echo off; fi`: "[[",
		`[ "$(state)" == up ] && echo on || echo off`:              "== in [",
		`test a == b`:                              "== in test",
		`state &>/dev/null && echo on`:             "`&>` redirects",
		`grep -q up <<<"$(state)"`:                 "herestrings",
		`hosts=(a b)`:                              "arrays",
		`echo "${1,,}"`:                            "this expansion operator",
		`if true; then source lib; fi`:             "source",
		`out+=x; echo on`:                          "out+=x",
		`echo $(declare -A map)`:                   "declare",
		`if [ "$(state)" = up ]; then echo on; fi`: "",
		`local x=1; echo "[[ a == b ]]"`:           "",
		`if`:                                       "", // what the shell itself refuses
	} {
		require.Equal(t, want, bashFeature(script), script)
	}
}

func TestExamine(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"dash", "bash"} { // two programs that accept every script but one
		text := "#!/bin/sh\n[ \"$1 $2\" = '-n -c' ] || exit 9\ncase $3 in *fi*) echo \"line 1:\nfi unexpected\" >&2; exit 2;; esac\n"
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700))
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))

	const scripts = "[POWER]\nstatus = [[ a == b ]]\non = fi %(name)s\noff = true\n"
	found, err := Examine(t.Context(), load(t, "[PROVIDER]\nshell = dash\n"+scripts), "node-0", nil)
	require.NoError(t, err)
	require.Equal(t, []Finding{
		{Verb: provider.Status, Text: "the script has syntax of bash, and dash runs it: [["},
		{Verb: provider.On, Text: "dash cannot read the script: line 1: fi unexpected", Broken: true},
	}, found)
	require.Equal(t, "power status: the script has syntax of bash, and dash runs it: [[", found[0].String())

	found, err = Examine(t.Context(), load(t, "[PROVIDER]\nshell = bash\n"+scripts), "node-0", nil)
	require.NoError(t, err)
	require.Len(t, found, 1, "bash knows [[")
	require.True(t, found[0].Broken)

	_, err = Examine(t.Context(), load(t, "[PROVIDER]\nshell = /nowhere/bash\n"+scripts), "node-0", nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The real shell of this host.
func TestRealShell(t *testing.T) {
	found, err := Examine(t.Context(), load(t, "[POWER]\nstatus = if true; echo on; fi\n"), "node-0", nil)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.True(t, found[0].Broken)
}

func TestDescribe(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "dash"), nil, 0o700))
	require.NoError(t, os.Symlink("dash", filepath.Join(bin, "sh")))
	require.Equal(t, filepath.Join(bin, "sh")+" (dash)", Describe(filepath.Join(bin, "sh")))
	require.Equal(t, filepath.Join(bin, "dash"), Describe(filepath.Join(bin, "dash")))
	require.Equal(t, "/nowhere/ksh", Describe("/nowhere/ksh"))
}

// Small shells understand the providers that come with ShIPMI.
func TestBuiltInProviders(t *testing.T) {
	const dir = "../../contrib/providers/"
	files, err := filepath.Glob(dir + "*.conf")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		p, err := provider.Load(file, dir)
		require.NoError(t, err)
		values := make(map[string]string)
		for _, parameter := range p.Parameters {
			values[parameter.Name] = "x"
		}
		for _, v := range p.Verbs() {
			script := p.Script(v, "node-0", values, provider.Boot{})
			require.Empty(t, bashFeature(script), "%s: %s", file, v)
			require.Empty(t, looseURL(script), "%s: %s", file, v)
		}
	}
}
