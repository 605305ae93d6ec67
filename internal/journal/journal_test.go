package journal

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func listen(t *testing.T) (socket string, journald net.Listener) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "stdout")
	journald, err := net.Listen("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { journald.Close() })
	return socket, journald
}

func accept(t *testing.T, journald net.Listener) net.Conn {
	t.Helper()
	stream, err := journald.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { stream.Close() })
	return stream
}

func TestStream(t *testing.T) {
	socket, journald := listen(t)
	stream, err := connect(socket, "shipmi-bmc@node-0.service", "power-on")
	require.NoError(t, err)
	flags, err := unix.FcntlInt(stream.Fd(), unix.F_GETFL, 0)
	require.NoError(t, err)
	require.Zero(t, flags&unix.O_NONBLOCK)

	script := exec.Command("sh", "-c", "echo cannot; echo start >&2")
	script.Stdout, script.Stderr = stream, stream
	require.NoError(t, script.Run())
	require.NoError(t, stream.Close())

	got, err := io.ReadAll(accept(t, journald))
	require.NoError(t, err)
	require.Equal(t, "power-on\nshipmi-bmc@node-0.service\n6\n1\n0\n0\n0\ncannot\nstart\n", string(got))
}

// write writes a text as a script would.
func write(t *testing.T, s *Streams, identifier, text string) {
	t.Helper()
	f, err := s.Open(identifier)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// All scripts with one identifier share a stream, in which each of them begins a new line. Another identifier needs
// another stream.
func TestStreamIsKept(t *testing.T) {
	socket, journald := listen(t)
	streams := NewStreams(socket)
	write(t, streams, "power-status", "unfinished")
	write(t, streams, "power-status", "")
	write(t, streams, "power-status", "finished\n")
	write(t, streams, "power-on", "other\n")

	got, err := io.ReadAll(accept(t, journald))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf(streamHeader, "power-status", streams.unit, info)+"unfinished\n\nfinished\n", string(got))
}

// A journald that has been restarted without its streams gets a new one. While there is no journald, there is standard
// error.
func TestStreamIsReplacedWhenClosed(t *testing.T) {
	socket, journald := listen(t)
	streams := NewStreams(socket)
	write(t, streams, "power-on", "lost\n")
	require.NoError(t, accept(t, journald).Close())
	write(t, streams, "power-on", "again\n")
	write(t, streams, "power-status", "")

	got, err := io.ReadAll(accept(t, journald))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf(streamHeader, "power-on", streams.unit, info)+"again\n", string(got))

	require.NoError(t, accept(t, journald).Close())
	require.NoError(t, journald.Close())
	f, err := streams.Open("power-status")
	require.NoError(t, err)
	require.Equal(t, os.Stderr.Name(), f.Name())
	require.NoError(t, f.Close())
}

// A script would wait for journald in a stream that is nearly full. It gets a new one.
func TestStreamIsReplacedWhenNearlyFull(t *testing.T) {
	socket, journald := listen(t)
	streams := NewStreams(socket)
	write(t, streams, "power-on", "")
	accept(t, journald)
	for hasRoom(streams.kept) {
		require.NoError(t, unix.Send(int(streams.kept.Fd()), make([]byte, 1024), unix.MSG_DONTWAIT))
	}
	write(t, streams, "power-on", "in a new stream\n")
	write(t, streams, "power-status", "")

	got, err := io.ReadAll(accept(t, journald))
	require.NoError(t, err)
	require.Contains(t, string(got), "in a new stream\n")
}

// hang listens at a socket and accepts nothing, with as many pending connections as the kernel permits.
func hang(t *testing.T) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "stdout")
	journald, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(journald) })
	require.NoError(t, unix.Bind(journald, &unix.SockaddrUnix{Name: socket}))
	require.NoError(t, unix.Listen(journald, 1))
	for err == nil {
		var client int
		client, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		require.NoError(t, err)
		t.Cleanup(func() { unix.Close(client) })
		err = unix.Connect(client, &unix.SockaddrUnix{Name: socket})
	}
	require.ErrorIs(t, err, unix.EAGAIN)
	return socket
}

// The connection to a journald that hung was never made, and the caller waited for it for ever.
func TestOpenDoesNotWaitForJournald(t *testing.T) {
	streams := NewStreams(hang(t))
	opened := make(chan string, 1)
	go func() {
		stream, err := streams.Open("power-on")
		if err != nil {
			opened <- err.Error()
			return
		}
		defer stream.Close()
		opened <- stream.Name()
	}()
	select {
	case name := <-opened:
		require.Equal(t, "/dev/stderr", name)
	case <-time.After(10 * time.Second):
		t.Fatal("Open waits for journald")
	}
}

// When standard error is full too, the output of scripts is dropped: the script is worth more.
func TestOpenWithoutAReaderOfStandardError(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	full, reader := os.NewFile(uintptr(pair[0]), "/dev/stderr"), os.NewFile(uintptr(pair[1]), "reader")
	defer full.Close()
	defer reader.Close()
	original := os.Stderr
	os.Stderr = full
	defer func() { os.Stderr = original }()

	streams := NewStreams("")
	opensAs := func() string {
		stream, err := streams.Open("power-on")
		require.NoError(t, err)
		defer stream.Close()
		return stream.Name()
	}
	require.Equal(t, "/dev/stderr", opensAs())
	for err == nil {
		err = unix.Send(pair[0], []byte("line\n"), unix.MSG_DONTWAIT)
	}
	require.ErrorIs(t, err, unix.EAGAIN)
	require.Equal(t, os.DevNull, opensAs())
}

func TestNoJournald(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := connect(missing, "", "power-on")
	require.ErrorIs(t, err, unix.ENOENT)
	require.ErrorContains(t, err, missing)

	for _, socket := range []string{"", missing} {
		stream, err := NewStreams(socket).Open("power-on")
		require.NoError(t, err)
		require.Equal(t, "/dev/stderr", stream.Name())
		flags, err := unix.FcntlInt(stream.Fd(), unix.F_GETFD, 0)
		require.NoError(t, err)
		require.NotZero(t, flags&unix.FD_CLOEXEC)
		require.NoError(t, stream.Close())
	}
}

func TestSocket(t *testing.T) {
	getenv := func(stream string) func(string) string {
		return func(name string) string { return map[string]string{"JOURNAL_STREAM": stream}[name] }
	}
	require.Empty(t, Socket(getenv("")))
	if os.Geteuid() == 0 {
		require.Equal(t, defaultSocket, Socket(getenv("8:1234")))
	} else {
		require.Empty(t, Socket(getenv("8:1234")))
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
