package actionlog

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/checksum"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// sealed adds a checksum to every line that the BMC process writes.
func sealed(text string) []byte {
	var all []byte
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "action:") {
			line = checksum.Seal([]byte(line))
		}
		all = append(append(all, line...), '\n')
	}
	return all
}

func TestLastAction(t *testing.T) {
	require.Nil(t, Last(nil))
	require.Nil(t, Last([]string{"/gone"}))

	dir, began := t.TempDir(), time.Unix(1000, 0)
	file := func(name, text string, after time.Duration) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, sealed(text), 0o600))
		require.NoError(t, os.Chtimes(path, began, began.Add(after)))
		return path
	}
	done := file("1", "{\"intent\":{\"verb\":\"power on\"}}\naction: exit 0\nanswer: {\"outcome\":\"done\",\"at\":7}\n", time.Second)
	first := file("0", "{\"verb\":\"power on\"}\naction: exit 0\nanswer: {\"code\":0,\"at\":7}\n", time.Second)
	torn := file("2", `{"intent":{"verb":"power`, time.Hour)
	ok := machine.Done
	require.Equal(t, &LastAction{Verb: provider.On, Time: began.Add(time.Second), Outcome: &ok}, Last([]string{done, torn}))
	require.Equal(t, Last([]string{done}), Last([]string{first}), "written by version 1")

	held := file("3", "{\"intent\":{\"verb\":\"power off\"}}\naction: pid 4711\n", time.Minute)
	lock, err := os.Open(held)
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	running := &LastAction{Verb: provider.Off, Time: began.Add(time.Minute), Running: true}
	require.Equal(t, running, Last([]string{done, held, torn}))
	require.Equal(t, running, Last([]string{torn, held, done}))
	require.NoError(t, lock.Close())
	require.Equal(t, &LastAction{Verb: provider.Off, Time: began.Add(time.Minute)}, Last([]string{done, held}))
}

// The files belong to the user of the BMC, and the user who lists BMCs is root.
func TestLastActionTrustsNobody(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink("/dev/zero", link))
	escape := filepath.Join(dir, "escape")
	require.NoError(t, os.WriteFile(escape, sealed(`{"intent":{"verb":"\u001b[2J"}}`), 0o600))
	outcome := filepath.Join(dir, "outcome")
	require.NoError(t, os.WriteFile(outcome, sealed("{\"intent\":{\"verb\":\"power on\"}}\nanswer: {\"outcome\":\"\\u001b[2J\"}\n"), 0o600))
	require.Nil(t, Last([]string{outcome}).Outcome)
	require.Nil(t, Last([]string{pipe, link, "/dev/zero", escape}))
}
