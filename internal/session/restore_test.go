package session

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// A new process before every single datagram is not to be noticed; but an Open
// Session Request leaves nothing behind.
func TestNewProcessAtEveryStep(t *testing.T) {
	for name, again := range map[string]func(*machine){
		"idle exit": (*machine).restart,
		"kill":      (*machine).kill,
	} {
		t.Run(name, func(t *testing.T) {
			eachSuite(t, func(t *testing.T, suite byte) {
				m, c := newMachine(t), console.New(t, suite)
				send := func(b []byte) []byte {
					again(m)
					return m.send(c, b)
				}
				c.ReadOpen(send(c.Open()))
				require.Nil(t, send(c.RAKP1()))
				c.ReadOpen(m.send(c, c.Open()))
				c.ReadRAKP2(m.send(c, c.RAKP1()))
				c.ReadRAKP2(send(c.RAKP1()))
				c.ReadRAKP4(send(c.RAKP3()))
				for i := range 40 {
					plain := fmt.Sprintf("request %d", i)
					sequence, got := c.Read(send(c.Packet(plain)))
					require.Equal(t, plain, got)
					require.Equal(t, uint32(i+1), sequence, "no number is left out while nothing goes wrong")
				}
				again(m)
				require.NoError(t, m.End(m.Find(c.SIDc, m.now), m.now))
				again(m)
				require.Zero(t, m.Active(m.now))
				require.True(t, m.Find(c.SIDc, m.now).Closing())
				require.Equal(t, "ok", outcome(send(c.Packet("close, repeated"))))
				m.now += closingLife
				require.Nil(t, send(c.Packet("close, too late")))
			})
		})
	}
}

// All that a session is comes back.
func TestRestoredSession(t *testing.T) {
	for name, peer := range map[string]string{
		"IPv4": "192.0.2.1:50000", "IPv6": "[2001:db8::1]:623",
		"link-local": "[fe80::1%eth0]:623", "longest interface name": "[fe80::1%enx0123456789ab]:623", "interface index": "[fe80::1%4294967295]:623",
	} {
		t.Run(name, func(t *testing.T) {
			m, c := inSession(t, 17)
			c.Peer = netip.MustParseAddrPort(peer)
			m.requireEcho(c, "hello")
			before := m.Find(c.SIDc, m.now)
			before.Privilege = rmcp.Operator
			require.NoError(t, m.save(before))

			m.kill()
			after := m.Find(c.SIDc, m.now)
			require.NotSame(t, before, after)
			require.Equal(t, before.exchange, after.exchange)
			require.Equal(t, c.Peer, after.Peer)
			require.Equal(t, rmcp.Operator, after.Privilege)
			require.Equal(t, rmcp.Administrator, after.Limit)
			require.Equal(t, before.Handle(), after.Handle())
			require.Equal(t, byte(2), after.User().ID)
			require.Equal(t, before.sik(), after.sik())
		})
	}
}

// A zone that is too long for a record is left out, and the next packet brings it back.
func TestLongZone(t *testing.T) {
	m, c := inSession(t, 17)
	c.Peer = netip.MustParseAddrPort("[fe80::1%a-zone-longer-than-any-interface-name]:623")
	m.requireEcho(c, "hello")
	require.Equal(t, c.Peer, m.Find(c.SIDc, m.now).Peer)
	m.kill()
	require.Equal(t, netip.MustParseAddrPort("[fe80::1]:623"), m.Find(c.SIDc, m.now).Peer)
	m.requireEcho(c, "hello")
	require.Equal(t, c.Peer, m.Find(c.SIDc, m.now).Peer)
}

func TestReplayAfterRestart(t *testing.T) {
	m, c := inSession(t, 3)
	var sent [][]byte
	for range 40 {
		b := c.Packet("power off")
		require.NotNil(t, m.send(c, b))
		sent = append(sent, b)
	}
	late := c.Packet("overtaken")
	m.requireEcho(c, "overtaking")
	m.kill()
	for _, b := range sent {
		require.Nil(t, m.send(c, b))
	}
	require.Equal(t, len(sent), m.duplicates)
	require.Equal(t, "ok", outcome(m.send(c, late)), "a late packet is no repetition")
	require.Nil(t, m.send(c, late))
	m.requireEcho(c, "still there")
}

