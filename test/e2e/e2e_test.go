//go:build e2e

// Package e2e drives an installed ShIPMI as its users do: with shipmi, systemctl, ipmitool and FreeIPMI, against a real
// systemd. It takes the machine that it runs on to pieces, so it runs in a disposable one only (test/e2e/run). It does not
// know the code it tests. The transcripts in testdata are the tests; start reading with seed.txtar.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

const marker = "/etc/disposable-machine"

func TestMain(m *testing.M) {
	if _, err := os.Stat(marker); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: these tests would wreck this machine; run them with test/e2e/run")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Test types each transcript on a machine without BMCs.
func Test(t *testing.T) {
	transcripts(t, "testdata/*.txtar", forget)
}

// Between these two the machine is booted again.
func TestBeforeReboot(t *testing.T) { transcripts(t, "testdata/reboot/before.txtar", forget) }
func TestAfterReboot(t *testing.T)  { transcripts(t, "testdata/reboot/after.txtar", nil) }

// Here the kernel filters no packets.
func TestWithoutBPF(t *testing.T) { transcripts(t, "testdata/reboot/unfiltered.txtar", forget) }

// Here there is Ansible, and in /root/ansible the role.
func TestAnsible(t *testing.T) { transcripts(t, "testdata/ansible/*.txtar", forget) }

func transcripts(t *testing.T, pattern string, setup func(*testscript.Env) error) {
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	testscript.Run(t, testscript.Params{Files: files, Setup: setup, Cmds: commands()})
}

// forget removes every BMC and all that the test before it left behind.
func forget(env *testscript.Env) error {
	env.Setenv("HOME", "/root")
	out, err := exec.Command("sh", "-c", `
		systemctl stop 'shipmi-bmc@*.socket' 'shipmi-bmc@*.service' 'shipmi-gateway.s*'
		rm -rf /etc/systemd/system/shipmi-bmc@* /etc/systemd/system/*/shipmi-bmc*@* /etc/systemd/system/shipmi-gateway.* \
			/etc/systemd/system/*/shipmi-gateway.* /etc/shipmi /root/.shipmi \
			/run/shipmi-bmc /var/lib/shipmi-bmc
		systemctl daemon-reload
		systemctl reset-failed
		journalctl --sync && journalctl --quiet --rotate --vacuum-size=1`).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// commands are what a transcript can type beside what testscript itself has: the programs of a user, without "exec",
// two that wait, and one for what another user than root types.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	cmds := map[string]func(*testscript.TestScript, bool, []string){
		"eventually": eventually,
		"gone":       gone,
		"as-ada":     asAda,
		"journalctl": journalctl,
	}
	for _, program := range []string{
		"shipmi", "systemctl", "loginctl", "ssh-keygen", "systemd-analyze", "setpriv", "timeout", "sh", "perl", "curl", "ansible-playbook",
		"ipmitool", "ipmipower", "ipmi-chassis", "ipmi-config", "bmc-info", "rmcpping",
	} {
		cmds[program] = func(ts *testscript.TestScript, neg bool, args []string) {
			if err := ts.Exec(program, args...); (err != nil) != neg {
				ts.Fatalf("%s: %v", program, err)
			}
		}
	}
	return cmds
}

// asAda runs a program as a user without rights who has a systemd.
func asAda(ts *testscript.TestScript, neg bool, args []string) {
	as := []string{"--reuid=ada", "--regid=ada", "--init-groups", "env", "HOME=/home/ada", "XDG_RUNTIME_DIR=/run/user/1000"}
	if err := ts.Exec("setpriv", append(as, args...)...); (err != nil) != neg {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

// journalctl shows what was logged until now: journald may not have come to it yet.
func journalctl(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(ts.Exec("journalctl", "--sync"))
	if err := ts.Exec("journalctl", args...); (err != nil) != neg {
		ts.Fatalf("journalctl: %v", err)
	}
}

// eventually runs a program again and again until it succeeds; with "!", until it fails.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	var err error
	for range 100 {
		if err = ts.Exec(args[0], args[1:]...); (err != nil) == neg {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("%q after 10 s: %v", args, err)
}

// gone waits until a BMC has no process.
func gone(ts *testscript.TestScript, _ bool, args []string) {
	eventually(ts, true, []string{"systemctl", "is-active", "--quiet", "shipmi-bmc@" + args[0] + ".service"})
}
