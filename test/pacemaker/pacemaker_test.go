//go:build e2e

// Package pacemaker tries the example in contrib/pacemaker on two machines with Corosync and Pacemaker, which a bridge
// connects with a client and with their BMCs. It knows ShIPMI by its commands alone, and wants a network namespace of its own:
//
//	unshare --net bin/pacemaker.test -test.v
//
// Start reading at TestFailover. With -test.v it tells how long clients had to wait.
package pacemaker

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The BMC of the example.
const (
	resource = "node-0-bmc"
	unit     = "shipmi-bmc@node-0.socket"
)

func TestFailover(t *testing.T) {
	shell(t, `
		ip link set lo up
		ip link add br0 type bridge
		ip address add 192.0.2.100/24 dev br0
		ip link set br0 up`)
	shared := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(shared, "power"), []byte("off\n"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(shared, "bmcs/node-0"), 0o700))
	one, two, rack := boot(t, "one", 1, shared), boot(t, "two", 2, shared), boot(t, "rack", 3, shared)
	giveBMCs(t, rack)
	move(t, rack, one)
	form(t, one, two)

	one.run(t, "crm configure load update /root/fencing.crm")
	one.run(t, "crm configure load update /root/bmc.crm")
	one.eventually(t, "systemctl is-active --quiet "+unit)
	require.Contains(t, one.run(t, "crm_resource --locate --resource "+resource), "running on: one")
	ipmitool(t, "power on")

	// An administrator takes a node out: the session that is open ends, and a new one finds the same machine and the same
	// event log.
	ipmitool(t, "chassis policy previous")
	ipmitool(t, addEvent)
	remembered := ipmitool(t, "sel list") + ipmitool(t, "chassis status")
	session := logIn(t)
	absence := watch(t)
	one.run(t, "crm node standby one")
	two.eventually(t, "systemctl is-active --quiet "+unit)
	t.Logf("a node that is put on standby: nobody could log in for %v", absence())
	require.Contains(t, two.run(t, "crm_resource --locate --resource "+resource), "running on: two")
	require.Contains(t, session("power off"), "Unable to set Chassis Power Control to Down/Off")
	require.Equal(t, "Chassis Power is on\n", ipmitool(t, "power status"))
	require.Equal(t, remembered, ipmitool(t, "sel list")+ipmitool(t, "chassis status"))

	// The node that has the BMC is cut off while a script runs. It still has the BMC, so it is reset before the other one
	// takes it. The script does not run again.
	one.run(t, "crm node online one")
	one.eventually(t, "sh -c 'crm_mon --one-shot | grep Online:.*one'")
	ipmitool(t, "-N 5 power reset") // it is answered after two seconds, while the script runs
	absence = watch(t)
	shell(t, "ip link set vb-two nomaster")
	require.Equal(t, "two\n", untilReset(t, shared))
	require.Equal(t, "active\n", two.run(t, "systemctl is-active "+unit))
	require.Equal(t, "inactive\n", one.run(t, "sh -c 'systemctl is-active "+unit+" || true'"))
	two.crash(t)
	require.NoError(t, os.Remove(filepath.Join(shared, "reset")))
	one.eventually(t, "systemctl is-active --quiet "+unit)
	t.Logf("a node that is cut off, and reset: nobody could log in for %v", absence())
	require.Contains(t, one.run(t, "crm_resource --locate --resource "+resource), "running on: one")
	require.Equal(t, "Chassis Power is on\n", ipmitool(t, "power status"))
	require.Equal(t, strings.SplitN(remembered, "\n", 2)[0], strings.SplitN(ipmitool(t, "sel list"), "\n", 2)[0])
	runs, err := os.ReadFile(filepath.Join(shared, "resets"))
	require.NoError(t, err)
	require.Equal(t, "reset\n", string(runs))
}

// addEvent is Add SEL Entry (§31.6): an event of a sensor of the platform.
const addEvent = "raw 0x0a 0x44 0 0 2 0 0 0 0 0x20 0 4 1 2 3 4 5 6"

