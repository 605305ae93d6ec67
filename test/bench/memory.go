package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"
)

// smaps returns what the memory of a process adds up to, in KiB, by the names of proc_pid_smaps(5).
func smaps(pid string) map[string]float64 {
	text, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
	require.NoError(must, err)
	sums := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		if field := strings.Fields(line); len(field) == 3 {
			sums[strings.TrimSuffix(field[0], ":")], err = strconv.ParseFloat(field[1], 64)
			require.NoError(must, err)
		}
	}
	return sums
}

// active is how many BMCs of each kind have a session while their memory is measured.
const active = 100

// memory is what a host pays for each BMC among a hundred that are active: what processes share is divided among them.
func (b *bench) memory() {
	for _, p := range b.peers {
		var pids []string
		for _, one := range p.copies(active) {
			openSessions(one, 3, 1)[0].socket.close()
			pids = append(pids, one.pid())
		}
		var sum float64
		for _, pid := range pids {
			sum += smaps(pid)["Pss"]
		}
		b.add("memory/pss", p.name, "KiB", sum/active)
		run("sh", "-c", "systemctl stop 'shipmi-bmc@copy-*' 'bench-copy-*'")
	}
}

// fleet is how it all grows with the number of BMCs: the time of what an operator does to all of them, the memory of
// PID 1 while none has a process, the time of a cold start among them, and the memory of everything when each has one.
// In a run with more than a thousand they stay at rest.
func (b *bench) fleet() {
	run("sh", "-c", "systemctl stop 'shipmi-bmc@*.service'")
	started := 0
	run("systemctl", "daemon-reexec")
	before := pid1()
	for _, n := range b.fleetSizes() {
		names := namesOf("fleet", started, n)
		figure := fmt.Sprintf("fleet/bmcs=%d/", n)
		adding, starting := addBMCs(firstOfFleet+started, names)
		b.add(fmt.Sprintf("%sadd %d", figure, len(names)), shipmi, "ms", milliseconds(adding))
		b.add(fmt.Sprintf("%sstart %d", figure, len(names)), shipmi, "ms", milliseconds(starting))
		b.add(figure+"shipmi list", shipmi, "ms", milliseconds(timed("shipmi", "list")))
		if canReload() {
			b.add(figure+"daemon-reload", shipmi, "ms", milliseconds(timed("sh", "-c", reload)))
		}
		started = n
		b.add(figure+"processes at rest", shipmi, "", float64(len(processes())))
		b.add(figure+"PID 1 at rest", shipmi, "KiB", pid1()-before)
		for i := range max(1, b.activations/4) {
			i = i * n / max(1, b.activations/4)
			a := activate(fmt.Sprintf("fleet-%d", i), peer{addr: fleetAddr(i)})
			b.add(figure+"cold", shipmi, "ms", milliseconds(a.answered-a.sent))
		}
		if b.bmcs <= 1000 {
			b.allActive(figure, n)
		}
	}
	b.manage(b.bmcs)
}

// fleetSizes are the numbers of BMCs with which a run measures how everything grows.
func (b *bench) fleetSizes() (sizes []int) {
	for n := 1; n < b.bmcs; n *= 10 {
		sizes = append(sizes, n)
	}
	return append(sizes, b.bmcs)
}

const firstOfFleet = 20000

func fleetAddr(i int) string { return fmt.Sprintf("127.0.0.1:%d", firstOfFleet+i) }

// allActive has every BMC of the fleet serve a session, and adds up their memory: what is shared, once.
func (b *bench) allActive(figure string, n int) {
	for i := range n {
		openSessions(peer{name: shipmi, addr: fleetAddr(i)}, 17, 1)[0].socket.close()
	}
	pids := processes()
	require.Len(must, pids, n, "processes")
	var sum float64
	for _, pid := range pids {
		sum += smaps(pid)["Pss"]
	}
	b.add(figure+"all active", shipmi, "KiB", sum)
	run("sh", "-c", "systemctl stop 'shipmi-bmc@fleet-*.service'")
}

// processes returns those of our BMCs.
func processes() (pids []string) {
	programs, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(must, err)
	for _, link := range programs {
		if program, _ := os.Readlink(link); filepath.Base(program) == "shipmi-bmc" {
			pids = append(pids, strings.Split(link, "/")[2])
		}
	}
	return pids
}
