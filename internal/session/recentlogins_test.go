package session

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Who asks every second does not fill the journal, and nobody hides behind him.
func TestALoginIsToldOnceAMinute(t *testing.T) {
	m := newMachine(t)
	told := func(name, peer string) bool {
		m.log.Reset()
		c := client(t, name, peer)
		c.Login(m.from(c))
		return strings.Contains(m.log.String(), "session opened")
	}
	require.True(t, told("admin", "192.0.2.1:1"))
	require.False(t, told("admin", "192.0.2.1:2"), "another port")
	require.True(t, told("oper", "192.0.2.1:1"), "another user")
	require.True(t, told("admin", "192.0.2.2:1"), "another address")
	require.True(t, told("admin", "[2001:db8::1]:1"))
	require.True(t, told("admin", "[2001:db8::2]:1"), "another address of the same network")

	m.now += loginLogInterval - time.Nanosecond
	require.False(t, told("admin", "192.0.2.1:1"))
	m.now += time.Nanosecond
	require.True(t, told("admin", "192.0.2.1:1"), "a minute after it was told last")
	require.False(t, told("admin", "192.0.2.1:1"))
}

// Somebody may have guessed the password.
func TestALoginAfterAFailureIsTold(t *testing.T) {
	m := newMachine(t)
	c := client(t, "admin", "192.0.2.1:1")
	c.Login(m.from(c))
	require.True(t, attemptOf(m, c))
	require.Equal(t, rmcp.StatusInvalidIntegrityCheck.String(), outcome(m.send(c, messages["RAKP3-wrong"](c))))
	m.now += loginLogInterval / 2
	m.log.Reset()
	c.Login(m.from(c))
	require.Contains(t, m.log.String(), "session opened")
}

// What is remembered has a limit, beyond which more is told than has to be.
func TestWelcomesOfManyAddresses(t *testing.T) {
	w := make(recentLogins)
	for i := range 3 * maxOrigins {
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1)
		require.True(t, w.logs(&Session{Peer: peer}, time.Hour))
		require.LessOrEqual(t, len(w), maxOrigins)
	}
}