// move moves a BMC from a host to another one, with its users, its event log and its settings.
func move(t *testing.T, from, to *node) {
	const address = "192.0.2.103"
	from.run(t, "ip address add "+address+"/24 dev host0")
	from.beside(t, "echo s3cret | machine run shipmi add moving --provider shared --address "+address+" --comment moved --password-stdin")
	from.run(t, "shipmi start moving")
	client := func(command string) string {
		args := append([]string{"-I", "lanplus", "-H", address, "-U", "admin", "-P", "s3cret"}, strings.Fields(command)...)
		out, err := exec.Command("ipmitool", args...).CombinedOutput()
		require.NoError(t, err, "%s: %s", command, out)
		return string(out)
	}
	for _, command := range []string{
		"user set name 3 ops", "user set password 3 0ther", "user enable 3", "channel setaccess 1 3 privilege=3", addEvent,
		"chassis policy always-on", "sol set retry-count 5",
	} {
		client(command)
	}
	all := func() (text string) {
		for _, command := range []string{"user list 1", "sel list", "chassis status", "sol info"} {
			text += client(command)
		}
		return text
	}
	before := all()
	require.Contains(t, before, "ops")
	from.run(t, "systemctl stop shipmi-bmc@moving.socket shipmi-bmc@moving.service")
	from.run(t, "sh -c 'umask 077; shipmi export moving --state --show-passwords >/srv/moving.yml'")
	from.run(t, "shipmi delete moving")
	from.run(t, "ip address delete "+address+"/24 dev host0")

	to.run(t, "ip address add "+address+"/24 dev host0")
	require.Contains(t, to.run(t, "shipmi apply -f /srv/moving.yml -o value"), "moving added, started")
	require.Equal(t, "moved\n", to.run(t, "shipmi list moving -o value -c comment"))
	shell(t, "ip neigh flush dev br0")
	require.Equal(t, before, all())
	require.Empty(t, to.run(t, "shipmi apply -f /srv/moving.yml"))
	to.run(t, "shipmi delete moving")
	to.run(t, "ip address delete "+address+"/24 dev host0")
}

// giveBMCs makes the machine the BMCs of the nodes.
func giveBMCs(t *testing.T, rack *node) {
	for name, address := range map[string]string{"one": "192.0.2.101", "two": "192.0.2.102"} {
		rack.run(t, "ip address add "+address+"/24 dev host0")
		rack.beside(t, "echo f3nce | machine run shipmi add "+name+" --provider node --address "+address+" --username fence --password-stdin")
		rack.run(t, "shipmi start "+name)
	}
}

// untilReset waits until a node is to be reset, and returns its name.
func untilReset(t *testing.T, shared string) string {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if name, err := os.ReadFile(filepath.Join(shared, "reset")); err == nil {
			return string(name)
		}
	}
	require.Fail(t, "nobody was reset within a minute")
	return ""
}

// form makes a cluster of the nodes, each of which has the BMC.
func form(t *testing.T, one, two *node) {
	one.run(t, "corosync-keygen -l -k /srv/authkey")
	for _, n := range []*node{one, two} {
		n.run(t, "install -m 400 /srv/authkey /root/corosync.conf /etc/corosync")
		n.beside(t, "echo s3cret | machine run shipmi add node-0 --provider shared --address 192.0.2.10 --password-stdin")
		n.beside(t, `echo f3nce >"$MACHINE/etc/pacemaker/password"`)
		n.run(t, "systemctl start corosync pacemaker")
	}
	one.eventually(t, "sh -c 'crm_mon --one-shot | grep Online:.*one.*two'")
}

// bmc is the command line of a client that tries once.
var bmc = []string{"-I", "lanplus", "-H", "192.0.2.10", "-U", "admin", "-P", "s3cret", "-N", "1", "-R", "1"}

func ipmitool(t *testing.T, command string) string {
	out, err := exec.Command("ipmitool", append(bmc, strings.Fields(command)...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// untilAnswered logs in again and again until the BMC tells the state of the machine, and returns when it did.
func untilAnswered() (time.Time, error) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if exec.Command("ipmitool", append(bmc, "power", "status")...).Run() == nil {
			return time.Now(), nil
		}
	}
	return time.Time{}, errors.New("no answer within a minute")
}

// watch logs in again and again. The function that it returns waits for one more answer, and tells the longest time without one.
func watch(t *testing.T) (absence func() time.Duration) {
	last, err := untilAnswered()
	require.NoError(t, err)
	var longest time.Duration
	done, finished := make(chan bool), make(chan error)
	go func() {
		for more := true; more && err == nil; {
			select {
			case more = <-done:
			default:
			}
			var now time.Time
			now, err = untilAnswered()
			longest, last = max(longest, now.Sub(last)), now
		}
		finished <- err
	}()
	return func() time.Duration {
		close(done)
		require.NoError(t, <-finished)
		return longest.Round(100 * time.Millisecond)
	}
}

// logIn opens a session, and returns what a command in it has the client say.
func logIn(t *testing.T) func(command string) string {
	cmd := exec.Command("ipmitool", append(bmc, "shell")...)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	_, err = stdin.Write([]byte("power status\n"))
	require.NoError(t, err)
	return func(command string) string {
		_, err := stdin.Write([]byte(command + "\nexit\n"))
		require.NoError(t, err)
		_ = cmd.Wait() // it may have given up
		require.Contains(t, out.String(), "Chassis Power is on")
		return out.String()
	}
}

func shell(t *testing.T, lines string) {
	out, err := exec.Command("sh", "-ec", lines).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
