// Package counters keeps numbers in a file, one page of memory that the process shares with the kernel. Counting is an
// addition in memory, without a system call, and a process that is killed loses nothing. The file belongs into a file system
// in memory: it ends with the boot of the host, as counters of Prometheus may.
//
// The file has 56 records of 72 bytes. A record is a name, filled up with zeros, and the value in the last 8 bytes, in the
// byte order of the host. The names are the caller's. One process writes at a time. Start reading at File.
package counters

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	size       = 4096
	recordSize = 72
	nameSize   = recordSize - 8
)

// A File is an open file of counters. It is safe for concurrent use.
type File struct {
	mu     sync.Mutex
	page   []byte
	used   int               // records
	byName map[string][]byte // values
}

// Open opens the file at path, and creates it if there is none. If that fails, Open returns the error and counters that end
// with the process.
func Open(path string) (*File, error) {
	page, err := share(path)
	if err != nil {
		page = make([]byte, size)
	}
	f := &File{page: page, byName: make(map[string][]byte)}
	for name, value := range records(page) {
		f.byName[name] = value
		f.used++
	}
	return f, err
}

// share maps the file into memory. The space is reserved before: where there is none, a write into the page would end the
// process.
func share(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	fd := int(file.Fd())
	err = unix.Fallocate(fd, 0, 0, size)
	for errors.Is(err, unix.EINTR) { // a signal of Go's runtime
		err = unix.Fallocate(fd, 0, 0, size)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	page, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return page, nil
}

// records yields the names that are taken, with the bytes of their values.
func records(page []byte) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for at := 0; at+recordSize <= len(page); at += recordSize {
			name := string(bytes.TrimRight(page[at:at+nameSize], "\x00"))
			if name == "" || !yield(name, page[at+nameSize:at+recordSize]) {
				return
			}
		}
	}
}

// Add adds n to a counter. A new name beyond the room of the file is ignored.
func (f *File) Add(name string, n uint64) {
	f.change(name, func(old uint64) uint64 { return old + n })
}

// Set sets a value.
func (f *File) Set(name string, value uint64) {
	f.change(name, func(uint64) uint64 { return value })
}

func (f *File) change(name string, change func(uint64) uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	value, known := f.byName[name]
	if !known {
		at := f.used * recordSize
		if at+recordSize > len(f.page) || len(name) > nameSize {
			return
		}
		copy(f.page[at:], name)
		value = f.page[at+nameSize : at+recordSize]
		f.byName[name] = value
		f.used++
	}
	binary.NativeEndian.PutUint64(value, change(binary.NativeEndian.Uint64(value)))
}

// Read returns the values in a file that another process may write.
func Read(r io.Reader) (map[string]uint64, error) {
	page := make([]byte, size)
	if _, err := io.ReadFull(r, page); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("counters: %w", err)
	}
	values := make(map[string]uint64)
	for name, value := range records(page) {
		values[name] = binary.NativeEndian.Uint64(value)
	}
	return values, nil
}
