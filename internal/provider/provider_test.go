package provider

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parse makes a provider of one file that is not there.
func parse(path, text string) (*Provider, error) {
	settings, err := parseFile(path, text)
	if err != nil {
		return nil, err
	}
	return newProvider(path, settings)
}

// The values in testdata/ini/*.json come from Python, see generate.py there.
func TestParseAsThePredecessorDid(t *testing.T) {
	files, err := filepath.Glob("testdata/ini/*.conf")
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p, err := Load(file)
			require.NoError(t, err)
			got := make(map[Verb]string)
			for v := range p.scripts {
				got[v] = p.Script(v, "node-0", nil, Boot{Device: DeviceHD})
			}

			golden, err := os.ReadFile(strings.TrimSuffix(file, ".conf") + ".json")
			require.NoError(t, err)
			var want map[Verb]string
			require.NoError(t, json.Unmarshal(golden, &want))
			require.Equal(t, want, got)
		})
	}
}

func TestParseLongValue(t *testing.T) {
	script := "true\n" + strings.Repeat("echo 0123456789\n", 10_000) + "true"
	text := "[POWER]\nstatus = " + strings.ReplaceAll(script, "\n", "\n  ") + "\non = echo\n"
	p, err := parse("long.conf", text)
	require.NoError(t, err)
	require.Equal(t, map[Verb]string{Status: script, On: "echo"}, p.scripts)
}

const badParameter = "not a name for a parameter: want letters, digits and _, a letter first, and none of name, bootdev, boot_device"

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", `x.conf: [POWER] key "status": missing or empty`},
		{"no status", "[POWER]\non=x\n", `x.conf: [POWER] key "status": missing or empty`},
		{"empty status", "[POWER]\nstatus=\n \non=x\n", `x.conf: [POWER] key "status": missing or empty`},
		{"unknown key", "[POWER]\nstatus=x\n\nonn=x\n", `x.conf:4: [POWER] key "onn": unknown key`},
		{"key of another section", "[BOOT]\nstatus=x\n", `x.conf:2: [BOOT] key "status": unknown key`},
		{"unknown section", "[POWER]\nstatus=x\n[POWR]\non=x\n", `x.conf:3: [POWR]: unknown section`},
		{"empty section name", "[]\nstatus=x\n", `x.conf:1: []: unknown section`},
		{"no section", "status=x\n[POWER]\nstatus=x\n", `x.conf:1: key "status": there is no [SECTION] before it`},
		{"key twice", "[POWER]\nstatus=x\nSTATUS=x\n", `x.conf:3: [POWER] key "status": comes twice`},
		{"section twice", "[POWER]\nstatus=x\n[POWER]\non=x\n", `x.conf:3: [POWER]: comes twice`},
		{"open bracket", "[POWER\nstatus=x\n", `x.conf:1: "[POWER": closing bracket missing`},
		{"no delimiter", "[POWER]\nstatus\n", `x.conf:2: "status": neither [section] nor key=value`},
		{"no key", "[POWER]\n=x\n", `x.conf:2: "=x": neither [section] nor key=value`},
		{"continued section", "[POWER]\n  status\n", `x.conf:2: "status": neither [section] nor key=value`},
		{"own name for a parameter", "[PARAMETERS]\nname=x\n", `x.conf:2: [PARAMETERS] key "name": ` + badParameter},
		{"bad name for a parameter", "[PARAMETERS]\nvm-id=x\n", `x.conf:2: [PARAMETERS] key "vm-id": ` + badParameter},
		{"bad name for a default", "[DEFAULTS]\n0=x\n", `x.conf:2: [DEFAULTS] key "0": ` + badParameter},
		{"default of nothing", "[POWER]\nstatus=x\n[DEFAULTS]\nvmid=x\n", `x.conf:4: [DEFAULTS] key "vmid": no such parameter`},
		{
			"parameter in a default", "[POWER]\nstatus=x\n[PARAMETERS]\na=x\nb=x\n[DEFAULTS]\na=%(b)s\n",
			`x.conf:7: [DEFAULTS] key "a": "%(b)s": unknown placeholder; a per cent sign is written %%`,
		},
		{
			"default of two lines", "[POWER]\nstatus=x\n[PARAMETERS]\na=x\n[DEFAULTS]\na=1\n  2\n",
			`x.conf:6: [DEFAULTS] key "a": "1\n2" is not one line of text`,
		},
		{
			"default for a shell", "[POWER]\nstatus=x %(a)s\n[PARAMETERS]\na=x\n[DEFAULTS]\na=$(id)\n",
			`x.conf:6: [DEFAULTS] key "a": "$(id)" has characters other than letters, digits and _@+=:,./-, which the text of a script must not contain`,
		},
		{
			"parameter that is not declared", "[POWER]\nstatus=x %(vmid)s\n",
			`x.conf:2: [POWER] key "status": "%(vmid)s": unknown placeholder; a per cent sign is written %%`,
		},
		{"no shell", "[PROVIDER]\nshell=python3\n[POWER]\nstatus=x\n", `x.conf:2: [PROVIDER] key "shell": "python3": want sh, bash, dash, ksh, mksh, or the path of one of them`},
		{"shell with an option", "[PROVIDER]\nshell=bash -e\n[POWER]\nstatus=x\n", `x.conf:2: [PROVIDER] key "shell": "bash -e": want sh, bash, dash, ksh, mksh, or the path of one of them`},
		{"shell beside the file", "[PROVIDER]\nshell=./bash\n[POWER]\nstatus=x\n", `x.conf:2: [PROVIDER] key "shell": "./bash": want sh, bash, dash, ksh, mksh, or the path of one of them`},
		{"NUL", "[POWER]\nstatus=a\x00b\n", `x.conf:2: "status=a\x00b": NUL byte`},
		{
			"unknown placeholder", "[POWER]\nstatus=a %(name)s %(nmae)s\n",
			`x.conf:2: [POWER] key "status": "%(nmae)s": unknown placeholder; a per cent sign is written %%`,
		},
		{
			"boot device outside boot set", "[POWER]\nstatus=x\non=%(bootdev)s\n",
			`x.conf:3: [POWER] key "on": "%(bootdev)s": unknown placeholder; a per cent sign is written %%`,
		},
		{
			"lone per cent sign", "[POWER]\nstatus=date +%s\n",
			`x.conf:2: [POWER] key "status": "%s": unknown placeholder; a per cent sign is written %%`,
		},
		{
			"per cent sign at the end", "[POWER]\nstatus=echo 100%\n",
			`x.conf:2: [POWER] key "status": "%": unknown placeholder; a per cent sign is written %%`,
		},
		{
			"odd per cent signs", "[POWER]\nstatus=%%%(name)d\n",
			`x.conf:2: [POWER] key "status": "%(name)": unknown placeholder; a per cent sign is written %%`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse("x.conf", tt.text)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(filepath.Join(dir, "none.conf"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "none.conf")
	_, err = Load(dir)
	require.ErrorContains(t, err, dir)

	p, err := Load("testdata/ini/predecessor.conf")
	require.NoError(t, err)
	require.Equal(t, "predecessor", p.Name())
	require.True(t, filepath.IsAbs(p.Path))
}

func TestShell(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "/bin/sh",
		"[PROVIDER]\nshell =\n":               "/bin/sh",
		"[PROVIDER]\nshell = bash\n":          "bash",
		"[PROVIDER]\nshell = /opt/bin/mksh\n": "/opt/bin/mksh",
	} {
		p, err := parse("x.conf", text+"[POWER]\nstatus=x\n")
		require.NoError(t, err)
		require.Equal(t, want, p.Shell, text)
	}
}

