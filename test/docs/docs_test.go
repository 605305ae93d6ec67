//go:build e2e

package docs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
)

const marker = "/etc/disposable-machine"

// standIns are the providers whose programs the machine does not have: the stand-ins of their tests take their place.
// Others would hide programs of the machine itself. The ssh is that of the last one that has one.
var standIns = []string{
	"apc-snmp", "aws-ec2", "incus", "kubevirt", "libvirt", "openstack", "proxmox-pct", "proxmox-qm", "turing-pi",
	"virtualbox", "vmware-govc", "hyperv-ssh",
}

func TestMain(m *testing.M) {
	if _, err := os.Stat(marker); err != nil {
		fmt.Fprintln(os.Stderr, "docs: these tests would wreck this machine; run them with test/docs/run")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Test types every document from top to bottom, each on a machine without BMCs.
func Test(t *testing.T) {
	t.Setenv("PYTHONWARNINGS", "ignore") // of fence agents, on programs that they will not have some day
	for _, name := range standIns {
		install(t, name)
	}
	for path, text := range documents(t) {
		t.Run(path, func(t *testing.T) {
			dir := t.TempDir()
			t.Cleanup(func() { forget(t) })
			prepare(t, dir, path)
			for _, b := range blocks(text) {
				switch {
				case b.language == "console":
					for _, c := range session(b.text) {
						run(t, dir, c, b.argument)
					}
				case strings.HasPrefix(b.argument, "/"):
					write(t, b.argument, b.text)
				}
			}
		})
	}
}

// The picture of the README shows what a terminal shows. If that has changed, it is left for test/docs/run to keep.
func TestPictureIsReal(t *testing.T) {
	commands, err := os.ReadFile("testdata/picture.commands")
	require.NoError(t, err)
	t.Cleanup(func() { forget(t) })
	var shown strings.Builder
	for line := range strings.Lines(string(commands)) {
		out, err := typed(t.Context(), t.TempDir(), line)
		require.NoError(t, err, "%s%s", line, out)
		shown.WriteString("$ " + line + out)
	}
	kept, err := os.ReadFile(sessionText)
	if err != nil || string(kept) != shown.String() {
		require.NoError(t, os.WriteFile(sessionText, []byte(shown.String()), 0o644))
	}
	require.Equal(t, string(kept), shown.String(), "bin/session.txt has what the terminal shows: put it into docs/pictures")
}

// run types one command. It must succeed and print what is shown and nothing else; in a block that "fails" it must fail,
// and in one that comes true "eventually" it is typed again and again, for a minute.
func run(t *testing.T, dir string, c command, how string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := typed(ctx, dir, c.line)
	for how == "eventually" && !c.matches(out) && ctx.Err() == nil {
		time.Sleep(time.Second)
		out, err = typed(ctx, dir, c.line)
	}
	require.NoError(t, ctx.Err(), "%s%s", c.line, out)
	require.Equal(t, how == "fails", err != nil, "%s%s%v", c.line, out, err)
	require.True(t, c.matches(out), "%s%s", c.line, out)
}

// typed returns what a command printed.
func typed(ctx context.Context, dir, line string) (string, error) {
	sh := exec.CommandContext(ctx, "bash", "-c", line)
	sh.Dir = dir
	out, err := sh.CombinedOutput()
	return string(out), err
}

// write writes a file, which is what it was again for the next document.
func write(t *testing.T, name, text string) {
	before, err := os.ReadFile(name)
	t.Cleanup(func() {
		if err != nil {
			require.NoError(t, os.RemoveAll(name))
			_ = os.Remove(filepath.Dir(name)) // one that is not empty stays
		} else {
			require.NoError(t, os.WriteFile(name, before, 0o644))
		}
	})
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
}

// prepare runs what the machine of a document needs beside what the document itself says: testdata/NAME.sh.
func prepare(t *testing.T, dir, document string) {
	name, err := filepath.Abs(filepath.Join("testdata", strings.TrimSuffix(filepath.Base(document), ".md")+".sh"))
	require.NoError(t, err)
	if _, err := os.Stat(name); err == nil {
		run(t, dir, command{line: ". " + name + "\n"}, "")
	}
}

// forget leaves nothing for the next document, and is a test of delete. It is refused while a script runs.
func forget(t *testing.T) {
	out, err := exec.Command("timeout", "20", "sh", "-c", `
		until [ -z "$(shipmi list -o value)" ] || shipmi delete --all; do sleep 1; done
		rm -rf /etc/shipmi /root/.shipmi /var/lib/ironic/ironic.db
		journalctl --quiet --rotate --vacuum-size=1
		for user in ipmi alice; do ! id --user $user || userdel --force --remove $user; done
		! find /etc/systemd/system /run/shipmi-bmc /var/lib/shipmi-bmc -path '*shipmi-bmc*@*' | grep .`).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// install puts the programs that a provider is tested with where a shell finds them.
func install(t *testing.T, provider string) {
	archive, err := txtar.ParseFile(filepath.Join(root, "contrib/providers/testdata", provider+".txtar"))
	require.NoError(t, err)
	dir := filepath.Join("/srv", provider)
	require.NoError(t, txtar.Write(archive, dir))
	programs, err := filepath.Glob(filepath.Join(dir, "bin", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, programs)
	for _, program := range programs {
		require.NoError(t, os.Chmod(program, 0o755))
		wrapper := fmt.Sprintf("#!/bin/sh\nWORK=%s exec %s \"$@\"\n", dir, program)
		require.NoError(t, os.WriteFile(filepath.Join("/usr/local/bin", filepath.Base(program)), []byte(wrapper), 0o755))
	}
}
