package main

import (
	"fmt"
	"os"
	"os/exec"
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

// memory is that of everybody who has just been busy.
func (b *bench) memory() {
	for _, p := range b.peers {
		sessions := openSessions(p, 3, 1)
		sum := smaps(p.pid())
		b.add("memory/resident", p.name, "KiB", sum["Rss"])
		b.add("memory/private", p.name, "KiB", sum["Private_Clean"]+sum["Private_Dirty"])
		b.add("memory/anonymous", p.name, "KiB", sum["Anonymous"])
		closeAll(sessions)
	}
}

// fleet is how it all grows with the number of BMCs: the time of what an operator does to all of them, the memory of
// PID 1 while none has a process, the time of a cold start among them, and the memory of everything when each has one.
// Beyond a thousand they stay at rest.
func (b *bench) fleet() {
	run("sh", "-c", "systemctl stop 'shipmi-bmc@*.service'")
	started := 0
	before := smaps("1")["Rss"]
	for n := 1; n <= b.bmcs; n *= 10 {
		var names []string
		for i := started; i < n; i++ {
			names = append(names, fmt.Sprintf("fleet-%d", i))
		}
		figure := fmt.Sprintf("fleet/bmcs=%d/", n)
		adding, starting := addBMCs(firstOfFleet+started, names)
		b.add(fmt.Sprintf("%sadd %d", figure, len(names)), shipmi, "ms", milliseconds(adding))
		b.add(fmt.Sprintf("%sstart %d", figure, len(names)), shipmi, "ms", milliseconds(starting))
		b.add(figure+"shipmi list", shipmi, "ms", milliseconds(timed("shipmi", "list")))
		b.add(figure+"daemon-reload", shipmi, "ms", milliseconds(timed("systemctl", "daemon-reload")))
		started = n
		b.add(figure+"processes at rest", shipmi, "", float64(len(processes())))
		b.add(figure+"PID 1 at rest", shipmi, "KiB", smaps("1")["Rss"]-before)
		for i := range max(1, b.activations/4) {
			i = i * n / max(1, b.activations/4)
			a := activate(fmt.Sprintf("fleet-%d", i), peer{addr: fleetAddr(i)})
			b.add(figure+"cold", shipmi, "ms", milliseconds(a.answered-a.sent))
		}
		if n <= 1000 {
			b.allActive(figure, n)
		}
	}
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

// saving is the time in which a session is saved: benchmarks of the package, on the file system where sessions are.
func (b *bench) saving() {
	cmd := exec.Command("./session.test", "-test.run", "^$", "-test.bench", "^BenchmarkSave$",
		"-test.count", strconv.Itoa(b.repeat), "-test.benchtime", "200ms")
	cmd.Env = append(os.Environ(), "TMPDIR=/run")
	out, err := cmd.CombinedOutput()
	require.NoError(must, err, "%s", out)
	for line := range strings.Lines(string(out)) {
		// BenchmarkSave/sessions=64-2   3000000   412.5 ns/op ...
		field := strings.Fields(line)
		if len(field) < 4 || field[3] != "ns/op" {
			continue
		}
		nanoseconds, err := strconv.ParseFloat(field[2], 64)
		require.NoError(must, err)
		_, sessions, _ := strings.Cut(field[0], "/")
		sessions, _, _ = strings.Cut(sessions, "-")
		b.add("saving/"+sessions, shipmi, "ms", nanoseconds/1e6)
	}
}
