package session

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// A client that logs in every second does not fill the journal, and does not hide the logins of other clients.
func TestLoginIsLoggedOnceAMinute(t *testing.T) {
	r := newRig(t)
	logged := func(name, peer string) bool {
		r.log.Reset()
		c := client(t, name, peer)
		c.Login(r.from(c))
		return strings.Contains(r.log.String(), "session opened")
	}
	require.True(t, logged("admin", "192.0.2.1:1"))
	require.False(t, logged("admin", "192.0.2.1:2"), "another port")
	require.True(t, logged("oper", "192.0.2.1:1"), "another user")
	require.True(t, logged("admin", "192.0.2.2:1"), "another address")
	require.True(t, logged("admin", "[2001:db8::1]:1"))
	require.True(t, logged("admin", "[2001:db8::2]:1"), "another address of the same network")

	r.now += loginLogInterval - time.Nanosecond
	require.False(t, logged("admin", "192.0.2.1:1"))
	r.now += time.Nanosecond
	require.True(t, logged("admin", "192.0.2.1:1"), "a minute after it was logged last")
	require.False(t, logged("admin", "192.0.2.1:1"))
}

// The password may have been guessed.
func TestLoginAfterFailureIsLogged(t *testing.T) {
	r := newRig(t)
	c := client(t, "admin", "192.0.2.1:1")
	c.Login(r.from(c))
	require.True(t, attemptOf(r, c))
	require.Equal(t, rmcp.StatusInvalidIntegrityCheck.String(), outcome(r.send(c, messages["RAKP3-wrong"](c))))
	r.now += loginLogInterval / 2
	r.log.Reset()
	c.Login(r.from(c))
	require.Contains(t, r.log.String(), "session opened")
}

// The number of remembered logins is limited. Beyond the limit more logins are logged than necessary.
func TestRecentLoginsOfManyAddresses(t *testing.T) {
	recent := make(recentLogins)
	for i := range 3 * maxOrigins {
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1)
		require.True(t, recent.logs(peer, "", time.Hour))
		require.LessOrEqual(t, len(recent), maxOrigins)
	}
}
