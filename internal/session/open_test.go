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

func TestActiveLimit(t *testing.T) {
	m := newMachine(t)
	var all []*console.Console
	for i := range MaxActive {
		c := from(t, i)
		c.Login(m.from(c))
		all = append(all, c)
	}
	handles := map[byte]bool{}
	for s := range m.All(m.now) {
		handles[s.Handle()] = true
	}
	require.Len(t, handles, MaxActive)

	late := halfOpen(t, m, from(t, 200))
	late.ReadRAKP2(m.send(late, late.RAKP1()))
	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(m.send(late, late.RAKP3())))

	m.restart()
	for _, c := range all {
		m.requireEcho(c, "all are there")
	}
	m.now += m.config.Timeout
	late.Login(m.from(late))
}

// A session that is closing keeps nobody out.
func TestClosingSessionsGiveWay(t *testing.T) {
	m := newMachine(t)
	var first, last *console.Console
	for i := range MaxActive {
		last = from(t, i)
		last.Login(m.from(last))
		if first == nil {
			first = last
		}
	}
	for range maxKeyed + 4 {
		c := halfOpen(t, m, from(t, 101))
		m.send(c, c.RAKP1())
	}
	require.NoError(t, m.End(m.Find(last.SIDc, m.now), m.now))
	next := from(t, 200)
	next.Login(m.from(next))
	m.requireEcho(first, "an active session gives way to nobody")

	late := halfOpen(t, m, from(t, 201))
	late.ReadRAKP2(m.send(late, late.RAKP1()))
	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(m.send(late, late.RAKP3())))
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
