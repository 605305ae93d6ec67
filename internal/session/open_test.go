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
		"the choice is ours":         {both, anyAlgorithm, anyAlgorithm, anyAlgorithm, 17},
		"the choice is one":          {only3, anyAlgorithm, anyAlgorithm, anyAlgorithm, 3},
		"SHA1, the rest is ours":     {both, 1, anyAlgorithm, anyAlgorithm, 3},
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
		"no authentication, ours":    {both, 0, anyAlgorithm, anyAlgorithm, 0},
		"no encryption, rest ours":   {both, anyAlgorithm, anyAlgorithm, 0, 0},
		"an algorithm that is not":   {both, 63, 63, 63, 0},
		"integrity none, rest of 17": {both, 3, 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.Suites = tt.offered
			got := m.Open(rmcp.OpenRequest{
				Tag: 5, ClientID: 6, Auth: rmcp.AuthAlgorithm(tt.auth), Integrity: rmcp.IntegrityAlgorithm(tt.integrity),
				Confidentiality: rmcp.ConfidentialityAlgorithm(tt.confidentiality),
			}, netip.AddrPort{}, m.now)
			require.Equal(t, byte(5), got.Tag)
			require.Equal(t, uint32(6), got.ClientID)
			require.Equal(t, tt.want, got.Suite.ID)
			if tt.want == 0 {
				require.Equal(t, rmcp.StatusNoCipherSuiteMatch, got.Status)
				require.False(t, m.HalfOpen(m.now))
			} else {
				require.Equal(t, rmcp.StatusOK, got.Status)
				require.NotZero(t, got.ManagedID)
			}
		})
	}
}

// FreeIPMI goes on only if it gets as much as it asked for.
func TestOpenPrivilege(t *testing.T) {
	for asked, want := range map[rmcp.Privilege]rmcp.Privilege{
		rmcp.Anyone: rmcp.Administrator, rmcp.Callback: rmcp.Callback, rmcp.User: rmcp.User,
		rmcp.Operator: rmcp.Operator, rmcp.Administrator: rmcp.Administrator, rmcp.OEM: rmcp.Administrator,
	} {
		m := newMachine(t)
		got := m.Open(rmcp.OpenRequest{Privilege: asked, ClientID: 6, Auth: 1, Integrity: 1, Confidentiality: 1}, netip.AddrPort{}, m.now)
		require.Equal(t, want, got.Privilege, asked)
	}
}

func TestOpenWithoutClientID(t *testing.T) {
	m, c := newMachine(t), console.New(t, 3)
	c.SIDm = 0
	require.Equal(t, rmcp.StatusIllegalParameter.String(), outcome(m.send(c, c.Open())))
	require.False(t, m.HalfOpen(m.now))
}

// Whoever repeats the question may go on with either answer.
func TestOpenAgain(t *testing.T) {
	for name, last := range map[string]bool{"the first": false, "the last": true} {
		t.Run(name, func(t *testing.T) {
			m, c := newMachine(t), console.New(t, 3)
			c.ReadOpen(m.send(c, c.Open()))
			first := c.SIDc
			c.ReadOpen(m.send(c, c.Open()))
			require.NotEqual(t, first, c.SIDc)
			if !last {
				c.SIDc = first
			}
			c.ReadRAKP2(m.send(c, c.RAKP1()))
			c.ReadRAKP4(m.send(c, c.RAKP3()))
			m.requireEcho(c, "hello")
		})
	}
}

// ipmitool begins anew when an answer is late, and then goes on with the late one.
func TestLateAnswer(t *testing.T) {
	m, first := bring(t, "keyed")
	second := console.New(t, 17)
	second.Login(m.from(second))
	first.ReadRAKP4(m.send(first, first.RAKP3()))
	m.requireEcho(first, "first")
	m.requireEcho(second, "second")
}

// from is a console at the n-th address.
func from(t *testing.T, n int) *console.Console {
	c := console.New(t, 3)
	c.Peer = netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:623", n))
	return c
}

func halfOpen(t *testing.T, m *machine, c *console.Console) *console.Console {
	t.Helper()
	m.now += time.Millisecond
	c.ReadOpen(m.send(c, c.Open()))
	return c
}

// login opens a session of that user for the n-th address, one millisecond after the last.
func login(t *testing.T, m *machine, name string, n int) *console.Console {
	t.Helper()
	m.now += time.Millisecond
	c := client(t, name, fmt.Sprintf("192.0.2.%d:623", n))
	c.Login(m.from(c))
	return c
}

