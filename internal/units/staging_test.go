package units

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
)

// many returns enough new BMCs to be interrupted while their files are written.
func many() (bmcs []BMC) {
	for i := range 20 {
		bmcs = append(bmcs, newBMC(fmt.Sprintf("new-%d", i), fmt.Sprintf("192.0.2.1:%d", 7000+i)))
	}
	return bmcs
}

// TestVictim is the process that TestKilled kills.
func TestVictim(t *testing.T) {
	root := os.Getenv("SHIPMI_VICTIM")
	if root == "" {
		t.Skip("TestKilled runs this")
	}
	s := SystemStore(root)
	require.NoError(t, s.Add(many(), admin("secret"), committed))
	require.NoError(t, s.Update([]string{"a", "b"}, func(b *BMC, c *instance.Credentials) error {
		b.Comment, b.FRU.Serial = "changed", "changed"
		c.Kg = instance.Hide("changed")
		return nil
	}, func([]Change) error { return nil }))
	require.NoError(t, s.Rename("a", "renamed", func(*BMC, *instance.Credentials) error { return nil }, committed, committed))
	require.NoError(t, s.Delete([]string{"b"}, all, committed))
}

// A process that is killed at any instant leaves a change that is complete, or none.
func TestKilled(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	start := func(s Store) *exec.Cmd {
		victim := exec.Command(self, "-test.run=^TestVictim$")
		victim.Env = append(os.Environ(), "SHIPMI_VICTIM="+s.root)
		require.NoError(t, victim.Start())
		return victim
	}
	begin := time.Now()
	require.NoError(t, start(two(t)).Wait())
	whole := time.Since(begin)

	const instants = 25
	incomplete := 0
	for i := range time.Duration(instants) {
		s := two(t)
		require.NoError(t, os.MkdirAll(s.path(s.State[0], "a"), 0o700))
		before := tree(t, s.root)
		victim := start(s)
		time.Sleep(whole * i / instants)
		_ = victim.Process.Kill()
		_ = victim.Wait()
		require.NoError(t, s.Recover())
		unlock, err := s.lock()
		require.NoError(t, err)
		unlock()

		after := tree(t, s.root)
		for path := range after {
			require.NotContains(t, path, stagingName)
		}
		names, err := s.Names()
		require.NoError(t, err)
		left, err := s.Leftovers()
		require.NoError(t, err)
		require.Empty(t, left)
		bmcs, err := s.List()
		require.NoError(t, err)
		for _, b := range bmcs {
			require.NoError(t, b.Err)
			_, err := s.Credentials(b.Name)
			require.NoError(t, err)
		}
		if len(names) == 2 {
			require.Equal(t, before, after, "nothing is left of the BMCs")
			incomplete++
			continue
		}
		require.Contains(t, []int{len(many()) + 1, len(many()) + 2}, len(names))
		found, err := s.Find("[ar]*")
		require.NoError(t, err)
		require.Len(t, found, 1)
		c, err := s.Credentials(found[0].Name)
		require.NoError(t, err)
		require.Equal(t, found[0].Comment, found[0].FRU.Serial)
		require.Equal(t, found[0].Comment, c.Kg.Reveal())
		require.Equal(t, found[0].Name == "renamed", exists(s.path(s.State[0], "renamed")))
	}
	require.Positive(t, incomplete)
}

// A list that is made during a change shows every BMC complete or not at all.
func TestListMeanwhile(t *testing.T) {
	s := two(t)
	done := make(chan error)
	go func() {
		err := s.Add(many(), admin("x"), committed)
		var names []string
		for _, b := range many() {
			names = append(names, b.Name)
		}
		done <- errors.Join(err, s.Delete(names, all, committed))
	}()
	for {
		bmcs, err := s.List()
		require.NoError(t, err)
		for _, b := range bmcs {
			require.NoError(t, b.Err)
		}
		select {
		case err := <-done:
			require.NoError(t, err)
			return
		default:
		}
	}
}

// What a killed process left is undone, except what a BMC changed afterwards.
func TestRecoverKeepsLaterChanges(t *testing.T) {
	s := two(t)
	kg := func(text string) func(*BMC, *instance.Credentials) error {
		return func(_ *BMC, c *instance.Credentials) error { c.Kg = instance.Hide(text); return nil }
	}
	staging := s.path(s.Units, stagingName)
	saved := filepath.Join(t.TempDir(), "saved")
	require.NoError(t, s.Update([]string{"a", "b"}, kg("lost"), func([]Change) error {
		return os.CopyFS(saved, os.DirFS(staging)) // as the process leaves it when it is killed here
	}))
	require.NoError(t, s.ChangeCredentials("a", func(c *instance.Credentials) error { c.Kg = instance.Hide("later"); return nil }))
	require.NoError(t, os.CopyFS(staging, os.DirFS(saved)))
	require.NoError(t, s.Recover())
	require.NoDirExists(t, staging)
	c, err := s.Credentials("a")
	require.NoError(t, err)
	require.Equal(t, "later", c.Kg.Reveal())
}

// A process that is killed while it writes the journal has moved nothing.
func TestRecoverFromHalfAJournal(t *testing.T) {
	s := two(t)
	before := tree(t, s.root)
	require.NoError(t, os.Mkdir(s.path(s.Units, stagingName), 0o700))
	require.NoError(t, os.WriteFile(s.journal(), []byte(`[{"Path":"/etc`), 0o600))
	require.NoError(t, s.Recover())
	require.Equal(t, before, tree(t, s.root))
}

// A temporary file of a process that was killed while it changed a password is removed.
func TestSweep(t *testing.T) {
	s := two(t)
	before := tree(t, s.root)
	require.NoError(t, os.WriteFile(s.path(s.credentialsDir(), ".a123"), []byte("secret"), 0o600))
	left, err := s.Leftovers()
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, s.Update([]string{"a"}, func(*BMC, *instance.Credentials) error { return nil }, func([]Change) error { return nil }))
	require.Equal(t, before, tree(t, s.root))
}

func TestLongValue(t *testing.T) {
	s := two(t)
	before := tree(t, s.root)
	b := newBMC("long", "[::]:7")
	b.FRU.Serial = strings.Repeat("x", 2100)
	require.ErrorContains(t, s.Add([]BMC{b}, admin("x"), committed), "has 2132 bytes, the maximum is 2047")
	require.Equal(t, before, tree(t, s.root))
	b.FRU.Serial = ""
	b.Comment = strings.Repeat("x", 3000)
	b.Parameters = map[string]string{"p": strings.Repeat("%", 900)}
	require.NoError(t, s.Add([]BMC{b}, admin("x"), committed))
	found, err := s.Find("long")
	require.NoError(t, err)
	require.Equal(t, b, found[0])
}
