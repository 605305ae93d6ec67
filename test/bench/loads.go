package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
)

// alone is a script that the client runs itself.
const alone = "sh -c alone"

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
			b.scripts(clients)
		}
	})
}

func (b *bench) commandsOf(p peer, suite byte, name string, code command) {
	for _, clients := range atOnce {
		sessions := openSessions(p, suite, clients)
		var all []dialogue
		for i := range sessions {
			all = append(all, &talk{sessions: sessions[i : i+1], code: code})
		}
		b.rate(fmt.Sprintf("%s/suite=%d", name, suite), p, all)
		closeAll(sessions)
	}
}

// logins is key exchange and end of a session; no program may have more sessions than clients.
func (b *bench) logins() {
	b.rounds(func() {
		for _, p := range b.peers {
			for _, suite := range p.suites {
				for _, n := range atOnce {
					b.loginsOf(p, suite, n)
				}
			}
		}
	})
}

func (b *bench) loginsOf(p peer, suite byte, clients int) {
	var all []dialogue
	for range clients {
		all = append(all, visit{dial(p, suite)})
	}
	b.rate(fmt.Sprintf("login/suite=%d", suite), p, all)
	for _, v := range all {
		v.(visit).socket.close()
	}
}

// A visit is the exchange of keys and the end of the session. Each of its datagrams needs the answer before.
type visit struct{ *client }

func (visit) prepare(int)  {}
func (visit) check() error { return nil }

func (v visit) exchanges() []exchange {
	all := v.exchangeKeys()
	open := all[0].say
	all[0].say = func() (socket, []byte) {
		v.renew()
		return open()
	}
	var end *talk
	return append(all, exchange{
		with: v.peer.name,
		say: func() (socket, []byte) {
			end = v.end()
			return end.say()
		},
		hear: func(b []byte) bool {
			heard := end.hear(b)
			if heard {
				require.NoError(must, end.check())
			}
			return heard
		},
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
		c.end().once()
		c.socket.close()
	}
}

// scripts is the floor of commands with a script: fork and exec of the same shell, its output read.
func (b *bench) scripts(clients int) {
	if clients == 1 {
		defer together(self)()
	}
	took := make([][]float64, clients)
	start := time.Now()
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for time.Since(start) < b.round {
				began := time.Now()
				printed := run("sh", "-c", "echo on")
				took[i] = append(took[i], milliseconds(time.Since(began)))
				require.Equal(must, "on", printed)
			}
		})
	}
	all.Wait()
	b.times(fmt.Sprintf("chassis-status/suite=3/clients=%d", clients), alone, slices.Concat(took...), time.Since(start))
}
