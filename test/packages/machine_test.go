//go:build e2e

package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// TestMachine installs packages on the machine that it runs on.
func TestMachine(t *testing.T) {
	_, err := os.Stat("/etc/disposable-machine")
	require.NoError(t, err, "this test would wreck this machine; run it with test/packages/run")
	here, err := os.Getwd()
	require.NoError(t, err)
	transcripts(t, "testdata/machine/*.txtar", func(env *testscript.Env) error {
		for name, dir := range map[string]string{"HERE": "", "OLD": "old", "NEW": "new", "SIGNED": "signed"} {
			env.Setenv(name, filepath.Join(here, dir))
		}
		env.Setenv("HOME", os.Getenv("HOME")) // where rpm on Debian has its database
		return forget()
	})
}

// forget removes all that a transcript before this one left behind, because it failed.
func forget() error {
	out, err := exec.Command("sh", "-c", `
		systemctl stop 'shipmi-bmc@*.socket' 'shipmi-bmc@*.service'
		dpkg --purge shipmi
		rpm --erase --nodeps shipmi
		rpm --erase --nodeps systemd
		rm -f /etc/zypp/repos.d/*
		find /etc /usr /var /run -depth -path '*shipmi*' -delete
		systemctl daemon-reload
		journalctl --sync && journalctl --quiet --rotate --vacuum-size=1`).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
