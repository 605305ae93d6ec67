package polled

import (
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func listen(t *testing.T) (Socket, string) {
	path := filepath.Join(t.TempDir(), "socket")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	require.NoError(t, unix.Listen(fd, 8))
	s, err := New(fd, "test")
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s, path
}

func TestDiscard(t *testing.T) {
	s, path := listen(t)
	s.Discard() // does not wait for one
	for range 3 {
		conn, err := net.Dial("unix", path)
		require.NoError(t, err)
		defer conn.Close()
		s.Discard()
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	}
}

// A goroutine that waits for a connection is woken by Close.
func TestClose(t *testing.T) {
	s, _ := listen(t)
	waiting, ended := make(chan struct{}), make(chan error)
	go func() {
		ended <- s.Read(func(fd uintptr) bool {
			close(waiting)
			_, _, err := unix.Accept4(int(fd), unix.SOCK_CLOEXEC)
			return err == nil
		})
	}()
	<-waiting
	require.NoError(t, s.Close())
	require.Error(t, <-ended)
}

func TestNoDescriptor(t *testing.T) {
	_, err := New(1<<20, "test")
	require.ErrorIs(t, err, unix.EBADF)
}
