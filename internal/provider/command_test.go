package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func loadText(t *testing.T, text string) (*Provider, error) {
	path := filepath.Join(t.TempDir(), "test.conf")
	require.NoError(t, os.WriteFile(path, []byte("[POWER]\nstatus = echo on\n"+text), 0o600))
	return Load(path)
}

func TestIPMICommands(t *testing.T) {
	p, err := loadText(t, `
[PROVIDER]
prelude = . lib
[PARAMETERS]
unit = the unit
[DEFAULTS]
unit = dpu
[COMMAND]
0x32 0xA1      = operator: systemctl restart %(unit)s
50   0xa1 0x01 = query user: echo 00: 01
0x2e 1 0x57 1 0 = query:
	echo 57 01 00
0x2c 0x01 0xdd = : true
`)
	require.NoError(t, err)
	require.Equal(t, []IPMICommand{
		{"command 2c 01 dd", 0x2C, 0x01, []byte{0xDD}, "administrator"},
		{"query 2e 01 57 01 00", 0x2E, 0x01, []byte{0x57, 0x01, 0x00}, "administrator"},
		{"query 32 a1 01", 0x32, 0xA1, []byte{0x01}, "user"},
		{"command 32 a1", 0x32, 0xA1, []byte{}, "operator"},
	}, p.IPMICommands())
	values, err := p.Values("node-0", nil)
	require.NoError(t, err)
	require.Equal(t, ". lib\nsystemctl restart dpu", p.Script("command 32 a1", "node-0", values, Boot{}))
	require.Equal(t, ". lib\necho 00: 01", p.Script("query 32 a1 01", "node-0", values, Boot{}))
	require.Equal(t, "command-32-a1", Verb("command 32 a1").Identifier())
	for verb, asks := range map[Verb]bool{"command 32 a1": false, "query 32 a1 01": true} {
		require.True(t, p.Has(verb))
		require.True(t, verb.Known())
		require.True(t, verb.IsCommand())
		require.Equal(t, asks, verb.Asks())
		require.Contains(t, p.Verbs(), verb)
	}
	require.False(t, p.Has("command 32 a2"))
	require.False(t, On.IsCommand())
}

// A command that IPMI or DCMI defines is refused, whether ShIPMI has it or not.
func TestBadIPMICommands(t *testing.T) {
	for text, want := range map[string]string{
		"0x06 0x01 = true":         "network function 0x06 are those of IPMI",
		"0x00 0x02 = true":         "are those of IPMI",
		"0x0a 0x44 = true":         "are those of IPMI",
		"0x40 0x01 = true":         "are those of IPMI",
		"0x33 0x01 = user: true":   "0x33 is that of a response: want 0x32",
		"0x2c 0x01 0xdc = true":    "not 0xdc (DCMI)",
		"0x2c 0x01 = true":         "want one",
		"0x32 = true":              "at least the network function and the command",
		"0x32 0x100 = true":        `"0x100" is no byte`,
		"0x32 a1 = true":           `"a1" is no byte`,
		"restart = true":           `"restart" is no byte`,
		"0x32 0xa1 = true":         "want the least privilege and a colon before the script",
		"0x32 0xa1 = root: true":   "the words are user, operator, administrator and query",
		"0x32 0xa1 = operator:":    "the script is missing",
		"0x32 0xa1 =":              "the script is missing",
		"0x32 0xa1 = user: %(x)s":  "unknown placeholder",
		"0x32 1=: a\n50 0x01 = :b": "comes twice",
	} {
		_, err := loadText(t, "[COMMAND]\n"+text+"\n")
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "[COMMAND]", text)
		require.ErrorContains(t, err, "test.conf:", text)
	}
}

// A file overrides a command of a file that it includes, also under another spelling and with another privilege.
func TestIncludedIPMICommand(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "base.conf"), []byte("[POWER]\nstatus=echo on\n[COMMAND]\n0x32 0x01=user: base\n0x32 0x02=query user: base\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "own.conf"), []byte("[PROVIDER]\ninclude=base\n[COMMAND]\n50 1=query operator: own\n"), 0o600))
	p, err := Load(filepath.Join(dir, "own.conf"))
	require.NoError(t, err)
	commands := p.IPMICommands()
	require.Len(t, commands, 2)
	require.Equal(t, IPMICommand{"query 32 01", 0x32, 1, []byte{}, "operator"}, commands[0])
	require.Equal(t, "own", p.scripts["query 32 01"])
	require.Equal(t, "base", p.scripts["query 32 02"])
}

func TestParseResponse(t *testing.T) {
	for text, want := range map[string]Response{
		"":                         {Data: []byte{}},
		" \n":                      {Data: []byte{}},
		"00 a1 FF\n":               {Data: []byte{0, 0xA1, 0xFF}},
		"00a1\n  ff":               {Data: []byte{0, 0xA1, 0xFF}},
		"cc=c9\n":                  {Code: 0xC9},
		"  cc=80":                  {Code: 0x80},
		strings.Repeat("ab ", 255): {Data: []byte(strings.Repeat("\xab", 255))},
	} {
		got, err := ParseResponse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		require.Equal(t, append([]byte{want.Code}, want.Data...), got.Bytes())
	}
	for _, text := range []string{"a", "0x01", "done", "cc=", "cc=00", "cc=1", "cc=100", "cc=c9 01", "cc=zz", "01 cc=c9", strings.Repeat("00", 256)} {
		_, err := ParseResponse(text)
		require.Error(t, err, text)
	}
}

func FuzzParseResponse(f *testing.F) {
	f.Add("00 a1")
	f.Add("cc=c9")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseResponse(text)
		if err == nil {
			require.LessOrEqual(t, len(r.Data), MaxResponse)
			require.True(t, r.Code == 0 || r.Data == nil)
		}
	})
}
