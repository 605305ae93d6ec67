package session

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

func TestOpenSuites(t *testing.T) {
	const anyAlgorithm = rmcp.AnyAlgorithm
	only3, only17, both := []rmcp.Suite{rmcp.Suite3}, []rmcp.Suite{rmcp.Suite17}, []rmcp.Suite{rmcp.Suite3, rmcp.Suite17}
	for name, tt := range map[string]struct {
		offered                          []rmcp.Suite
		auth, integrity, confidentiality byte
		want                             byte // 0: refused
	}{
		"3":                          {both, 1, 1, 1, 3},
		"17":                         {both, 3, 4, 1, 17},
		"any algorithms":             {both, anyAlgorithm, anyAlgorithm, anyAlgorithm, 17},
		"any algorithms, only 3":     {only3, anyAlgorithm, anyAlgorithm, anyAlgorithm, 3},
		"SHA1, any others":           {both, 1, anyAlgorithm, anyAlgorithm, 3},
		"3, not offered":             {only17, 1, 1, 1, 0},
		"17, not offered":            {only3, 3, 4, 1, 0},
		"0":                          {both, 0, 0, 0, 0},
		"1":                          {both, 1, 0, 0, 0},
		"2":                          {both, 1, 1, 0, 0},
		"4":                          {both, 1, 1, 2, 0},
		"8":                          {both, 2, 2, 1, 0},
		"12":                         {both, 2, 3, 1, 0},
		"15":                         {both, 3, 0, 0, 0},
		"16":                         {both, 3, 4, 0, 0},
		"halves of both":             {both, 1, 4, 1, 0},
		"no authentication":          {both, 0, anyAlgorithm, anyAlgorithm, 0},
		"no encryption":              {both, anyAlgorithm, anyAlgorithm, 0, 0},
		"unknown algorithms":         {both, 63, 63, 63, 0},
		"integrity none, rest of 17": {both, 3, 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Suites = tt.offered
			got := r.Open(rmcp.OpenRequest{
				Tag: 5, ClientID: 6, Auth: rmcp.AuthAlgorithm(tt.auth), Integrity: rmcp.IntegrityAlgorithm(tt.integrity),
				Confidentiality: rmcp.ConfidentialityAlgorithm(tt.confidentiality),
			}, netip.AddrPort{}, r.now)
			require.Equal(t, byte(5), got.Tag)
			require.Equal(t, uint32(6), got.ClientID)
			require.Equal(t, tt.want, got.Suite.ID)
			if tt.want == 0 {
				require.Equal(t, rmcp.StatusNoCipherSuiteMatch, got.Status)
				require.False(t, r.HalfOpen(r.now))
			} else {
				require.Equal(t, rmcp.StatusOK, got.Status)
				require.NotZero(t, got.ManagedID)
			}
		})
	}
}

// FreeIPMI gives up if the privilege in the response is lower than it requested.
func TestOpenPrivilege(t *testing.T) {
	for asked, want := range map[rmcp.Privilege]rmcp.Privilege{
		rmcp.Anyone: rmcp.Administrator, rmcp.Callback: rmcp.Callback, rmcp.User: rmcp.User,
		rmcp.Operator: rmcp.Operator, rmcp.Administrator: rmcp.Administrator, rmcp.OEM: rmcp.Administrator,
	} {
		r := newRig(t)
		got := r.Open(rmcp.OpenRequest{Privilege: asked, ClientID: 6, Auth: 1, Integrity: 1, Confidentiality: 1}, netip.AddrPort{}, r.now)
		require.Equal(t, want, got.Privilege, asked)
	}
}

func TestOpenWithoutClientID(t *testing.T) {
	r, c := newRig(t), console.New(t, 3)
	c.SIDm = 0
	require.Equal(t, rmcp.StatusIllegalParameter.String(), outcome(r.send(c, c.Open())))
	require.False(t, r.HalfOpen(r.now))
}

// A client that repeats its request may go on with either response.
func TestOpenAgain(t *testing.T) {
	for name, last := range map[string]bool{"the first": false, "the last": true} {
		t.Run(name, func(t *testing.T) {
			r, c := newRig(t), console.New(t, 3)
			c.ReadOpen(r.send(c, c.Open()))
			first := c.SIDc
			c.ReadOpen(r.send(c, c.Open()))
			require.NotEqual(t, first, c.SIDc)
			if !last {
				c.SIDc = first
			}
			c.ReadRAKP2(r.send(c, c.RAKP1()))
			c.ReadRAKP4(r.send(c, c.RAKP3()))
			r.requireEcho(c, "hello")
		})
	}
}

// ipmitool begins again when an answer is late, and may then go on with the late answer.
func TestLateAnswer(t *testing.T) {
	r, first := bring(t, "keyed")
	second := console.New(t, 17)
	second.Login(r.from(second))
	first.ReadRAKP4(r.send(first, first.RAKP3()))
	r.requireEcho(first, "first")
	r.requireEcho(second, "second")
}

// from returns a client at the n-th address.
func from(t *testing.T, n int) *console.Console {
	c := console.New(t, 3)
	c.Peer = netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:623", n))
	return c
}

