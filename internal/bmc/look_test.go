package bmc

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
)

// What needs no script is answered, the supervisor is told that all is well, and who
// needs one is told in time that there is none. Nothing is done about it later.
func TestAProviderFileThatHangs(t *testing.T) {
	in(t, func(r *rig) {
		r.stop()
		r.watched = 500 * time.Millisecond
		r.start()
		r.scripts.does()
		c, other := r.login(), r.login()
		r.scripts.hangs.Store(true)
		alive := r.lives.Load()
		r.waits(c, chassis, control, 1, on)
		r.waits(other, chassis, status, 1)
		r.waits(other, chassis, status, 2)
		require.Contains(t, r.ask(c, app, getDeviceID, 2), "00 20 01")
		time.Sleep(2100 * time.Millisecond)
		require.Greater(t, r.lives.Load(), alive+3)
		require.Equal(t, "c3", r.read(c, r.answers()[0]))
		time.Sleep(2 * time.Second)
		require.Len(t, r.answers(), 2, "a second look was in vain for these")
		require.Empty(t, r.scripts.started())

		r.scripts.hangs.Store(false)
		require.Equal(t, "00 00 00 40", r.ask(c, chassis, status, 3))
		require.Equal(t, "00", r.ask(c, chassis, control, 4, on))
		require.Equal(t, []provider.Verb{provider.Status, provider.On}, r.scripts.started())
	})
}

// However many ask while the files hang, what is kept of it has a limit: of those who
// came after the first, so many are answered.
func TestAFloodWhileAProviderFileHangs(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		c := r.login()
		r.scripts.hangs.Store(true)
		for n := range 3 * maxLooks {
			r.waits(c, chassis, status, byte(n%rqSeqs))
		}
		time.Sleep(4100 * time.Millisecond)
		require.Len(t, r.answers(), 1+maxLooks)
	})
}

// Nobody repeats what the watchdog does: it waits.
func TestTheWatchdogExpiresWhileAProviderFileHangs(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		c := r.login()
		require.Equal(t, "00", r.ask(c, app, setWatchdog, 1, 4, hardReset, 0, 0, 0x0A, 0)) // 1 s
		require.Equal(t, "00", r.ask(c, app, resetWatchdog, 2))
		r.scripts.hangs.Store(true)
		time.Sleep(30 * time.Second)
		require.Empty(t, r.scripts.started())
		r.scripts.hangs.Store(false)
		time.Sleep(3 * time.Second)
		require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
	})
}

// What comes soon after a request is a repetition of it, however long the two then wait.
func TestARepetitionWhileAProviderFileIsSlow(t *testing.T) {
	in(t, func(r *rig) {
		r.server.Answer = 10 * time.Second
		r.scripts.reads = 6 * time.Second
		r.scripts.script[provider.Reset] = takes(time.Second, ipmi.Result{})
		c := r.login()
		r.waits(c, chassis, control, 1, reset)
		time.Sleep(2 * time.Second)
		r.waits(c, chassis, control, 2, reset)
		time.Sleep(20 * time.Second)
		require.Len(t, r.answers(), 2)
		require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
	})
}

// The provider was looked at for what waits for its turn: a look for somebody else that
// is in vain does not count.
func TestAProviderFileHangsWhileAnActionWaitsForItsTurn(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		r.scripts.script[provider.On] = takes(5*time.Second, ipmi.Result{})
		c, other := r.login(), r.login()
		r.waits(c, chassis, control, 1, on)
		require.Equal(t, "00", r.ask(c, app, setWatchdog, 2, 4, hardReset, 0, 0, 0x0A, 0)) // 1 s
		require.Equal(t, "00", r.ask(c, app, resetWatchdog, 3))
		time.Sleep(1500 * time.Millisecond)
		r.scripts.hangs.Store(true)
		r.waits(other, chassis, status, 1)
		time.Sleep(2500 * time.Millisecond)
		r.scripts.hangs.Store(false)
		time.Sleep(3 * time.Second)
		require.Equal(t, []provider.Verb{provider.On, provider.Reset}, r.scripts.started())
	})
}

// A session that has ended while its request waited has nothing done any more.
func TestASessionEndsWhileAProviderFileHangs(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		c := r.login()
		r.scripts.hangs.Store(true)
		r.waits(c, chassis, status, 1)
		r.waits(c, chassis, control, 2, on)
		const closeSession = 0x3C
		require.Equal(t, "00", r.ask(c, app, closeSession, 3, binary.LittleEndian.AppendUint32(nil, c.SIDc)...))
		time.Sleep(1900 * time.Millisecond)
		r.scripts.hangs.Store(false)
		time.Sleep(3 * time.Second)
		require.Empty(t, r.answers())
		require.Empty(t, r.scripts.started())
	})
}

// A lease keeps whoever opens a file waiting, as a file system does whose server is
// gone, for lease-break-time: 45 s.
func TestAFileThatCannotBeOpened(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.conf")
	write := func(status string) {
		t.Helper()
		require.NoError(t, os.WriteFile(file, []byte("[POWER]\nstatus="+status+"\n"), 0o600))
	}
	write("echo on")
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	require.NoError(t, err)

	scripts := &Scripts{File: file}
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := scripts.look(ctx)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, file)
	}
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	require.NoError(t, err)
	write("echo off")
	runner, err := scripts.look(t.Context())
	require.NoError(t, err)
	require.Equal(t, "echo off", runner.Script(provider.Status, provider.Boot{}))
}