func alive(m *machine, c *console.Console) bool { return m.Find(c.SIDc, m.now) != nil }

func TestActiveLimit(t *testing.T) {
	m := newMachine(t)
	var all []*console.Console
	for i := range MaxActive {
		all = append(all, login(t, m, "admin", i))
	}
	handles := map[byte]bool{}
	for s := range m.All(m.now) {
		handles[s.Handle()] = true
	}
	require.Len(t, handles, MaxActive)
	m.restart()
	for _, c := range all {
		m.requireEcho(c, "no session may be dropped")
	}

	late := login(t, m, "admin", 200)
	require.Equal(t, MaxActive, m.Active(m.now))
	m.kill()
	require.False(t, alive(m, all[0]), "idle longest")
	for _, c := range append(all[1:], late) {
		m.requireEcho(c, "no other session may be dropped")
	}
}

// A program that logs in again and again and never closes its sessions does not keep other users out.
func TestSessionsLeftOpenKeepNoUserOut(t *testing.T) {
	m := newMachine(t)
	first := login(t, m, "oper", 1)
	for i := range 200 {
		login(t, m, "admin", i)
	}
	m.requireEcho(first, "the user with fewer sessions keeps them")
	second := login(t, m, "oper", 2)
	m.requireEcho(first, "hello")
	m.requireEcho(second, "hello")
	require.Equal(t, MaxActive, m.Active(m.now))
	require.Contains(t, m.log.String(), `"session ended: too many sessions are open, and this user has the most" session=`)
	require.False(t, m.BacksOff(m.now), "no login has failed")
}

// When the table is full, one session of the user with the most sessions is dropped. The new session is counted, so that
// two users that both leave sessions open get half of the table each.
func TestUserWithMostSessionsLosesOne(t *testing.T) {
	m := newMachine(t)
	sessions := func() map[string]int {
		n := map[string]int{}
		for s := range m.All(m.now) {
			n[s.User().Name]++
		}
		return n
	}
	var admins []*console.Console
	for i := range MaxActive {
		admins = append(admins, login(t, m, "admin", i))
	}
	m.now += time.Second
	m.requireEcho(admins[0], "not idle")

	login(t, m, "oper", 1)
	require.Equal(t, map[string]int{"admin": MaxActive - 1, "oper": 1}, sessions())
	require.True(t, alive(m, admins[0]))
	require.False(t, alive(m, admins[1]), "idle longest")
	for i := range 2 * MaxActive {
		login(t, m, "oper", i)
	}
	require.Equal(t, map[string]int{"admin": MaxActive / 2, "oper": MaxActive / 2}, sessions())
	require.True(t, alive(m, admins[0]))
	login(t, m, "admin", 100)
	require.Equal(t, map[string]int{"admin": MaxActive / 2, "oper": MaxActive / 2}, sessions())
}

// A session that is closing is dropped before any active one.
func TestClosingSessionsAreDroppedFirst(t *testing.T) {
	m := newMachine(t)
	first := login(t, m, "oper", 0)
	var last *console.Console
	for i := range MaxActive - 1 {
		last = login(t, m, "admin", i)
	}
	for range maxKeyed + 4 {
		c := halfOpen(t, m, from(t, 101))
		m.send(c, c.RAKP1())
	}
	require.NoError(t, m.End(m.Find(first.SIDc, m.now), m.now))
	require.NoError(t, m.End(m.Find(last.SIDc, m.now), m.now))
	next := login(t, m, "admin", 200)
	require.Nil(t, m.Find(first.SIDc, m.now), "closing longest")
	require.True(t, m.Find(last.SIDc, m.now).Closing())
	login(t, m, "admin", 201)
	require.Nil(t, m.Find(last.SIDc, m.now))
	require.Equal(t, MaxActive, m.Active(m.now), "no active session may be dropped")
	m.requireEcho(next, "hello")
}

// An ID is neither 0 nor one in use.
func TestSessionIDs(t *testing.T) {
	m := newMachine(t)
	m.Random = bytes.NewReader([]byte{0, 0, 0, 0, 1, 2, 3, 4})
	first := halfOpen(t, m, from(t, 1))
	require.Equal(t, uint32(0x04030201), first.SIDc)
	m.Random = bytes.NewReader([]byte{1, 2, 3, 4, 0, 0, 0, 0, 5, 0, 0, 0})
	require.Equal(t, uint32(5), halfOpen(t, m, from(t, 2)).SIDc)

	m.Random = bytes.NewReader(nil)
	c := from(t, 3)
	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(m.send(c, c.Open())))
	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(m.send(first, first.RAKP1())))
}
