package session

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

const busy = "insufficient resources to create a session"

// A session gets a record before its key exchange goes on. Where there is no room for a record, there is no session.
func TestNoRoomForARecord(t *testing.T) {
	r, c := newRig(t), console.New(t, 17)
	c.ReadOpen(r.send(c, c.Open()))

	whole := r.file.File
	readOnly, err := os.Open(r.path())
	require.NoError(t, err)
	defer readOnly.Close()
	r.file.File = readOnly
	require.Equal(t, busy, outcome(r.send(c, c.RAKP1())))
	require.Contains(t, r.log.String(), "session refused")
	r.file.File = whole

	c.ReadRAKP2(r.send(c, c.RAKP1()))
	c.ReadRAKP4(r.send(c, c.RAKP3()))
	r.requireEcho(c, "hello")
}

// A session that has ended must not be written to its former slot, which belongs to another session.
func TestEndedSessionIsNotSaved(t *testing.T) {
	r, c := inSession(t, 17)
	r.requireEcho(c, "hello")
	ended := r.Find(c.SIDc, r.now)
	r.now += r.config.Timeout
	successor := console.New(t, 3)
	successor.Login(r.from(successor))
	require.Equal(t, ended.Handle(), r.Find(successor.SIDc, r.now).Handle())

	require.ErrorIs(t, r.SetPrivilege(ended, rmcp.User), errEnded)
	require.ErrorIs(t, r.End(ended, r.now), errEnded)
	_, err := r.Seal(nil, ended, rmcp.PayloadIPMI, []byte("late answer"))
	require.ErrorIs(t, err, errEnded)
	r.kill()
	r.requireEcho(successor, "mine")
}

// mount mounts a file system of two pages on a new directory.
func mount(t *testing.T, flags uintptr) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, "size=8k"); err != nil {
		t.Skipf("cannot mount a file system: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

func TestFullDisk(t *testing.T) {
	const perPage = 4096/recordLen - 1 // besides the header
	r := newRig(t)
	r.dir = mount(t, 0)
	filler := filepath.Join(r.dir, "filler")
	require.NoError(t, os.WriteFile(filler, make([]byte, 8192), 0o600))
	_, err := NewTable(r.dir, r.config, r.now)
	require.ErrorIs(t, err, syscall.ENOSPC)

	require.NoError(t, os.Truncate(filler, 4096))
	r.start()
	var all []*console.Console
	for i := range perPage {
		c := from(t, i)
		c.Login(r.from(c))
		all = append(all, c)
	}
	late := from(t, 100)
	late.ReadOpen(r.send(late, late.Open()))
	require.Equal(t, busy, outcome(r.send(late, late.RAKP1())))
	require.Len(t, r.read(), 4096)
	for _, c := range all {
		r.requireEcho(c, "needs no more room")
	}
	require.NoError(t, os.Remove(filler))
	late.Login(r.from(late))
	r.restart()
	for _, c := range append(all, late) {
		r.requireEcho(c, "whole")
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	r := newRig(t)
	r.dir = mount(t, syscall.MS_RDONLY)
	_, err := NewTable(r.dir, r.config, r.now)
	require.ErrorIs(t, err, syscall.EROFS)
}

func TestNoDirectory(t *testing.T) {
	r := newRig(t)
	_, err := NewTable(filepath.Join(r.dir, "missing"), r.config, r.now)
	require.ErrorIs(t, err, os.ErrNotExist)
}
