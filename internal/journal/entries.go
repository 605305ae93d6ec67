package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A Field is a field of a journal entry, see systemd.journal-fields(7).
type Field struct{ Name, Value string }

// An Entry is a journal entry. Its values have no line breaks.
type Entry []Field

// entrySocket is where journald takes entries: https://systemd.io/JOURNAL_NATIVE_PROTOCOL
const entrySocket = "/run/systemd/journal/socket"

// Entries sends entries to one journald.
type Entries struct {
	fd      int
	address unix.Sockaddr
}

// NewEntries returns a way to the journald to which standard error of this process leads, or an error if standard error
// leads elsewhere. systemd sets $JOURNAL_STREAM to the device and the inode of the stream.
func NewEntries(getenv func(string) string) (*Entries, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(os.Stderr.Fd()), &s); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if getenv("JOURNAL_STREAM") != fmt.Sprintf("%d:%d", s.Dev, s.Ino) {
		return nil, errors.New("journal: standard error leads elsewhere")
	}
	return newEntries(entrySocket)
}

func newEntries(socket string) (*Entries, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &Entries{fd: fd, address: &unix.SockaddrUnix{Name: socket}}, nil
}

// Send sends an entry. It does not wait: if journald does not take the entry now, Send returns an error.
func (e *Entries) Send(entry Entry) error {
	var b bytes.Buffer
	for _, f := range entry {
		if strings.Contains(f.Value, "\n") {
			return fmt.Errorf("journal: field %s has a line break", f.Name)
		}
		b.WriteString(f.Name + "=" + f.Value + "\n")
	}
	if err := unix.Sendto(e.fd, b.Bytes(), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, e.address); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}
