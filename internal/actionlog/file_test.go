package actionlog

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A script that runs holds a lock on the file of its action.
func TestRunning(t *testing.T) {
	dir := t.TempDir()
	require.Zero(t, Running(filepath.Join(dir, "none")))
	ended := filepath.Join(dir, "ended")
	require.NoError(t, os.WriteFile(ended, []byte("{}\naction: pid 4711\naction: exit 0\n"), 0o600))
	require.Zero(t, Running(ended))

	runs := filepath.Join(dir, "runs")
	f, err := os.Create(runs)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	require.Zero(t, Running(runs), "it has not said its number yet")
	_, err = f.WriteString("{}\naction: pid 4712\n")
	require.NoError(t, err)
	require.Equal(t, 4712, Running(runs))
}

// The file belongs to the user that the BMC runs as, and who asks may be root.
func TestRunningTrustsNobody(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.Zero(t, Running(pipe), "nor does it wait for somebody to write")
	_, err := Open(pipe)
	require.EqualError(t, err, "action file: "+pipe+" is not a regular file")
	_, err = Open("/dev/null")
	require.EqualError(t, err, "action file: /dev/null is not a regular file", "to open a watchdog is to start it")

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("action: pid 1\n"), 0o600))
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	require.Zero(t, Running(file), "kill -1 would mean everybody")

	link := filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(file, []byte("action: pid 4711\n"), 0o600))
	require.NoError(t, os.Symlink(file, link))
	require.Equal(t, 4711, Running(file))
	require.Zero(t, Running(link))
}

// The end of a script is found however often clients have asked meanwhile.
func TestTheEndOfALongFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "action"))
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteString("{}\naction: pid 4711\n" + strings.Repeat("caller: {}\n", 200_000) + "action: exit 0\n")
	require.NoError(t, err)
	text, err := contents(f)
	require.NoError(t, err)
	require.Equal(t, "4711", written(text, "pid"))
	require.Equal(t, "0", written(text, "exit"))
	require.Less(t, len(text), 2<<20)
}
