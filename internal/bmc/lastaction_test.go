package bmc

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
)

func TestLastAction(t *testing.T) {
	require.Nil(t, FindLastAction(nil))
	require.Nil(t, FindLastAction([]string{"/gone"}))

	dir, began := t.TempDir(), time.Unix(1000, 0)
	file := func(name, text string, after time.Duration) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, summed(text), 0o600))
		require.NoError(t, os.Chtimes(path, began, began.Add(after)))
		return path
	}
	done := file("1", "{\"verb\":\"power on\"}\naction: exit 0\nanswer: {\"code\":0,\"at\":7}\n", time.Second)
	torn := file("2", `{"verb":"power`, time.Hour)
	ok := ipmi.OK
	require.Equal(t, &LastAction{Verb: provider.On, Time: began.Add(time.Second), Code: &ok}, FindLastAction([]string{done, torn}))

	held := file("3", "{\"verb\":\"power off\"}\naction: pid 4711\n", time.Minute)
	lock, err := os.Open(held)
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	running := &LastAction{Verb: provider.Off, Time: began.Add(time.Minute), Running: true}
	require.Equal(t, running, FindLastAction([]string{done, held, torn}))
	require.Equal(t, running, FindLastAction([]string{torn, held, done}))
	require.NoError(t, lock.Close())
	require.Equal(t, &LastAction{Verb: provider.Off, Time: began.Add(time.Minute)}, FindLastAction([]string{done, held}))
}

// The files belong to the user that the BMC runs as, and who lists BMCs is root.
func TestLastActionTrustsNobody(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink("/dev/zero", link))
	escape := filepath.Join(dir, "escape")
	require.NoError(t, os.WriteFile(escape, summed(`{"verb":"\u001b[2J"}`), 0o600))
	require.Nil(t, FindLastAction([]string{pipe, link, "/dev/zero", escape}))
}
