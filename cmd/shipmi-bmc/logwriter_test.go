package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// streamToJournald returns both ends of a stream socket, as systemd makes one for standard error.
func streamToJournald(t *testing.T) (ours, journald *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	return ends(t, pair[0], pair[1])
}

func pipeToReader(t *testing.T) (ours, reader *os.File) {
	t.Helper()
	pair := make([]int, 2)
	require.NoError(t, unix.Pipe2(pair, unix.O_CLOEXEC))
	return ends(t, pair[1], pair[0])
}

func ends(t *testing.T, writer, reader int) (w, r *os.File) {
	t.Helper()
	w, r = os.NewFile(uintptr(writer), "writer"), os.NewFile(uintptr(reader), "reader")
	t.Cleanup(func() {
		w.Close()
		r.Close()
	})
	return w, r
}

// fill sends lines to a stream until there is no room for another one.
func fill(t *testing.T, stream *os.File) {
	t.Helper()
	var err error
	for err == nil {
		err = unix.Send(int(stream.Fd()), []byte("fill\n"), unix.MSG_DONTWAIT)
	}
	require.ErrorIs(t, err, unix.EAGAIN)
}

// readAll returns the lines that can be read without waiting.
func readAll(t *testing.T, f *os.File) []string {
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

func lostReport(lines int) string {
	return fmt.Sprintf("<4>log lines lost: standard error could not take them lines=%d\n", lines)
}

// The BMC stopped for good after 278 lines that journald did not read.
func TestLogWriterDoesNotWait(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (*os.File, *os.File){"socket": streamToJournald, "pipe": pipeToReader} {
		t.Run(name, func(t *testing.T) {
			ours, reader := open(t)
			synctest.Test(t, func(t *testing.T) {
				w := newLogWriter(int(ours.Fd()))
				const lines = 10_000
				for i := range lines {
					fmt.Fprintf(w, "<6>line %d\n", i)
				}
				time.Sleep(9*retryPause + retryPause/2) // nothing changes as long as nothing is read

				read := readAll(t, reader)
				sent := len(read) - 1 // after the last line break is nothing
				require.Greater(t, sent, 100)
				require.Less(t, sent, lines)
				for i, line := range read[:sent] {
					require.Equal(t, fmt.Sprintf("<6>line %d\n", i), line)
				}

				time.Sleep(retryPause)
				require.Equal(t, []string{lostReport(lines - sent), ""}, readAll(t, reader))
				fmt.Fprintf(w, "<6>next\n")
				time.Sleep(10 * retryPause)
				require.Equal(t, []string{"<6>next\n", ""}, readAll(t, reader), "the report is written once")
			})
		})
	}
}

// The report of lost lines comes before the next line, which need not wait for the next attempt.
func TestLogWriterReportsBeforeTheNextLine(t *testing.T) {
	ours, journald := streamToJournald(t)
	synctest.Test(t, func(t *testing.T) {
		w := newLogWriter(int(ours.Fd()))
		for w.lost < 7 {
			fmt.Fprintf(w, "<6>line\n")
		}
		readAll(t, journald)
		fmt.Fprintf(w, "<6>next\n")
		require.Equal(t, []string{lostReport(7), "<6>next\n", ""}, readAll(t, journald))
	})
}

// At the end of the process, the count is written if there is room for it.
func TestLogWriterReportsAtTheEnd(t *testing.T) {
	ours, journald := streamToJournald(t)
	synctest.Test(t, func(t *testing.T) {
		w := newLogWriter(int(ours.Fd()))
		for w.lost < 3 {
			fmt.Fprintf(w, "<6>line\n")
		}
		w.flush()
		require.NotContains(t, readAll(t, journald), lostReport(3))
		w.flush()
		require.Equal(t, []string{lostReport(3), ""}, readAll(t, journald))
	})
}

// A long line may fit in part. Its rest is sent before anything else, so that the next line begins where a line begins.
func TestLogWriterSendsTheRestOfALineFirst(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (*os.File, *os.File){"socket": streamToJournald, "pipe": pipeToReader} {
		t.Run(name, func(t *testing.T) {
			ours, reader := open(t)
			synctest.Test(t, func(t *testing.T) {
				w := newLogWriter(int(ours.Fd()))
				long := "<6>" + strings.Repeat("0123456789", 50_000) + "\n"
				fmt.Fprint(w, long)
				fmt.Fprintf(w, "<6>lost\n")

				read := strings.Join(readAll(t, reader), "")
				require.Less(t, len(read), len(long), "the line was sent whole: the test shows nothing")
				time.Sleep(retryPause / 2)
				for range 20 {
					time.Sleep(retryPause)
					read += strings.Join(readAll(t, reader), "")
				}
				fmt.Fprintf(w, "<6>next\n")
				read += strings.Join(readAll(t, reader), "")
				require.Equal(t, long+lostReport(1)+"<6>next\n", read)
			})
		})
	}
}

// When the reader is gone, lines are lost without a signal or a timer.
func TestLogWriterWithoutAReader(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (*os.File, *os.File){"socket": streamToJournald, "pipe": pipeToReader} {
		t.Run(name, func(t *testing.T) {
			ours, reader := open(t)
			require.NoError(t, reader.Close())
			w := newLogWriter(int(ours.Fd()))
			for range 5 {
				fmt.Fprintf(w, "<6>line\n")
			}
			require.Equal(t, 5, w.lost)
			require.False(t, w.retrying)
		})
	}
}

func TestLogWriterToAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	w := newLogWriter(int(f.Fd()))
	long := strings.Repeat("x", 3*maxAtomicWrite)
	fmt.Fprintln(w, long)
	fmt.Fprintln(w, "next")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, long+"\nnext\n", string(text))
}
