// Package journald replaces journald in tests: it has the standard error of a process, and need not read it.
package journald

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Stream returns both ends of a stream socket, as systemd makes one for standard error.
func Stream(t *testing.T) (ours, journald *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	return Ends(t, pair[0], pair[1])
}

// Ends returns the files of two descriptors, which are closed at the end of the test.
func Ends(t *testing.T, writer, reader int) (w, r *os.File) {
	t.Helper()
	w, r = os.NewFile(uintptr(writer), "writer"), os.NewFile(uintptr(reader), "reader")
	t.Cleanup(func() {
		w.Close()
		r.Close()
	})
	return w, r
}

// Fill sends lines to a stream until there is no room for another one.
func Fill(t *testing.T, stream *os.File) {
	t.Helper()
	var err error
	for err == nil {
		err = unix.Send(int(stream.Fd()), []byte("fill\n"), unix.MSG_DONTWAIT)
	}
	require.ErrorIs(t, err, unix.EAGAIN)
}

// ReadAll returns the lines that can be read without waiting.
func ReadAll(t *testing.T, f *os.File) []string {
	t.Helper()
	fd := int(f.Fd())
	require.NoError(t, unix.SetNonblock(fd, true))
	var all bytes.Buffer
	for b := make([]byte, 1<<20); ; {
		n, err := unix.Read(fd, b)
		if err != nil {
			require.ErrorIs(t, err, unix.EAGAIN)
			return strings.SplitAfter(all.String(), "\n")
		}
		if n == 0 {
			return strings.SplitAfter(all.String(), "\n")
		}
		all.Write(b[:n])
	}
}
