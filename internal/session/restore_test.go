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

// Clients do not notice that each datagram reaches a new process. Only the session of an Open Session Request is lost.
func TestNewProcessAtEveryStep(t *testing.T) {
	for name, again := range map[string]func(*rig){
		"idle exit": (*rig).restart,
		"kill":      (*rig).kill,
	} {
		t.Run(name, func(t *testing.T) {
			eachSuite(t, func(t *testing.T, suite byte) {
				r, c := newRig(t), console.New(t, suite)
				send := func(b []byte) []byte {
					again(r)
					return r.send(c, b)
				}
				c.ReadOpen(send(c.Open()))
				require.Nil(t, send(c.RAKP1()))
				c.ReadOpen(r.send(c, c.Open()))
				c.ReadRAKP2(r.send(c, c.RAKP1()))
				c.ReadRAKP2(send(c.RAKP1()))
				c.ReadRAKP4(send(c.RAKP3()))
				for i := range 40 {
					plain := fmt.Sprintf("request %d", i)
					sequence, got := c.Read(send(c.Packet(plain)))
					require.Equal(t, plain, got)
					require.Equal(t, uint32(i+1), sequence, "no number is left out while nothing goes wrong")
				}
				again(r)
				require.NoError(t, r.End(r.Find(c.SIDc, r.now), r.now))
				again(r)
				require.Zero(t, r.Active(r.now))
				require.True(t, r.Find(c.SIDc, r.now).Closing())
				require.Equal(t, "ok", outcome(send(c.Packet("close, repeated"))))
				r.now += closingLife
				require.Nil(t, send(c.Packet("close, too late")))
			})
		})
	}
}

// The file has all fields of a session.
func TestRestoredSession(t *testing.T) {
	for name, peer := range map[string]string{
		"IPv4": "192.0.2.1:50000", "IPv6": "[2001:db8::1]:623",
		"link-local": "[fe80::1%eth0]:623", "longest interface name": "[fe80::1%enx0123456789ab]:623", "interface index": "[fe80::1%4294967295]:623",
	} {
		t.Run(name, func(t *testing.T) {
			r, c := inSession(t, 17)
			c.Peer = netip.MustParseAddrPort(peer)
			r.requireEcho(c, "hello")
			before := r.Find(c.SIDc, r.now)
			before.Privilege = rmcp.Operator
			r.save(before)

			r.kill()
			after := r.Find(c.SIDc, r.now)
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
	r, c := inSession(t, 17)
	c.Peer = netip.MustParseAddrPort("[fe80::1%a-zone-longer-than-any-interface-name]:623")
	r.requireEcho(c, "hello")
	require.Equal(t, c.Peer, r.Find(c.SIDc, r.now).Peer)
	r.kill()
	require.Equal(t, netip.MustParseAddrPort("[fe80::1]:623"), r.Find(c.SIDc, r.now).Peer)
	r.requireEcho(c, "hello")
	require.Equal(t, c.Peer, r.Find(c.SIDc, r.now).Peer)
}

func TestReplayAfterRestart(t *testing.T) {
	r, c := inSession(t, 3)
	var sent [][]byte
	for range 40 {
		b := c.Packet("power off")
		require.NotNil(t, r.send(c, b))
		sent = append(sent, b)
	}
	late := c.Packet("overtaken")
	r.requireEcho(c, "overtaking")
	r.kill()
	for _, b := range sent {
		require.Nil(t, r.send(c, b))
	}
	require.Equal(t, len(sent), r.duplicates)
	require.Equal(t, "ok", outcome(r.send(c, late)), "a late packet is not a duplicate")
	require.Nil(t, r.send(c, late))
	r.requireEcho(c, "still there")
}

// Receive returns the session and the payload of a duplicate, so that the caller can find the request that it repeats.
func TestDuplicateNamesItsSession(t *testing.T) {
	r, c := inSession(t, 3)
	p := r.parse(c.Packet("x"))
	first, _, err := r.Receive(p, c.Peer, r.now)
	require.NoError(t, err)
	again, plain, err := r.Receive(p, c.Peer, r.now)
	require.ErrorIs(t, err, ErrDuplicate)
	require.Same(t, first, again)
	require.Equal(t, "x", string(plain))
}

// The peer is the source of the latest valid packet, because the address of a client may change.
func TestPeerMoves(t *testing.T) {
	r, c := inSession(t, 3)
	c.Peer = netip.MustParseAddrPort("198.51.100.7:4000")
	r.requireEcho(c, "moved")
	require.Equal(t, c.Peer, r.Find(c.SIDc, r.now).Peer)

	thief := *c
	thief.Peer = netip.MustParseAddrPort("203.0.113.9:9")
	require.Nil(t, r.send(&thief, c.Seal(c.Sequence, []byte("moved"), 1)))
	require.Equal(t, c.Peer, r.Find(c.SIDc, r.now).Peer)
}

// Sessions expire also while no process runs.
func TestExpiryWhileNoProcessRuns(t *testing.T) {
	r, c := inSession(t, 17)
	r.requireEcho(c, "hello")
	r.now += r.config.Timeout - time.Nanosecond
	r.restart()
	r.requireEcho(c, "just in time")
	r.now += r.config.Timeout
	r.restart()
	require.Nil(t, r.send(c, c.Packet("too late")))
}

// Whenever the process is killed, the next process sends no sequence number twice, and leaves no larger gap than FreeIPMI
// accepts: 8.
func TestOutboundSequenceOverKills(t *testing.T) {
	const (
		afterReceive = iota
		afterSeal
		afterSecondSeal
		never
	)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		r, c := inSession(t, 17)
		last, unanswered := uint32(0), 0
		left := func(b []byte) {
			sequence, _ := c.Read(b)
			require.Greater(t, sequence, last, "seed %d", seed)
			require.LessOrEqual(t, sequence-last, uint32(7), "seed %d", seed)
			last, unanswered = sequence, 0
		}
		for range 50 {
			s, plain, err := r.Receive(r.parse(c.Packet("x")), c.Peer, r.now)
			require.NoError(t, err)
			point := random.IntN(never + 1)
			if point == afterReceive && unanswered < 5 {
				unanswered++
				r.kill()
				continue
			}
			answer, err := r.Seal(nil, s, rmcp.PayloadIPMI, plain)
			require.NoError(t, err)
			left(answer)
			if point == afterSeal {
				r.kill()
				continue
			}
			answer, err = r.Seal(nil, s, rmcp.PayloadIPMI, plain) // the same response to another client
			require.NoError(t, err)
			left(answer)
			if point == afterSecondSeal {
				r.kill()
			}
		}
	}
}

// The sequence number after the highest is 1, not 0.
func TestOutboundSequenceWraps(t *testing.T) {
	r, c := inSession(t, 17)
	s := r.Find(c.SIDc, r.now)
	s.sent, s.reserved = 1<<32-3, 1<<32-3
	for _, want := range []uint32{1<<32 - 2, 1<<32 - 1, 1, 2} {
		require.Equal(t, want, r.requireEcho(c, "x"))
		r.kill()
	}
}

// No initialization vector is used twice.
func TestInitializationVectors(t *testing.T) {
	r, c := inSession(t, 17)
	seen := map[string]bool{}
	for range 50 {
		answer := r.send(c, c.Packet("the same"))
		require.False(t, seen[string(answer[16:32])])
		seen[string(answer[16:32])] = true
	}
}
