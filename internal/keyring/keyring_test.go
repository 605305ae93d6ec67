package keyring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
)

const before = `{"users":[{"name":"admin","password":"x","privilege":"administrator"}]}`

// newKeyring returns a keyring with the credentials of one BMC, node-0, in a hand-written file.
func newKeyring(t *testing.T) Keyring {
	k := Keyring{Dir: t.TempDir()}
	require.NoError(t, os.WriteFile(filepath.Join(k.Dir, "node-0"), []byte(before), 0o600))
	return k
}

func text(t *testing.T, k Keyring) string {
	text, err := os.ReadFile(filepath.Join(k.Dir, "node-0"))
	require.NoError(t, err)
	return string(text)
}

func maas(c *instance.Credentials) error {
	return c.Add(instance.User{Name: "maas", Password: instance.Hide("y"), Privilege: instance.PrivilegeOperator})
}

func TestChange(t *testing.T) {
	k := newKeyring(t)
	c, err := k.Change("node-0", maas)
	require.NoError(t, err)
	require.Equal(t, `{"users":[{"id":2,"name":"admin","password":"x","privilege":"administrator"},`+
		`{"id":3,"name":"maas","password":"y","privilege":"operator"}]}`+"\n", text(t, k))
	require.Equal(t, text(t, k), string(c.Marshal()))
	read, err := k.Read("node-0")
	require.NoError(t, err)
	require.Equal(t, c.Marshal(), read.Marshal())

	entries, err := os.ReadDir(k.Dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")
	info, err := entries[0].Info()
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
}

func TestNoChange(t *testing.T) {
	failure := errors.New("no")
	for name, tt := range map[string]struct {
		change func(*instance.Credentials) error
		want   string
	}{
		"refused":   {func(c *instance.Credentials) error { return errors.Join(maas(c), failure) }, "no"},
		"not valid": {func(c *instance.Credentials) error { c.Remove(2); return nil }, "no user"},
		"the same":  {func(c *instance.Credentials) error { c.Put(c.Users[0]); return nil }, ""},
		"no change": {func(*instance.Credentials) error { return nil }, ""},
	} {
		k := newKeyring(t)
		_, err := k.Change("node-0", tt.change)
		if tt.want == "" {
			require.NoError(t, err, name)
		} else {
			require.EqualError(t, err, tt.want, name)
		}
		require.Equal(t, before, text(t, k), name)
	}

	k := newKeyring(t)
	_, err := k.Change("node-1", maas)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.WriteFile(filepath.Join(k.Dir, "node-1"), []byte("nonsense"), 0o600))
	_, err = k.Change("node-1", maas)
	require.ErrorContains(t, err, k.Dir+"/node-1: credentials: invalid character")
}

// 14 users are added at the same time, which is as many as fit.
func TestConcurrentChanges(t *testing.T) {
	k := newKeyring(t)
	var wg sync.WaitGroup
	for i := range 14 {
		wg.Go(func() {
			_, err := k.Change("node-0", func(c *instance.Credentials) error {
				return c.Add(instance.User{Name: string(rune('a' + i)), Privilege: instance.PrivilegeUser})
			})
			require.NoError(t, err)
		})
	}
	wg.Wait()
	c, err := k.Read("node-0")
	require.NoError(t, err)
	require.Len(t, c.Users, 15)
}

// Change fails when the lock is not free within Patience, and succeeds when the lock becomes free in time.
func TestPatience(t *testing.T) {
	k := newKeyring(t)
	unlock, err := k.Lock()
	require.NoError(t, err)
	hasty := Keyring{Dir: k.Dir, Patience: time.Millisecond}
	_, err = hasty.Change("node-0", maas)
	require.ErrorIs(t, err, syscall.EWOULDBLOCK)
	require.Equal(t, before, text(t, k))

	time.AfterFunc(20*time.Millisecond, unlock)
	patient := Keyring{Dir: k.Dir, Patience: time.Minute}
	_, err = patient.Change("node-0", maas)
	require.NoError(t, err)
}

// Many locks at the same time exclude each other, and the last one removes the directory.
func TestLock(t *testing.T) {
	root := t.TempDir()
	k := Keyring{Dir: filepath.Join(root, "shipmi/credentials")}
	var (
		wg      sync.WaitGroup
		holders atomic.Int32
	)
	for range 20 {
		wg.Go(func() {
			for range 20 {
				unlock, err := k.Lock()
				require.NoError(t, err)
				require.EqualValues(t, 1, holders.Add(1))
				holders.Add(-1)
				unlock()
			}
		})
	}
	wg.Wait()
	require.NoDirExists(t, filepath.Join(root, "shipmi"))
}

// The passwords of OpenBMC's IPMI users were in a file that every user could read (CVE-2020-14156). A change leaves a file
// that only its owner can read, whatever the umask and the former mode.
func TestCVE_2020_14156(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	k := newKeyring(t)
	require.NoError(t, os.Chmod(k.path("node-0"), 0o666))
	_, err := k.Change("node-0", maas)
	require.NoError(t, err)
	entries, err := os.ReadDir(k.Dir)
	require.NoError(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, entry.Name())
	}
}

// With any content of a file, a change is made completely, or the file stays as it is.
func FuzzChange(f *testing.F) {
	f.Add([]byte(before))
	f.Add([]byte(`{"users":[{"id":3,"name":"maas","password":"x","privilege":"none"}]}`))
	f.Add([]byte(`{"users":[`))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, file []byte) {
		k := newKeyring(t)
		require.NoError(t, os.WriteFile(k.path("node-0"), file, 0o600))
		changed, err := k.Change("node-0", maas)
		if err != nil {
			require.Equal(t, string(file), text(t, k))
			return
		}
		read, err := k.Read("node-0")
		require.NoError(t, err)
		require.Equal(t, string(changed.Marshal()), string(read.Marshal()))
		_, there := read.Named("maas")
		require.True(t, there)
	})
}