// A duplicate comes with its session and its payload, so that it can be told what it repeats.
func TestDuplicateNamesItsSession(t *testing.T) {
	m, c := inSession(t, 3)
	p := m.parse(c.Packet("x"))
	first, _, err := m.Receive(p, c.Peer, m.now)
	require.NoError(t, err)
	again, plain, err := m.Receive(p, c.Peer, m.now)
	require.ErrorIs(t, err, ErrDuplicate)
	require.Same(t, first, again)
	require.Equal(t, "x", string(plain))
}

// The peer is where the last valid packet came from: consoles move.
func TestPeerMoves(t *testing.T) {
	m, c := inSession(t, 3)
	c.Peer = netip.MustParseAddrPort("198.51.100.7:4000")
	m.requireEcho(c, "moved")
	require.Equal(t, c.Peer, m.Find(c.SIDc, m.now).Peer)

	thief := *c
	thief.Peer = netip.MustParseAddrPort("203.0.113.9:9")
	require.Nil(t, m.send(&thief, c.Seal(c.Sequence, []byte("moved"), 1)))
	require.Equal(t, c.Peer, m.Find(c.SIDc, m.now).Peer)
}

// The time that passes while no process runs counts.
func TestExpiryWhileNoProcessRuns(t *testing.T) {
	m, c := inSession(t, 17)
	m.requireEcho(c, "hello")
	m.now += m.config.Timeout - time.Nanosecond
	m.restart()
	m.requireEcho(c, "just in time")
	m.now += m.config.Timeout
	m.restart()
	require.Nil(t, m.send(c, c.Packet("too late")))
}

// Whenever the process is killed, no sequence number leaves twice, and the gaps
// stay within what FreeIPMI takes: up to 8 ahead.
func TestOutboundSequenceOverKills(t *testing.T) {
	const (
		afterReceive = iota
		afterSeal
		afterSecondSeal
		never
	)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		m, c := inSession(t, 17)
		last, unanswered := uint32(0), 0
		left := func(b []byte) {
			sequence, _ := c.Read(b)
			require.Greater(t, sequence, last, "seed %d", seed)
			require.LessOrEqual(t, sequence-last, uint32(7), "seed %d", seed)
			last, unanswered = sequence, 0
		}
		for range 50 {
			s, plain, err := m.Receive(m.parse(c.Packet("x")), c.Peer, m.now)
			require.NoError(t, err)
			point := random.IntN(never + 1)
			if point == afterReceive && unanswered < 5 {
				unanswered++
				m.kill()
				continue
			}
			answer, err := m.Seal(nil, s, plain)
			require.NoError(t, err)
			left(answer)
			if point == afterSeal {
				m.kill()
				continue
			}
			answer, err = m.Seal(nil, s, plain) // to another waiter
			require.NoError(t, err)
			left(answer)
			if point == afterSecondSeal {
				m.kill()
			}
		}
	}
}

// Of a sequence number near the end the next is 1, not 0.
func TestOutboundSequenceWraps(t *testing.T) {
	m, c := inSession(t, 17)
	s := m.Find(c.SIDc, m.now)
	s.sent, s.reserved = 1<<32-3, 1<<32-3
	for _, want := range []uint32{1<<32 - 2, 1<<32 - 1, 1, 2} {
		require.Equal(t, want, m.requireEcho(c, "x"))
		m.kill()
	}
}

// An initialization vector is never used again.
func TestInitializationVectors(t *testing.T) {
	m, c := inSession(t, 17)
	seen := map[string]bool{}
	for range 50 {
		answer := m.send(c, c.Packet("the same"))
		require.False(t, seen[string(answer[16:32])])
		seen[string(answer[16:32])] = true
	}
}