func TestHas(t *testing.T) {
	for _, tt := range []struct {
		text    string
		has, no []Verb
	}{
		{"on=x\noff=x\ndiag=\n", []Verb{Status, On, Off, Cycle}, []Verb{Shutdown, Reset, Diag, BootGet, BootSet, "x"}},
		{"on=x\ncycle=x\n", []Verb{On, Cycle}, []Verb{Off}},
		{"off=x\ncycle=x\n", []Verb{Off}, []Verb{On, Cycle}},
		{"on=x\n[BOOT]\nset=x\n", []Verb{BootSet}, []Verb{BootGet, Cycle}},
	} {
		p, err := parse("x.conf", "[POWER]\nstatus=x\n"+tt.text)
		require.NoError(t, err)
		for _, v := range tt.has {
			require.True(t, p.Has(v), "%s in %q", v, tt.text)
		}
		for _, v := range tt.no {
			require.False(t, p.Has(v), "%s in %q", v, tt.text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/ini/*.conf", "../../contrib/providers/*.conf"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		require.NotEmpty(f, files, pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(string(text))
		}
	}
	f.Add("[POWER]\nstatus=%%%(name)s%\n")
	f.Add("[]\n=\n[")
	f.Add("[POWER]\nstatus=echo %(a)s\n[PARAMETERS]\na=help\n[DEFAULTS]\na=%(name)s\n")

	// What loads has a status, known verbs only, and is in the file: nothing is made up, joined or cut out of a
	// line, and no per cent sign is left to chance.
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse("x.conf", text)
		if err != nil {
			require.ErrorContains(t, err, "x.conf:")
			return
		}
		require.NotEmpty(t, p.scripts[Status])
		names := map[string]string{"name": ""}
		for _, parameter := range p.Parameters {
			names[parameter.Name] = ""
		}
		for v, script := range p.scripts {
			require.NoError(t, checkPlaceholders(v, script, names))
			for line := range strings.SplitSeq(script, "\n") {
				require.Contains(t, text, line)
			}
		}
	})
}
