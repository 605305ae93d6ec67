package activation

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxAtomicWrite = 4096        // PIPE_BUF of Linux: a pipe that poll(2) calls writable takes that many bytes
	retryPause     = time.Second // from one attempt to report lost lines to the next
)

// A logWriter writes log lines to standard error and never waits for the reader. Under systemd, standard error is a
// stream socket to journald, with room for a few hundred lines. When journald hangs and the room is used up, lines are
// lost and counted. As soon as there is room again, a line says how many were lost.
//
// Scripts share the descriptor and expect it to be blocking, so the writer leaves O_NONBLOCK alone.
type logWriter struct {
	write func([]byte) (int, error) // EAGAIN instead of waiting

	mu       sync.Mutex
	rest     []byte // of a line that was sent in part
	lost     int    // lines since the last report
	retrying bool
}

// newLogWriter returns a writer to a descriptor of any kind.
func newLogWriter(fd int) *logWriter {
	write := func(b []byte) (int, error) { return writeIfReady(fd, b) }
	if _, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err == nil {
		write = func(b []byte) (int, error) {
			return unix.SendmsgN(fd, b, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		}
	}
	return &logWriter{write: write}
}

// writeIfReady writes to a pipe, a terminal or a file without waiting, unless another process fills a pipe between the two
// system calls. Under systemd, standard error is a socket.
func writeIfReady(fd int, b []byte) (int, error) {
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	switch n, err := unix.Poll(ready, 0); {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, unix.EAGAIN
	}
	return unix.Write(fd, b[:min(len(b), maxAtomicWrite)])
}

// Write sends one line, or counts it as lost. It never fails: there is no other place to report to.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.sendOwed()
	if err == nil {
		err = w.send(line)
	}
	if err != nil {
		w.lost++
	}
	w.retryLater(err)
	return len(line), nil
}

// flush sends the lines that were held back, if there is room for them.
func (w *logWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retryLater(w.sendOwed())
}

// sendOwed sends the rest of a line, and then the number of lost lines. Without an error, another line may follow.
func (w *logWriter) sendOwed() error {
	rest := w.rest
	w.rest = nil
	if err := w.send(rest); err != nil {
		w.rest = rest
		return err
	}
	if w.lost > 0 && len(w.rest) == 0 {
		report := fmt.Appendf(nil, "<4>log lines lost: standard error could not take them lines=%d\n", w.lost)
		if err := w.send(report); err != nil {
			return err
		}
		w.lost = 0
	}
	if len(w.rest) > 0 {
		return unix.EAGAIN
	}
	return nil
}

// send sends a text. It returns an error if no byte could be sent, and keeps the rest if only a part could.
func (w *logWriter) send(text []byte) error {
	for sent := 0; sent < len(text); {
		n, err := w.write(text[sent:])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil && sent == 0:
			return err
		case err != nil:
			w.rest = bytes.Clone(text[sent:])
			return nil
		default:
			sent += n
		}
	}
	return nil
}

// retryLater flushes again after a pause, if err or the rest of a line says that the reader is busy. After another error,
// such as that of a stream that journald has closed, the next line is the next attempt.
func (w *logWriter) retryLater(err error) {
	busy := errors.Is(err, unix.EAGAIN) || err == nil && len(w.rest) > 0
	if w.retrying || !busy {
		return
	}
	w.retrying = true
	time.AfterFunc(retryPause, func() {
		w.mu.Lock()
		w.retrying = false
		w.mu.Unlock()
		w.flush()
	})
}
