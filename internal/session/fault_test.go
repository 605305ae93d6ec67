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

// breakFile makes every write to the file fail until mend is called.
func breakFile(r *rig) (mend func()) {
	r.t.Helper()
	require.NoError(r.t, r.file.File.Close())
	return func() {
		f, err := os.OpenFile(r.path(), os.O_RDWR, 0)
		require.NoError(r.t, err)
		r.t.Cleanup(func() { f.Close() })
		r.file.File = f
	}
}

func TestSetupWithoutFile(t *testing.T) {
	r, c := newRig(t), console.New(t, 17)
	step := func(message func() []byte) {
		t.Helper()
		mend := breakFile(r)
		require.Equal(t, busy, outcome(r.send(c, message())))
		mend()
	}
	c.ReadOpen(r.send(c, c.Open()))

	step(c.RAKP1)
	c.ReadRAKP2(r.send(c, c.RAKP1()))

	step(c.RAKP3)
	require.Nil(t, r.send(c, c.RAKP3()), "the exchange is over")
	require.NotContains(t, r.log.String(), "session opened")
	c.Login(r.from(c))
	r.requireEcho(c, "hello")
}

// A packet that cannot be saved changes nothing. The same packet is accepted later.
func TestPacketWithoutFile(t *testing.T) {
	r, c := inSession(t, 17)
	r.requireEcho(c, "hello")
	s := r.Find(c.SIDc, r.now)
	before := s.encode(new(record))

	mend := breakFile(r)
	r.now++
	b := c.Packet("power off")
	_, _, err := r.Receive(r.parse(b), c.Peer, r.now)
	require.ErrorIs(t, err, os.ErrClosed)
	require.NotErrorIs(t, err, ErrDuplicate)
	for range 2 { // a number that is not in the file must not be sent
		_, err = r.Seal(nil, s, rmcp.PayloadIPMI, []byte("x"))
		require.ErrorIs(t, err, os.ErrClosed)
	}
	require.ErrorIs(t, r.End(s, r.now), os.ErrClosed)
	require.False(t, s.Closing())
	require.Equal(t, before, s.encode(new(record)))

	mend()
	answer := r.send(c, b)
	require.NotNil(t, answer)
	sequence, _ := c.Read(answer)
	require.Equal(t, uint32(2), sequence)
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

	require.ErrorIs(t, r.save(ended), errEnded)
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
