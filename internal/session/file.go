package session

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrLocked means that another process has the session file open: it serves the same BMC.
var ErrLocked = errors.New("another process uses it")

// The file has a header of recordLen bytes and then one record for each slot, up to the highest slot that was ever used.
// The header is magic, a random key, two zeros, the number of the record that is being written or 0, and the new content of
// that record without the zeros that every record has.
const (
	fileName  = "sessions"
	magic     = "shipmi sessions 1\n" // version of the format of the whole file
	keyLen    = 32
	pendingAt = 52
	spareAt   = pendingAt + 4
	fieldsLen = recordLen - spareAt - sumLen // the fields of a record end before that

	maxSize = recordLen * (1 + maxSlots)
)

// blank is the record of a free slot.
var blank record

// A file is the session file. It lies on a file system that is empty after a boot. The process shares the pages of the file
// with the kernel, see mmap(2). A write is a copy in memory and takes no system call. The kernel has what a process wrote
// before it was killed.
type file struct {
	*os.File
	// pages is a pointer because fmt prints it as an address. Only the first size bytes may be used: the file system has
	// reserved room for them.
	pages *[maxSize]byte
	size  int // of the header and the records in the file
	// pending is in the header: see write.
	pending *atomic.Uint32
	mac     hash.Hash // used by digest, with the key in the header
	reset   string    // why the former content was dropped, or empty
}

// openFile opens and locks the session file in dir. If the file is missing or of
// another version, it makes an empty one.
func openFile(dir string, random io.Reader) (*file, error) {
	path := filepath.Join(dir, fileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	s := &file{File: f}
	key, err := s.readHeader(random)
	if err == nil {
		err = s.share()
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.mac = hmac.New(sha256.New, key)
	return s, nil
}

// readHeader returns the key in the header. If the header is not valid, it empties the file and writes a new header.
func (f *file) readHeader(random io.Reader) (key []byte, err error) {
	header := make([]byte, recordLen)
	n, err := f.ReadAt(header, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	key = header[len(magic):][:keyLen]
	if n == recordLen && bytes.HasPrefix(header, []byte(magic)) {
		return key, nil
	}
	if n > 0 {
		f.reset = "it is not one of this version"
	}
	if err := f.Truncate(0); err != nil {
		return nil, err
	}
	clear(header)
	copy(header, magic)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("file key: %w", err)
	}
	_, err = f.WriteAt(header, 0)
	return key, err
}

// share maps the file into memory, and completes the write in which an earlier process was killed.
func (f *file) share() error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	whole := (min(info.Size(), maxSize) + recordLen - 1) / recordLen * recordLen
	if err := f.extend(int(whole)); err != nil {
		return err
	}
	pages, err := unix.Mmap(int(f.Fd()), 0, maxSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	f.pages = (*[maxSize]byte)(pages)
	f.pending = (*atomic.Uint32)(unsafe.Pointer(&f.pages[pendingAt]))
	if n := int(f.pending.Load()); n > 0 && n <= maxSlots && f.size >= recordLen*(n+1) {
		f.complete(n)
	}
	f.pending.Store(0)
	return nil
}

// extend makes the file at least that long, and reserves room for all of it: a write to a page without room would end the
// process.
func (f *file) extend(size int) error {
	if size <= f.size {
		return nil
	}
	err := unix.Fallocate(int(f.Fd()), 0, 0, int64(size))
	for errors.Is(err, unix.EINTR) { // a signal of Go's runtime
		err = unix.Fallocate(int(f.Fd()), 0, 0, int64(size))
	}
	if err == nil {
		f.size = size
	}
	return err
}

// Close closes and unlocks the file.
func (f *file) Close() error {
	if err := f.File.Close(); err != nil {
		return err
	}
	return unix.Munmap(f.pages[:])
}

// records calls use for every record that is not blank.
func (f *file) records(use func(slot int, r *record)) {
	for slot := range f.size/recordLen - 1 {
		if r := record(f.record(slot + 1)); r != blank {
			use(slot, &r)
		}
	}
}

// record returns the bytes of a record. The header has number 0.
func (f *file) record(number int) []byte { return f.pages[recordLen*number:][:recordLen] }

// reserve makes sure that there is room for the record of a slot.
func (f *file) reserve(slot int) error {
	if err := f.extend(recordLen * (slot + 2)); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	return nil
}

// write replaces the record of a slot for which there is room. If the process is killed before pending is set, the old
// record is whole. If the process is killed later, the next one completes the write.
func (f *file) write(slot int, r *record) {
	spare := f.pages[spareAt:recordLen]
	copy(spare, r[:fieldsLen])
	copy(spare[fieldsLen:], r[recordLen-sumLen:])
	f.pending.Store(uint32(slot + 1))
	f.complete(slot + 1)
	f.pending.Store(0)
}

// complete copies the spare record in the header to its place.
func (f *file) complete(number int) {
	spare, r := f.pages[spareAt:recordLen], f.record(number)
	copy(r, spare[:fieldsLen])
	clear(r[fieldsLen : recordLen-sumLen])
	copy(r[recordLen-sumLen:], spare[fieldsLen:])
}

// digest returns the HMAC-SHA-256 of the parts and their lengths.
func (f *file) digest(parts ...[]byte) [32]byte {
	f.mac.Reset()
	for _, p := range parts {
		f.mac.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(p))))
		f.mac.Write(p)
	}
	return [32]byte(f.mac.Sum(nil))
}
