//go:build e2e

package load

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const (
	firstPort = 20000
	password  = "correct horse" // of every console
)

// A machine is the BMC of a ledger, and what the ledger must say.
type machine struct {
	name, port string
	guid       [16]byte
	ledger     []string
}

func (m *machine) power() string {
	if len(m.ledger) == 0 {
		return "off"
	}
	return m.ledger[len(m.ledger)-1]
}

// A poller is a console with machines of its own, so that it knows what they must answer.
type poller struct {
	figure
	ipmitool []time.Duration
	machines []*machine
}

// Many consoles poll and switch the machines of many BMCs. Then all is quiet for a while, and then they go on while
// processes are restarted and killed under them.
func TestFleet(t *testing.T) {
	require.GreaterOrEqual(t, *fleetSize, *consoles)
	fmt.Println(command(t, "uname", "-sr"), command(t, "sh", "-c", "systemctl --version | head -n 1"))
	fleet := addFleet(t)
	atRest(t)

	pollers := make([]*poller, *consoles)
	for i := range pollers {
		pollers[i] = new(poller)
	}
	for i, m := range fleet {
		p := pollers[i%len(pollers)]
		p.machines = append(p.machines, m)
	}
	poll(t, "quiet", pollers, false)
	quiet := atRest(t)
	poll(t, "disturbed", pollers, true)
	disturbed := atRest(t)

	seen := map[[16]byte]bool{}
	for _, m := range fleet {
		text, err := os.ReadFile(filepath.Join("/var/lib/shipmi-bmc", m.name, "ledger"))
		require.True(t, err == nil || errors.Is(err, fs.ErrNotExist), err)
		require.Equal(t, strings.Join(m.ledger, " "), strings.Join(strings.Fields(string(text)), " "), m.name)
		if m.guid != [16]byte{} { // a console came to see it
			require.False(t, seen[m.guid], "%s has the GUID of another", m.name)
			seen[m.guid] = true
		}
	}
	require.NotEmpty(t, seen)
	require.LessOrEqual(t, disturbed.descriptors, quiet.descriptors+8)
	require.Equal(t, quiet.units, disturbed.units)
	require.Zero(t, disturbed.groups)
	require.LessOrEqual(t, disturbed.files, quiet.files+8)
	require.LessOrEqual(t, disturbed.private, quiet.private+4096)
}

// addFleet makes the BMCs, and starts them.
func addFleet(t *testing.T) (fleet []*machine) {
	t.Helper()
	configure(t, *idle, 10*time.Minute) // more than a console waits for its turn
	var names []string
	for i := range *fleetSize {
		m := &machine{name: fmt.Sprintf("bmc-%d", i), port: fmt.Sprint(firstPort + i)}
		fleet, names = append(fleet, m), append(names, m.name)
	}
	start := time.Now()
	command(t, "shipmi", append([]string{"add", "--provider", "testdata/ledger.conf", "--password", password,
		"--address", "127.0.0.1", "--port", fmt.Sprintf("%d+", firstPort)}, names...)...)
	added := time.Now()
	command(t, "shipmi", append([]string{"start"}, names...)...)
	fmt.Printf("%d BMCs added in %v, started in %v\n", len(fleet),
		added.Sub(start).Round(time.Millisecond), time.Since(added).Round(time.Millisecond))
	return fleet
}

// poll has all consoles ask for half of the time, while the processes of the BMCs are disturbed or only watched.
func poll(t *testing.T, name string, pollers []*poller, disturbing bool) {
	until := time.Now().Add(*polling / 2)
	ok := t.Run(name, func(t *testing.T) {
		for i, p := range pollers {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				p.poll(t, until)
			})
		}
		t.Run("processes", func(t *testing.T) {
			t.Parallel()
			var most, disturbed, memory int
			for time.Now().Before(until) {
				time.Sleep(200 * time.Millisecond)
				pids := processes(t)
				if len(pids) > most {
					most, memory = len(pids), privateOf(pids)
				}
				if disturbing && len(pids) > 0 {
					disturb(t, pids[rand.IntN(len(pids))])
					disturbed++
				}
			}
			fmt.Printf("%s: %d processes at most, with %d KiB in all; %d disturbances\n", name, most, memory, disturbed)
		})
	})
	require.True(t, ok)

	var all poller
	for _, p := range pollers {
		all.logins = append(all.logins, p.logins...)
		all.commands = append(all.commands, p.commands...)
		all.ipmitool = append(all.ipmitool, p.ipmitool...)
		all.again += p.again
		all.unclosed += p.unclosed
		*p = poller{machines: p.machines}
	}
	fmt.Printf("%s: logins: %s\n", name, percentiles(all.logins))
	fmt.Printf("%s: commands: %s\n", name, percentiles(all.commands))
	fmt.Printf("%s: ipmitool: %s\n", name, percentiles(all.ipmitool))
	fmt.Printf("%s: asked again %d times; the end of %d sessions was not answered, of anything else none\n",
		name, all.again, all.unclosed)
}

// disturb does to processes what operators and the kernel do to them.
func disturb(t *testing.T, pid int) {
	if rand.IntN(2) == 0 {
		_ = unix.Kill(pid, unix.SIGKILL) // or it has ended by itself
	} else {
		command(t, "systemctl", "try-restart", fmt.Sprintf("shipmi-bmc@bmc-%d.service", rand.IntN(*fleetSize)))
	}
}

// poll visits one machine after the other.
func (p *poller) poll(t *testing.T, until time.Time) {
	time.Sleep(rand.N(pace()))
	for {
		for _, m := range p.machines {
			if time.Now().After(until) {
				return
			}
			if rand.IntN(10) == 0 {
				p.askIpmitool(t, m)
			} else {
				p.visit(t, m, until)
			}
			time.Sleep(pace())
		}
	}
}

// pace is how long a console waits between two requests.
func pace() time.Duration { return time.Duration(float64(*consoles) / *rate * float64(time.Second)) }

func (p *poller) askIpmitool(t *testing.T, m *machine) {
	p.ipmitool = append(p.ipmitool, inTurn(func() {
		said := command(t, "ipmitool", "-I", "lanplus", "-H", "127.0.0.1", "-p", m.port, "-U", "admin", "-P", password,
			"power", "status")
		require.Equal(t, "Chassis Power is "+m.power(), said)
	}))
}

// visit looks and switches a few times in one session, and stays longer in some than processes do.
func (p *poller) visit(t *testing.T, m *machine, until time.Time) {
	v := login(t, "127.0.0.1:"+m.port, &p.figure)
	if m.guid == [16]byte{} {
		m.guid = v.GUID
	}
	require.Equal(t, m.guid, v.GUID, m.name)
	v.command(setPrivilege, administrator)
	for n := rand.IntN(5); n >= 0 && time.Now().Before(until); n-- {
		switch rand.IntN(8) {
		case 0:
			next := byte(1 - slices.Index([]string{"off", "on"}, m.power()))
			v.command(chassisControl, next)
			m.ledger = append(m.ledger, []string{"off", "on"}[next])
		case 1:
			time.Sleep(*idle * 3 / 2)
		}
		on := v.command(getChassisStatus)[0]&1 == 1
		require.Equal(t, m.power() == "on", on, m.name)
		time.Sleep(pace())
	}
	v.close()
}
