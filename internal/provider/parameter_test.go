package provider

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const parameterFile = `
[PARAMETERS]
vmid = the number of the machine,
       100%, as the host counts
node = where it is
note = what you like
[DEFAULTS]
node = on-%(name)s-100%%
note =
[POWER]
status = echo on %(vmid)s; echo "$SHIPMI_PARAM_VMID $SHIPMI_PARAM_NODE $SHIPMI_PARAM_NOTE" >got
on     = exit %(vmid)s
`

func TestParameters(t *testing.T) {
	p, err := parse("qm.conf", parameterFile)
	require.NoError(t, err)
	require.Equal(t, []Parameter{
		{Name: "node", Help: "where it is", Default: "on-%(name)s-100%%"},
		{Name: "note", Help: "what you like"},
		{Name: "vmid", Help: "the number of the machine, 100%, as the host counts", Required: true, inScripts: true},
	}, p.Parameters)

	for _, tt := range []struct {
		name  string
		given map[string]string
		want  map[string]string
		err   string
	}{
		{"defaults", map[string]string{"vmid": "101"}, map[string]string{"vmid": "101", "node": "on-n1-100%", "note": ""}, ""},
		{
			"any text where no shell reads it", map[string]string{"vmid": "a@b:/c", "node": "%(name)s", "note": "$(id) \"ü\""},
			map[string]string{"vmid": "a@b:/c", "node": "%(name)s", "note": "$(id) \"ü\""}, "",
		},
		{"missing", nil, nil, `provider "qm": parameter "vmid" is missing`},
		{"empty", map[string]string{"vmid": ""}, nil, `provider "qm": parameter "vmid" is missing`},
		{
			"unknown", map[string]string{"vmdi": "1", "vmid": "1", "x": "1"}, nil,
			`provider "qm": no parameter "vmdi"; no parameter "x"`,
		},
		{
			"for a shell", map[string]string{"vmid": "1 2"}, nil,
			`provider "qm": parameter "vmid": "1 2" has characters other than letters, digits and _@+=:,./-, which the text of a script must not contain`,
		},
		{
			"no text", map[string]string{"vmid": "1", "node": "a\nb", "note": "\xff"}, nil,
			`provider "qm": parameter "node": "a\nb" is not one line of text; parameter "note": "\xff" is not one line of text`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := p.Values("n1", tt.given)
			if tt.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.err)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// Nothing that means something to a shell gets into the text of a script.
func TestParameterIsAPlainWord(t *testing.T) {
	p, err := parse("qm.conf", parameterFile)
	require.NoError(t, err)
	for _, c := range " \t\"'`$&|;<>()[]{}*?!#~^\\%é" {
		_, err := p.Values("n1", map[string]string{"vmid": "a" + string(c)})
		require.Error(t, err, "%q", c)
	}
}
