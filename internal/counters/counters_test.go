package counters

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, path string) map[string]uint64 {
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	values, err := Read(file)
	require.NoError(t, err)
	return values
}

// A process that is killed writes nothing more: the file has what was counted, and the next process goes on from there.
func TestCountersOutliveTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters")
	first, err := Open(path)
	require.NoError(t, err)
	first.Add("starts", 1)
	first.Add("logins", 2)
	first.Set("power", 7)
	require.Equal(t, map[string]uint64{"starts": 1, "logins": 2, "power": 7}, read(t, path))

	second, err := Open(path)
	require.NoError(t, err)
	second.Add("starts", 1)
	second.Set("power", 0)
	second.Add("new", 1<<63)
	require.Equal(t, map[string]uint64{"starts": 2, "logins": 2, "power": 0, "new": 1 << 63}, read(t, path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.Equal(t, int64(4096), info.Size())
}

func TestNoRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters")
	f, err := Open(path)
	require.NoError(t, err)
	for n := range 100 {
		f.Add(fmt.Sprint("name ", n), 1)
	}
	f.Add("name 55", 1)
	values := read(t, path)
	require.Len(t, values, 56)
	require.Equal(t, uint64(2), values["name 55"])
	f.Add(strings.Repeat("n", 65), 1)
	require.Len(t, read(t, path), 56)
}

func TestLongestName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters")
	f, err := Open(path)
	require.NoError(t, err)
	f.Add(strings.Repeat("n", 65), 1)
	f.Add(strings.Repeat("n", 64), 1)
	require.Equal(t, map[string]uint64{strings.Repeat("n", 64): 1}, read(t, path))
}

// Without a file the process goes on counting.
func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	f, err := Open(filepath.Join(dir, "missing", "counters"))
	require.ErrorIs(t, err, os.ErrNotExist)
	f.Add("starts", 1)

	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "counters")))
	_, err = Open(filepath.Join(dir, "counters"))
	require.Error(t, err, "a link of a user who is not trusted")
}

func TestReadDamaged(t *testing.T) {
	for _, text := range []string{"", "abc", strings.Repeat("\xff", 4096), strings.Repeat("\x00", 72) + "name"} {
		values, err := Read(strings.NewReader(text))
		if len(text) == 0 || len(text) == 4096 {
			require.NoError(t, err)
		} else {
			require.Error(t, err)
		}
		for name := range values {
			require.Len(t, name, 64)
		}
	}
	values, err := Read(bytes.NewReader(append([]byte("a"), make([]byte, 8192)...)))
	require.NoError(t, err, "a longer file, of a later version")
	require.Equal(t, map[string]uint64{"a": 0}, values)
}

func TestConcurrentUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters")
	f, err := Open(path)
	require.NoError(t, err)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for range 1000 {
				f.Add("shared", 1)
				f.Add(fmt.Sprint("own ", n), 1)
			}
		})
	}
	all.Wait()
	require.Equal(t, uint64(4000), read(t, path)["shared"])
	require.Equal(t, uint64(1000), read(t, path)["own 3"])
}
