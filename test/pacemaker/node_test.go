//go:build e2e

package pacemaker

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var image = flag.String("image", "", "what the nodes are made from, as machine new wants it")

// A node is a machine on the bridge, and a shell beside it that boots it and runs things in it.
type node struct {
	name    string
	stdin   io.Writer
	answers *bufio.Scanner
}

// end comes after the output of a line, with its status.
const end = "-- end of the line: "

// boot makes a machine that has the last number of its address and shares a directory with the others, as /srv.
func boot(t *testing.T, name string, number int, shared string) *node {
	cmd := exec.Command("test/machine/machine", "new", *image, "bash")
	cmd.Dir = "../.."
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = cmd.Stdout
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	n := &node{name: name, stdin: stdin, answers: bufio.NewScanner(stdout)}
	n.beside(t, fmt.Sprintf(`
		MAKEFLAGS= make --silent install DESTDIR="$MACHINE"
		echo %[1]s >"$MACHINE/etc/hostname"
		echo '192.0.2.1 one
		192.0.2.2 two' >"$MACHINE/etc/hosts"
		install -D -m 644 -t "$MACHINE/etc/shipmi/providers" test/pacemaker/testdata/*.conf
		cp contrib/pacemaker/* "$MACHINE/root"
		rm "$MACHINE"/etc/systemd/system/*.wants/{corosync,pacemaker}.service # not before they are configured
		machine boot --machine=%[1]s --network-bridge=br0 --bind=%[3]s:/srv
		machine run ip address add 192.0.2.%[2]d/24 dev host0
		machine run ip link set host0 up`, name, number, shared))
	return n
}

// beside runs lines of a shell on the host, within the namespaces of the machine, and returns what they print.
func (n *node) beside(t *testing.T, lines string) string {
	t.Helper()
	output, status := n.try(t, lines)
	require.Equal(t, "0", status, "%s: %s\n%s", n.name, lines, output)
	return output
}

func (n *node) try(t *testing.T, lines string) (output, status string) {
	t.Helper()
	_, err := fmt.Fprintf(n.stdin, "(set -e\n%s\n) </dev/null\necho '%s'$?\n", lines, end)
	require.NoError(t, err)
	var text strings.Builder
	for n.answers.Scan() {
		if before, status, ok := strings.Cut(n.answers.Text(), end); ok {
			return text.String() + before, status
		}
		text.WriteString(n.answers.Text() + "\n")
	}
	require.Fail(t, "the machine is gone", "%s: %s\n%s", n.name, lines, &text)
	return "", ""
}

// run runs a command in the machine.
func (n *node) run(t *testing.T, command string) string {
	t.Helper()
	return n.beside(t, "machine run "+command)
}

// eventually runs a command in the machine until it succeeds.
func (n *node) eventually(t *testing.T, command string) {
	t.Helper()
	var output, status string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if output, status = n.try(t, "machine run "+command); status == "0" {
			return
		}
	}
	require.Fail(t, "not within a minute", "%s: %s\n%s", n.name, command, output)
}

// crash takes the power from the machine: without its first process, the kernel ends all others and the network.
func (n *node) crash(t *testing.T) {
	n.beside(t, `kill -KILL "$(pgrep --parent "$(cat /run/machine/pid)")"`)
}