func halfOpen(t *testing.T, r *rig, c *console.Console) *console.Console {
	t.Helper()
	r.now += time.Millisecond
	c.ReadOpen(r.send(c, c.Open()))
	return c
}

// login opens a session of that user at the n-th address, one millisecond after the session before.
func login(t *testing.T, r *rig, name string, n int) *console.Console {
	t.Helper()
	r.now += time.Millisecond
	c := client(t, name, fmt.Sprintf("192.0.2.%d:623", n))
	c.Login(r.from(c))
	return c
}

func alive(r *rig, c *console.Console) bool { return r.Find(c.SIDc, r.now) != nil }

func TestActiveLimit(t *testing.T) {
	r := newRig(t)
	var all []*console.Console
	for i := range MaxActive {
		all = append(all, login(t, r, "admin", i))
	}
	handles := map[byte]bool{}
	for s := range r.All(r.now) {
		handles[s.Handle()] = true
	}
	require.Len(t, handles, MaxActive)
	r.restart()
	for _, c := range all {
		r.requireEcho(c, "no session may be dropped")
	}

	late := login(t, r, "admin", 200)
	require.Equal(t, MaxActive, r.Active(r.now))
	r.kill()
	require.False(t, alive(r, all[0]), "idle longest")
	for _, c := range append(all[1:], late) {
		r.requireEcho(c, "no other session may be dropped")
	}
}

// A program that logs in again and again and never closes its sessions does not keep other users out.
func TestSessionsLeftOpenKeepNoUserOut(t *testing.T) {
	r := newRig(t)
	first := login(t, r, "oper", 1)
	for i := range 200 {
		login(t, r, "admin", i)
	}
	r.requireEcho(first, "the user with fewer sessions keeps them")
	second := login(t, r, "oper", 2)
	r.requireEcho(first, "hello")
	r.requireEcho(second, "hello")
	require.Equal(t, MaxActive, r.Active(r.now))
	require.Contains(t, r.log.String(), `"session ended: too many sessions are open, and this user has the most" session=`)
	require.False(t, r.BacksOff(r.now), "no login has failed")
}

// When the table is full, one session of the user with the most sessions is dropped. The new session is counted, so that
// two users that both leave sessions open get half of the table each.
func TestUserWithMostSessionsLosesOne(t *testing.T) {
	r := newRig(t)
	sessions := func() map[string]int {
		n := map[string]int{}
		for s := range r.All(r.now) {
			n[s.User().Name]++
		}
		return n
	}
	var admins []*console.Console
	for i := range MaxActive {
		admins = append(admins, login(t, r, "admin", i))
	}
	r.now += time.Second
	r.requireEcho(admins[0], "not idle")

	login(t, r, "oper", 1)
	require.Equal(t, map[string]int{"admin": MaxActive - 1, "oper": 1}, sessions())
	require.True(t, alive(r, admins[0]))
	require.False(t, alive(r, admins[1]), "idle longest")
	for i := range 2 * MaxActive {
		login(t, r, "oper", i)
	}
	require.Equal(t, map[string]int{"admin": MaxActive / 2, "oper": MaxActive / 2}, sessions())
	require.True(t, alive(r, admins[0]))
	login(t, r, "admin", 100)
	require.Equal(t, map[string]int{"admin": MaxActive / 2, "oper": MaxActive / 2}, sessions())
}

// A session that is closing is dropped before any active one.
func TestClosingSessionsAreDroppedFirst(t *testing.T) {
	r := newRig(t)
	first := login(t, r, "oper", 0)
	var last *console.Console
	for i := range MaxActive - 1 {
		last = login(t, r, "admin", i)
	}
	for range maxKeyed + 4 {
		c := halfOpen(t, r, from(t, 101))
		r.send(c, c.RAKP1())
	}
	require.NoError(t, r.End(r.Find(first.SIDc, r.now), r.now))
	require.NoError(t, r.End(r.Find(last.SIDc, r.now), r.now))
	next := login(t, r, "admin", 200)
	require.Nil(t, r.Find(first.SIDc, r.now), "closing longest")
	require.True(t, r.Find(last.SIDc, r.now).Closing())
	login(t, r, "admin", 201)
	require.Nil(t, r.Find(last.SIDc, r.now))
	require.Equal(t, MaxActive, r.Active(r.now), "no active session may be dropped")
	r.requireEcho(next, "hello")
}

// A session ID is neither 0 nor in use.
func TestSessionIDs(t *testing.T) {
	r := newRig(t)
	r.Random = bytes.NewReader([]byte{0, 0, 0, 0, 1, 2, 3, 4})
	first := halfOpen(t, r, from(t, 1))
	require.Equal(t, uint32(0x04030201), first.SIDc)
	r.Random = bytes.NewReader([]byte{1, 2, 3, 4, 0, 0, 0, 0, 5, 0, 0, 0})
	require.Equal(t, uint32(5), halfOpen(t, r, from(t, 2)).SIDc)

	r.Random = bytes.NewReader(nil)
	c := from(t, 3)
	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(r.send(c, c.Open())))
	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(r.send(first, first.RAKP1())))
}
