// Bench measures ShIPMI side by side with what people use today, and says what came of it. It is meant for a disposable
// machine (test/bench/run), whose systemd it fills with BMCs; only the reports are made on the host. All measurements
// are taken in rounds that alternate between everybody, with the console of test/console as the client, and none
// knows how ShIPMI works inside.
//
// Start reading at measure. The targets are in targets.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
)

const usage = `usage: bench [OPTION...] measure FILE      measure, in this machine, and write all figures
       bench table FILE                    print them, and what is wanted beside it
       bench page DIRECTORY                write README.md, docs/performance.md and its plots below DIRECTORY
       bench check FILE COMMITTED          fail if a ratio is no longer what it was
       bench stamp FILE PROGRAM [ARG...]   write down the time, then become a program
`

// A bench is one run of all measurements.
type bench struct {
	Report
	repeat      int
	round       time.Duration
	activations int
	bmcs        int
	peers       []peer
}

func main() {
	flag.Usage = func() {
		fmt.Fprint(os.Stderr, usage)
		flag.PrintDefaults()
	}
	b := bench{peers: peers}
	flag.IntVar(&b.repeat, "rounds", 7, "how often everything is measured")
	flag.DurationVar(&b.round, "round", 600*time.Millisecond, "how long each rate is measured in a round")
	flag.IntVar(&b.activations, "activations", 100, "how many cold starts; of each option a fifth")
	flag.IntVar(&b.bmcs, "bmcs", 1000, "how many BMCs the fleet has in the end")
	only := flag.String("only", "^[^f]", "measure what matches this regular expression, of "+fmt.Sprint(names()))
	flag.Parse()
	if err := b.command(flag.Args(), regexp.MustCompile(*only)); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func (b *bench) command(args []string, only *regexp.Regexp) error {
	switch n := len(args); {
	case n == 2 && args[0] == "measure":
		return b.measure(args[1], only)
	case n == 2 && args[0] == "table":
		return table(os.Stdout, args[1])
	case n == 2 && args[0] == "page":
		return page(args[1])
	case n == 3 && args[0] == "check":
		return check(os.Stdout, args[1], args[2])
	case n >= 3 && args[0] == "stamp":
		return stampAndExec(args[1], args[2:])
	}
	flag.Usage()
	os.Exit(2)
	return nil
}

// measurements are in this order: those with few BMCs come before those with many. Those of the fleet take half an hour,
// and are made if they are asked for.
var measurements = []struct {
	name string
	take func(*bench)
}{
	{"commands", (*bench).commands},
	{"logins", (*bench).logins},
	{"console", (*bench).console},
	{"ipmitool", (*bench).ipmitool},
	{"redfish", (*bench).redfish},
	{"cold", (*bench).cold},
	{"options", (*bench).options},
	{"memory", (*bench).memory},
	{"fleet-units", (*bench).units},
	{"fleet", (*bench).fleet},
}

func names() (all []string) {
	for _, m := range measurements {
		all = append(all, m.name)
	}
	return all
}

func (b *bench) measure(path string, only *regexp.Regexp) error {
	debug.SetGCPercent(-1) // no collection while a clock runs, see rate
	b.describe()
	addBMCs(firstPort, []string{"bench"})
	for i, p := range b.peers {
		name := "bench"
		if p.start != nil {
			name = strings.ReplaceAll(p.name, " ", "-")
		}
		b.peers[i] = p.at(firstPort+i, name)
	}
	for _, m := range measurements {
		if only.MatchString(m.name) {
			start := time.Now()
			m.take(b)
			fmt.Fprintf(os.Stderr, "%s: %v\n", m.name, time.Since(start).Round(time.Second))
		}
	}
	return b.save(path)
}

// rounds repeats what measures everybody once.
func (b *bench) rounds(once func()) {
	for range b.repeat {
		once()
	}
}

// firstPort is that of the first peer; the others follow.
const firstPort = 6230

// shipmi is the first of the peers.
func (b *bench) shipmi() peer { return b.peers[0] }
