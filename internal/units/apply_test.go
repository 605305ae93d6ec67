package units

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// to makes BMCs targets, and deletes others.
func to(targets []Target, gone ...string) func([]Existing, Gateway) (Decision, error) {
	return func([]Existing, Gateway) (Decision, error) { return Decision{Targets: targets, Gone: gone}, nil }
}

func planned(Plan) error { return nil }

// three are targets for the store of two: a changed, b deleted, c new and with a state.
func three() []Target {
	a, c := newBMC("a", "[::]:7001"), newBMC("c", "[::]:7003")
	a.Comment = "changed"
	return []Target{
		{BMC: a, Credentials: admin("changed"), Disabled: true},
		{BMC: c, Credentials: admin("new"), State: map[string][]byte{"state": []byte("kept\n"), "restore": nil}},
	}
}

func enabled(t *testing.T, s Store, names ...string) {
	wants := s.path(s.Units, "sockets.target.wants")
	require.NoError(t, os.MkdirAll(wants, 0o755))
	for _, name := range names {
		require.NoError(t, os.Symlink("/dev/null", filepath.Join(wants, SocketUnit(name))))
	}
}

func TestApply(t *testing.T) {
	s := two(t)
	enabled(t, s, "a", "b")
	var seen []Existing
	decide := func(all []Existing, _ Gateway) (Decision, error) {
		seen = all
		return Decision{Targets: three(), Gone: []string{"b", "nobody"}}, nil
	}
	plan, err := s.PlanApply(decide)
	require.NoError(t, err)
	require.Equal(t, Plan{
		Added: []string{"c"}, Disabled: []string{"a"}, Deleted: []string{"b"},
		Changes: []Change{{Name: "a", Listen: true, Service: plan.Changes[0].Service, Credentials: true}},
	}, plan)
	require.Len(t, seen, 2)
	require.True(t, seen[0].Enabled)
	require.NotEmpty(t, seen[0].Credentials.Users)

	var order []string
	require.NoError(t, s.Apply(decide, func(p Plan) error {
		order = append(order, fmt.Sprint("stop ", p.Deleted))
		require.True(t, s.exists("b"))
		return nil
	}, func(p Plan) error {
		order = append(order, fmt.Sprint("commit ", p.Added))
		require.False(t, s.exists("b"))
		require.True(t, s.exists("c"))
		return nil
	}))
	require.Equal(t, []string{"stop [b]", "commit [c]"}, order)
	bmcs, err := s.List()
	require.NoError(t, err)
	require.Equal(t, []BMC{three()[0].BMC, three()[1].BMC}, bmcs)
	c, err := s.Credentials("c")
	require.NoError(t, err)
	require.Equal(t, "new", c.Users[0].Password.Reveal())
	starts, err := s.Enabled()
	require.NoError(t, err)
	require.Empty(t, starts)
	left, err := s.Leftovers()
	require.NoError(t, err)
	require.Empty(t, left)
	files := tree(t, s.path(s.State[0]))
	require.Equal(t, "-rw------- kept\n", files["/c/state"])
	require.Equal(t, "-rw------- ", files["/c/restore"])

	// The state is for a BMC that is new. The second time, nothing differs.
	before := tree(t, s.root)
	plan, err = s.PlanApply(decide)
	require.NoError(t, err)
	require.Empty(t, plan)
	require.NoError(t, s.Apply(decide, planned, planned))
	require.Equal(t, before, tree(t, s.root))
}

// Whatever fails, nothing is changed; and neither if the process is killed.
func TestApplyRollsBack(t *testing.T) {
	failure := errors.New("no systemd")
	fails := func(Plan) error { return failure }
	for name, tt := range map[string]struct {
		stop, commit func(Plan) error
	}{
		"stop":   {fails, planned},
		"commit": {planned, fails},
	} {
		s := two(t)
		enabled(t, s, "a", "b")
		require.NoError(t, os.MkdirAll(s.path(s.State[0]), 0o755))
		before := tree(t, s.root)
		require.ErrorIs(t, s.Apply(to(three(), "b"), tt.stop, tt.commit), failure, name)
		require.Equal(t, before, tree(t, s.root), name)

		died := make(chan bool)
		go func() {
			defer close(died)
			_ = s.Apply(to(three(), "b"), planned, func(Plan) error { runtime.Goexit(); return nil })
		}()
		<-died
		require.NotEqual(t, before, tree(t, s.root))
		require.NoError(t, s.Recover())
		require.Equal(t, before, tree(t, s.root), name)
	}
}

func TestApplyRefuses(t *testing.T) {
	s := two(t)
	require.NoError(t, os.MkdirAll(s.path(s.State[0], "c"), 0o700))
	before := tree(t, s.root)
	swapped := func(name, addr string) Target { return Target{BMC: newBMC(name, addr), Credentials: admin("x")} }
	found, err := s.List()
	require.NoError(t, err)
	a, b := found[0].Listen[0].String(), found[1].Listen[0].String()
	for want, targets := range map[string][]Target{
		`a: address and port are taken: "b" listens on ` + b:         {swapped("a", b)},
		`c: address and port are taken: "a" listens on ` + a:         {swapped("c", a)},
		`d: address and port are taken: "c" listens on [::]:8000`:    {swapped("c", "[::]:8000"), swapped("d", "127.0.0.1:8000")},
		`c: ` + s.path(s.State[0], "c") + " is left over from a BMC": three(),
		"a: no user":                            {{BMC: found[0]}},
		`invalid name "../x"`:                   {swapped("../x", "[::]:8000")},
		"lies within [::]:8000 of the same BMC": {{BMC: BMC{Instance: newBMC("c", "[::]:1").Instance, Listen: listens8000()}, Credentials: admin("x")}},
	} {
		err := s.Apply(to(targets), planned, planned)
		require.ErrorContains(t, err, want)
		require.Equal(t, before, tree(t, s.root))
	}
	require.NoError(t, s.Apply(to([]Target{swapped("a", b), swapped("b", a)}), planned, planned), "addresses can be exchanged")
}

func listens8000() []netip.AddrPort {
	return []netip.AddrPort{netip.MustParseAddrPort("[::]:8000"), netip.MustParseAddrPort("127.0.0.1:8000")}
}
