package session

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

const busy = "insufficient resources to create a session"

// breakFile makes every write fail until the file is mended.
func breakFile(m *machine) (mend func()) {
	m.t.Helper()
	require.NoError(m.t, m.file.File.Close())
	return func() {
		f, err := os.OpenFile(m.path(), os.O_RDWR, 0)
		require.NoError(m.t, err)
		m.t.Cleanup(func() { f.Close() })
		m.file.File = f
	}
}

func TestSetupWithoutFile(t *testing.T) {
	m, c := newMachine(t), console.New(t, 17)
	step := func(message func() []byte) {
		t.Helper()
		mend := breakFile(m)
		require.Equal(t, busy, outcome(m.send(c, message())))
		mend()
	}
	c.ReadOpen(m.send(c, c.Open()))

	step(c.RAKP1)
	c.ReadRAKP2(m.send(c, c.RAKP1()))

	step(c.RAKP3)
	require.Nil(t, m.send(c, c.RAKP3()), "the exchange is over")
	require.NotContains(t, m.log.String(), "session opened")
	c.Login(m.from(c))
	m.requireEcho(c, "hello")
}

// A packet that cannot be saved changes nothing: the same one is good later.
func TestPacketWithoutFile(t *testing.T) {
	m, c := inSession(t, 17)
	m.requireEcho(c, "hello")
	s := m.Find(c.SIDc, m.now)
	before := s.encode(new(record))

	mend := breakFile(m)
	m.now++
	b := c.Packet("power off")
	_, _, err := m.Receive(m.parse(b), c.Peer, m.now)
	require.ErrorIs(t, err, os.ErrClosed)
	require.NotErrorIs(t, err, ErrDuplicate)
	for range 2 { // no number may leave that the file does not know of
		_, err = m.Seal(nil, s, []byte("x"))
		require.ErrorIs(t, err, os.ErrClosed)
	}
	require.ErrorIs(t, m.End(s, m.now), os.ErrClosed)
	require.False(t, s.Closing())
	require.Equal(t, before, s.encode(new(record)))

	mend()
	answer := m.send(c, b)
	require.NotNil(t, answer)
	sequence, _ := c.Read(answer)
	require.Equal(t, uint32(2), sequence)
}

// The slot of a session that has ended is another one's.
func TestEndedSessionIsNotSaved(t *testing.T) {
	m, c := inSession(t, 17)
	m.requireEcho(c, "hello")
	ended := m.Find(c.SIDc, m.now)
	m.now += m.config.Timeout
	successor := console.New(t, 3)
	successor.Login(m.from(successor))
	require.Equal(t, ended.Handle(), m.Find(successor.SIDc, m.now).Handle())

	require.ErrorIs(t, m.save(ended), errEnded)
	require.ErrorIs(t, m.End(ended, m.now), errEnded)
	_, err := m.Seal(nil, ended, []byte("late answer"))
	require.ErrorIs(t, err, errEnded)
	m.kill()
	m.requireEcho(successor, "mine")
}

// mount puts a file system of two pages on a directory.
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
	m := newMachine(t)
	m.dir = mount(t, 0)
	filler := filepath.Join(m.dir, "filler")
	require.NoError(t, os.WriteFile(filler, make([]byte, 8192), 0o600))
	_, err := NewTable(m.dir, m.config, m.now)
	require.ErrorIs(t, err, syscall.ENOSPC)

	require.NoError(t, os.Truncate(filler, 4096))
	m.start()
	var all []*console.Console
	for i := range perPage {
		c := from(t, i)
		c.Login(m.from(c))
		all = append(all, c)
	}
	late := from(t, 100)
	late.ReadOpen(m.send(late, late.Open()))
	require.Equal(t, busy, outcome(m.send(late, late.RAKP1())))
	require.Len(t, m.read(), 4096)
	for _, c := range all {
		m.requireEcho(c, "needs no more room")
	}
	require.NoError(t, os.Remove(filler))
	late.Login(m.from(late))
	m.restart()
	for _, c := range append(all, late) {
		m.requireEcho(c, "whole")
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	m := newMachine(t)
	m.dir = mount(t, syscall.MS_RDONLY)
	_, err := NewTable(m.dir, m.config, m.now)
	require.ErrorIs(t, err, syscall.EROFS)
}

func TestNoDirectory(t *testing.T) {
	m := newMachine(t)
	_, err := NewTable(filepath.Join(m.dir, "missing"), m.config, m.now)
	require.ErrorIs(t, err, os.ErrNotExist)
}
