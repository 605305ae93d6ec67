package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	alone       = "sh -c alone"
	maxSessions = 64 // of a BMC of ours
)

// atOnce are the numbers of clients that rates are measured with.
var atOnce = []int{1, 8}

// commands has every peer answer commands in sessions that are open, in turn; with a script for the power status.
func (b *bench) commands() {
	b.rounds(func() {
		for _, p := range b.peers {
			for _, suite := range p.suites {
				b.commandsOf(p, suite, "device-id", getDeviceID)
			}
			if !p.isEcho {
				b.commandsOf(p, 3, "chassis-status", getChassisStatus)
			}
		}
		for _, clients := range atOnce {
			b.rate("chassis-status/suite=3", peer{name: alone}, clients, func(int) func() time.Duration { return runScript })
		}
	})
}

func (b *bench) commandsOf(p peer, suite byte, name string, code uint16) {
	for _, clients := range atOnce {
		sessions := openSessions(p, suite, clients)
		b.rate(fmt.Sprintf("%s/suite=%d", name, suite), p, clients, func(i int) func() time.Duration {
			return func() time.Duration { return sessions[i].command(code) }
		})
		closeAll(sessions)
	}
}

// logins is key exchange and end of a session; nobody may have more sessions than clients.
func (b *bench) logins() {
	b.rounds(func() {
		for _, p := range b.peers {
			for _, suite := range p.suites {
				for _, clients := range atOnce {
					b.rate(fmt.Sprintf("login/suite=%d", suite), p, clients, func(int) func() time.Duration {
						return func() time.Duration {
							start := time.Now()
							c := dial(p, suite)
							c.login()
							c.close()
							return time.Since(start)
						}
					})
				}
			}
		}
	})
}

// sessions is how commands fare when there are more sessions, used in turn by one client.
func (b *bench) sessions() {
	b.rounds(func() {
		for n := 1; n <= maxSessions; n *= 2 {
			sessions, next := openSessions(b.shipmi(), 17, n), 0
			b.rate(fmt.Sprintf("sessions=%d/suite=17", n), b.shipmi(), 1, func(int) func() time.Duration {
				return func() time.Duration {
					next++
					return sessions[next%n].command(getDeviceID)
				}
			})
			closeAll(sessions)
		}
	})
}

func openSessions(p peer, suite byte, n int) (sessions []*client) {
	for range n {
		c := dial(p, suite)
		c.login()
		c.command(setPrivilege, administrator)
		sessions = append(sessions, c)
	}
	return sessions
}

func closeAll(sessions []*client) {
	for _, c := range sessions {
		c.close()
	}
}

// runScript is the floor of a command with a script: fork and exec of the same shell, its output read.
func runScript() time.Duration {
	start := time.Now()
	out, err := exec.Command("sh", "-c", "echo on").Output()
	took := time.Since(start)
	require.NoError(must, err)
	require.Equal(must, "on\n", string(out))
	return took
}

// rate has clients do something over and over for a round, and adds how often a second, how long it took, and the
// processor time of the server itself.
func (b *bench) rate(name string, p peer, clients int, prepare func(client int) (do func() time.Duration)) {
	took := make([][]float64, clients)
	busy, lost := p.busy(), unanswered.Load()
	start := time.Now()
	var all sync.WaitGroup
	for i := range clients {
		do := prepare(i)
		all.Go(func() {
			for time.Since(start) < b.round {
				took[i] = append(took[i], milliseconds(do()))
			}
		})
	}
	all.Wait()
	seconds := time.Since(start).Seconds()
	busy, lost = p.busy()-busy, unanswered.Load()-lost

	times := slices.Concat(took...)
	name = fmt.Sprintf("%s/clients=%d", name, clients)
	fmt.Fprintf(os.Stderr, "%s %s: %d in %.1f s\n", name, p.name, len(times), seconds)
	b.add(name+"/rate", p.name, "1/s", float64(len(times))/seconds)
	b.add(name+"/p50", p.name, "ms", quantile(times, 0.5))
	b.add(name+"/p99", p.name, "ms", quantile(times, 0.99))
	b.add(name+"/unanswered", p.name, "", float64(lost))
	if p.pid != nil {
		b.add(name+"/server", p.name, "ms", milliseconds(busy)/float64(len(times)))
	}
}
