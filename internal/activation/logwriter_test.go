package activation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/test/journald"
)

func pipeToReader(t *testing.T) (ours, reader *os.File) {
	t.Helper()
	pair := make([]int, 2)
	require.NoError(t, unix.Pipe2(pair, unix.O_CLOEXEC))
	return journald.Ends(t, pair[1], pair[0])
}

func lostReport(lines int) string {
	return fmt.Sprintf("<4>log lines lost: standard error could not take them lines=%d\n", lines)
}

// The BMC stopped for good after 278 lines that journald did not read.
func TestLogWriterDoesNotWait(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (*os.File, *os.File){"socket": journald.Stream, "pipe": pipeToReader} {
		t.Run(name, func(t *testing.T) {
			ours, reader := open(t)
			synctest.Test(t, func(t *testing.T) {
				w := newLogWriter(int(ours.Fd()))
				const lines = 10_000
				for i := range lines {
					fmt.Fprintf(w, "<6>line %d\n", i)
				}
				time.Sleep(9*retryPause + retryPause/2) // nothing changes as long as nothing is read

				read := journald.ReadAll(t, reader)
				sent := len(read) - 1 // after the last line break is nothing
				require.Greater(t, sent, 100)
				require.Less(t, sent, lines)
				for i, line := range read[:sent] {
					require.Equal(t, fmt.Sprintf("<6>line %d\n", i), line)
				}

				time.Sleep(retryPause)
				require.Equal(t, []string{lostReport(lines - sent), ""}, journald.ReadAll(t, reader))
				fmt.Fprintf(w, "<6>next\n")
				time.Sleep(10 * retryPause)
				require.Equal(t, []string{"<6>next\n", ""}, journald.ReadAll(t, reader), "the report is written once")
			})
		})
	}
}

// The report of lost lines comes before the next line, which need not wait for the next attempt.
func TestLogWriterReportsBeforeTheNextLine(t *testing.T) {
	ours, reader := journald.Stream(t)
	synctest.Test(t, func(t *testing.T) {
		w := newLogWriter(int(ours.Fd()))
		for w.lost < 7 {
			fmt.Fprintf(w, "<6>line\n")
		}
		journald.ReadAll(t, reader)
		fmt.Fprintf(w, "<6>next\n")
		require.Equal(t, []string{lostReport(7), "<6>next\n", ""}, journald.ReadAll(t, reader))
	})
}

// At the end of the process, the count is written if there is room for it.
func TestLogWriterReportsAtTheEnd(t *testing.T) {
	ours, reader := journald.Stream(t)
	synctest.Test(t, func(t *testing.T) {
		w := newLogWriter(int(ours.Fd()))
		for w.lost < 3 {
			fmt.Fprintf(w, "<6>line\n")
		}
		w.flush()
		require.NotContains(t, journald.ReadAll(t, reader), lostReport(3))
		w.flush()
		require.Equal(t, []string{lostReport(3), ""}, journald.ReadAll(t, reader))
	})
}

// A long line may fit in part. Its rest is sent before anything else, so that the next line begins where a line begins.
func TestLogWriterSendsTheRestOfALineFirst(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (*os.File, *os.File){"socket": journald.Stream, "pipe": pipeToReader} {
		t.Run(name, func(t *testing.T) {
			ours, reader := open(t)
			synctest.Test(t, func(t *testing.T) {
				w := newLogWriter(int(ours.Fd()))
				long := "<6>" + strings.Repeat("0123456789", 50_000) + "\n"
				fmt.Fprint(w, long)
				fmt.Fprintf(w, "<6>lost\n")

				read := strings.Join(journald.ReadAll(t, reader), "")
				require.Less(t, len(read), len(long), "the line was sent whole: the test shows nothing")
				time.Sleep(retryPause / 2)
				for range 20 {
					time.Sleep(retryPause)
					read += strings.Join(journald.ReadAll(t, reader), "")
				}
				fmt.Fprintf(w, "<6>next\n")
				read += strings.Join(journald.ReadAll(t, reader), "")
				require.Equal(t, long+lostReport(1)+"<6>next\n", read)
			})
		})
	}
}

// When the reader is gone, lines are lost without a signal or a timer.
func TestLogWriterWithoutAReader(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (*os.File, *os.File){"socket": journald.Stream, "pipe": pipeToReader} {
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
