package guest

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// numbers give each request of a guest a number, as clients over LAN give their packets: see
// [jobs.Request]. A request that is read again, by the next process, has the number that it had
// before. QEMU counts its requests in one byte, so that two requests in a row differ.
//
// The file of the numbers is in the runtime directory, which is in memory. It is written before
// a request has an effect.
type numbers struct {
	file *os.File
	last uint32
	of   [maxConnections]numbered
}

// numbered is the latest request of a connection.
type numbered struct {
	cookie   uint64 // of the socket, see SO_COOKIE in socket(7); 0: no connection
	number   uint32 // 0: it has sent none
	sequence byte   // as QEMU counts
}

const (
	numbersName = "guest"
	numberedLen = 16
	// ticksPerMilli is how many requests a guest cannot send in a millisecond. Numbers begin
	// with what was counted since the host was booted, so that those of a file that is lost
	// do not come again.
	ticksPerMilli = 64
)

// openNumbers reads the file in a directory, or makes it.
func openNumbers(dir string, now time.Duration) (*numbers, error) {
	f, err := os.OpenFile(filepath.Join(dir, numbersName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	n := &numbers{file: f, last: uint32(now.Milliseconds() * ticksPerMilli)}
	var text [maxConnections * numberedLen]byte
	err = f.Truncate(int64(len(text))) // a new file is all zeros
	if err == nil {
		_, err = io.ReadFull(f, text[:])
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for i := range n.of {
		b := text[i*numberedLen:]
		n.of[i] = numbered{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:]), b[12]}
		if of := n.of[i]; of.number != 0 && int32(of.number-n.last) > 0 {
			n.last = of.number
		}
	}
	return n, nil
}

// next returns the number of a request that came on a connection.
func (n *numbers) next(cookie uint64, sequence byte) (uint32, error) {
	i := n.index(cookie)
	if i < 0 {
		i = max(0, n.index(0))
		n.of[i] = numbered{cookie: cookie}
	}
	if of := n.of[i]; of.number != 0 && of.sequence == sequence {
		return of.number, nil
	}
	n.last++
	if n.last == 0 {
		n.last = 1
	}
	n.of[i] = numbered{cookie, n.last, sequence}
	return n.last, n.write(i)
}

// forget notes that a connection has ended.
func (n *numbers) forget(cookie uint64) {
	if i := n.index(cookie); i >= 0 {
		n.of[i] = numbered{}
		_ = n.write(i) // no other connection has this cookie
	}
}

func (n *numbers) index(cookie uint64) int {
	return slices.IndexFunc(n.of[:], func(of numbered) bool { return of.cookie == cookie })
}

func (n *numbers) write(i int) error {
	var b [numberedLen]byte
	binary.LittleEndian.PutUint64(b[:], n.of[i].cookie)
	binary.LittleEndian.PutUint32(b[8:], n.of[i].number)
	b[12] = n.of[i].sequence
	_, err := n.file.WriteAt(b[:], int64(i*numberedLen))
	return err
}
