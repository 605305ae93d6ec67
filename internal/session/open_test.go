package session

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
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
				Tag: 5, ConsoleID: 6, Auth: rmcp.AuthAlgorithm(tt.auth), Integrity: rmcp.IntegrityAlgorithm(tt.integrity),
				Confidentiality: rmcp.ConfidentialityAlgorithm(tt.confidentiality),
			}, netip.AddrPort{}, m.now)
			require.Equal(t, byte(5), got.Tag)
			require.Equal(t, uint32(6), got.ConsoleID)
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
		got := m.Open(rmcp.OpenRequest{Privilege: asked, ConsoleID: 6, Auth: 1, Integrity: 1, Confidentiality: 1}, netip.AddrPort{}, m.now)
		require.Equal(t, want, got.Privilege, asked)
	}
}

func TestOpenWithoutConsoleID(t *testing.T) {
	m, c := newMachine(t), newConsole(t, 3)
	c.sidm = 0
	require.Equal(t, rmcp.StatusIllegalParameter.String(), outcome(m.send(c, c.open())))
	require.False(t, m.HalfOpen(m.now))
}

// The same question gets the same session; any other a new one.
func TestOpenAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(m *machine, c *console)
		same   bool
	}{
		"the same":                 {func(*machine, *console) {}, true},
		"another tag":              {func(_ *machine, c *console) { c.tag++ }, true},
		"another port":             {func(_ *machine, c *console) { c.peer = netip.MustParseAddrPort("192.0.2.1:50001") }, false},
		"another address":          {func(_ *machine, c *console) { c.peer = netip.MustParseAddrPort("192.0.2.2:50000") }, false},
		"another console ID":       {func(_ *machine, c *console) { c.sidm++ }, false},
		"another suite":            {func(_ *machine, c *console) { c.suite = 17 }, false},
		"after RAKP 1 (ipmitool)":  {func(m *machine, c *console) { m.send(c, c.rakp1()) }, false},
		"after the half-open life": {func(m *machine, _ *console) { m.now += halfOpenLife }, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, c := newMachine(t), newConsole(t, 3)
			c.readOpen(m.send(c, c.open()))
			first := c.sidc
			tt.change(m, c)
			c.readOpen(m.send(c, c.open()))
			require.Equal(t, tt.same, first == c.sidc)
		})
	}
}

// ipmitool begins anew when an answer is late, and then goes on with the late one.
func TestLateAnswer(t *testing.T) {
	m, first := bring(t, "keyed")
	second := newConsole(t, 17)
	second.login(m)
	first.readRAKP4(m.send(first, first.rakp3()))
	m.requireEcho(first, "first")
	m.requireEcho(second, "second")
}

// from is a console at the n-th address.
func from(t *testing.T, n int) *console {
	c := newConsole(t, 3)
	c.peer = netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:623", n))
	return c
}

func halfOpen(t *testing.T, m *machine, c *console) *console {
	t.Helper()
	m.now += time.Millisecond
	c.readOpen(m.send(c, c.open()))
	return c
}

// canGoOn tells which half-open sessions are there.
func canGoOn(m *machine, all []*console) (present []bool) {
	for _, c := range all {
		present = append(present, m.send(c, c.rakp1()) != nil)
	}
	return present
}

func TestHalfOpenLimitOfASource(t *testing.T) {
	m := newMachine(t)
	other := halfOpen(t, m, from(t, 2))
	var all []*console
	for i := range maxHalfOpenPerSource + 2 {
		c := from(t, 1)
		c.sidm = uint32(i + 1)
		all = append(all, halfOpen(t, m, c))
	}
	require.Equal(t, []bool{false, false, true, true, true, true}, canGoOn(m, all))
	require.Equal(t, []bool{true}, canGoOn(m, []*console{other}))
}

func TestHalfOpenLimit(t *testing.T) {
	m := newMachine(t)
	established := newConsole(t, 17)
	established.login(m)
	var all []*console
	for i := range maxHalfOpen {
		all = append(all, halfOpen(t, m, from(t, i)))
	}
	require.NotContains(t, canGoOn(m, all), false)

	all = append(all, halfOpen(t, m, from(t, 100)), halfOpen(t, m, from(t, 101)))
	present := canGoOn(m, all)
	require.Equal(t, []bool{false, false, true}, present[:3])
	require.NotContains(t, present[2:], false)
	m.requireEcho(established, "an active session never gives way")
}

func TestActiveLimit(t *testing.T) {
	m := newMachine(t)
	var all []*console
	for i := range MaxActive {
		c := from(t, i)
		c.login(m)
		all = append(all, c)
	}
	handles := map[byte]bool{}
	for s := range m.All(m.now) {
		handles[s.Handle()] = true
	}
	require.Len(t, handles, MaxActive)

	late := halfOpen(t, m, from(t, 200))
	late.readRAKP2(m.send(late, late.rakp1()))
	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(m.send(late, late.rakp3())))

	m.restart()
	for _, c := range all {
		m.requireEcho(c, "all are there")
	}
	m.now += m.config.Timeout
	late.login(m)
}

// A session that is closing has its place, too: there must be one for every
// half-open session besides.
func TestClosingSessionsTakePlaces(t *testing.T) {
	m := newMachine(t)
	var last *console
	for i := range MaxActive {
		last = from(t, i)
		last.login(m)
	}
	waiting := halfOpen(t, m, from(t, 100))
	waiting.readRAKP2(m.send(waiting, waiting.rakp1()))
	require.NoError(t, m.End(m.Find(last.sidc, m.now), m.now))

	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(m.send(waiting, waiting.rakp3())))
	for i := range maxHalfOpen + 4 {
		halfOpen(t, m, from(t, 101+i))
	}
	m.now += closingLife
	from(t, 200).login(m)
}

// An ID is neither 0 nor one in use.
func TestSessionIDs(t *testing.T) {
	m := newMachine(t)
	m.Random = bytes.NewReader([]byte{0, 0, 0, 0, 1, 2, 3, 4})
	first := halfOpen(t, m, from(t, 1))
	require.Equal(t, uint32(0x04030201), first.sidc)
	m.Random = bytes.NewReader([]byte{1, 2, 3, 4, 0, 0, 0, 0, 5, 0, 0, 0})
	require.Equal(t, uint32(5), halfOpen(t, m, from(t, 2)).sidc)

	m.Random = bytes.NewReader(nil)
	c := from(t, 3)
	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(m.send(c, c.open())))
	require.Equal(t, rmcp.StatusInsufficientResources.String(), outcome(m.send(first, first.rakp1())))
}
