package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/provider"
)

func TestJournalStream(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "stdout")
	journald, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer journald.Close()

	stream, err := journalStream(socket, "shipmi-bmc@node-0.service", provider.On.Identifier())
	require.NoError(t, err)
	flags, err := unix.FcntlInt(stream.Fd(), unix.F_GETFL, 0)
	require.NoError(t, err)
	require.Zero(t, flags&unix.O_NONBLOCK)

	script := exec.Command("sh", "-c", "echo cannot; echo start >&2")
	script.Stdout, script.Stderr = stream, stream
	require.NoError(t, script.Run())
	require.NoError(t, stream.Close())

	peer, err := journald.Accept()
	require.NoError(t, err)
	defer peer.Close()
	got, err := io.ReadAll(peer)
	require.NoError(t, err)
	require.Equal(t, "power-on\nshipmi-bmc@node-0.service\n6\n1\n0\n0\n0\ncannot\nstart\n", string(got))
}

// One stream serves all scripts of a verb, for which each line has an end. Another verb, and another journald, has
// another.
func TestStreamsAreKept(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "stdout")
	journald, err := net.Listen("unix", socket)
	require.NoError(t, err)
	logs := newScriptLogs(socket)
	write := func(v provider.Verb, text string) {
		f, err := logs.open(v)
		require.NoError(t, err)
		_, err = f.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	accept := func() net.Conn {
		stream, err := journald.Accept()
		require.NoError(t, err)
		return stream
	}
	header := func(v provider.Verb) string { return fmt.Sprintf(streamHeader, v.Identifier(), logs.unit, info) }

	write(provider.Status, "no end")
	write(provider.Status, "")
	write(provider.Status, "an end\n")
	write(provider.On, "other\n")
	got, err := io.ReadAll(accept())
	require.NoError(t, err)
	require.Equal(t, header(provider.Status)+"no end\n\nan end\n", string(got))

	require.NoError(t, accept().Close())
	write(provider.On, "again\n")
	write(provider.Status, "")
	got, err = io.ReadAll(accept())
	require.NoError(t, err)
	require.Equal(t, header(provider.On)+"again\n", string(got))

	require.NoError(t, unix.SetNonblock(int(logs.kept.Fd()), true))
	for err == nil {
		_, err = unix.Write(int(logs.kept.Fd()), make([]byte, 4096))
	}
	require.ErrorIs(t, err, unix.EAGAIN)
	require.NoError(t, unix.SetNonblock(int(logs.kept.Fd()), false))
	write(provider.Status, "journald hangs, but nobody waits for it")
	full, next := accept(), accept()
	require.NoError(t, full.Close())

	require.NoError(t, next.Close())
	require.NoError(t, journald.Close())
	f, err := logs.open(provider.Status)
	require.NoError(t, err)
	require.Equal(t, os.Stderr.Name(), f.Name())
	require.NoError(t, f.Close())
}

func TestNoJournal(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := journalStream(missing, "", "power-on")
	require.ErrorIs(t, err, unix.ENOENT)
	require.ErrorContains(t, err, missing)

	for _, socket := range []string{"", missing} {
		stream, err := newScriptLogs(socket).open(provider.On)
		require.NoError(t, err)
		require.Equal(t, "/dev/stderr", stream.Name())
		flags, err := unix.FcntlInt(stream.Fd(), unix.F_GETFD, 0)
		require.NoError(t, err)
		require.NotZero(t, flags&unix.FD_CLOEXEC)
		require.NoError(t, stream.Close())
	}
}

func TestUnitOf(t *testing.T) {
	for groups, want := range map[string]string{
		"0::/system.slice/system-shipmi\\x2dbmc.slice/shipmi-bmc@node-0.service\n":          "shipmi-bmc@node-0.service",
		"2:cpu:/\n1:name=systemd:/system.slice/shipmi-bmc@node-0.service\n0::/\n":           "shipmi-bmc@node-0.service",
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/shipmi-bmc@a.service\n": "shipmi-bmc@a.service",
		"0::/user.slice/user-0.slice/session-1.scope\n":                                     "",
		"": "",
	} {
		require.Equal(t, want, unitOf(groups), groups)
	}
}
