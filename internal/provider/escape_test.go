package provider

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLocalEscapesAreRefused(t *testing.T) {
	for script, reason := range map[string]string{
		`telnet host 2323`:                       "telnet: a client could start a shell on this host",
		`exec /usr/bin/telnet host`:              "telnet: ",
		"true\n           sudo cu -l /dev/ttyS0": "cu: ",
		`x=$(tip 9600)`:                          "tip: ",
		`if true; then minicom; fi`:              "minicom: ",
		`"screen" /dev/ttyS0`:                    "screen: ",
		`picocom /dev/ttyS0`:                     "add the option --no-escape",
		`ssh -tt host cat /dev/ttyS0`:            "add the option -e none",
		`ssh host a | ssh -e none host b`:        "add the option -e none",
		`ssh -e '^' host cat; echo -e none`:      "add the option -e none",
	} {
		file := filepath.Join(t.TempDir(), "p.conf")
		require.NoError(t, os.WriteFile(file, []byte("[POWER]\nstatus = echo on\n[CONSOLE]\nconnect = "+script+"\n"), 0o600))
		_, err := Load(file)
		require.ErrorContains(t, err, `[CONSOLE] key "connect": `, script)
		require.ErrorContains(t, err, reason, script)
	}
}

func TestConsolesWithoutLocalEscape(t *testing.T) {
	for _, script := range []string{
		`cat`,
		`virsh console --force "$SHIPMI_PARAM_DOMAIN"`,
		`ssh -e none -tt host picocom --no-escape /dev/ttyS0`,
		`ssh -tt -enone host cat`,
		`ssh -o EscapeChar=none host cat`,
		`cat /etc/screenrc`,
	} {
		require.NoError(t, checkEscapes(script), script)
	}
}
