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
	"syscall"
)

// ErrLocked means that another process has the session file open: it serves the same BMC.
var ErrLocked = errors.New("another process uses it")

// The file has a header of recordLen bytes and then one record for each slot, up to the highest slot that was ever used.
// The header is magic, a random key, and zeros.
const (
	fileName = "sessions"
	magic    = "shipmi sessions 1\n" // version of the format of the whole file
	keyLen   = 32
)

// blank is the record of a free slot.
var blank record

// A file is the session file. It lies on a file system that is empty after a boot.
type file struct {
	*os.File
	mac   hash.Hash // used by digest, with the key in the header
	reset string    // why the former content was dropped, or empty
}

// openFile opens and locks the session file in dir. If the file is missing or of
// another version, it makes an empty one.
func openFile(dir string, random io.Reader) (*file, error) {
	path := filepath.Join(dir, fileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	s := &file{File: f}
	key, err := s.readHeader(random)
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

// records calls use for every record that is not blank.
func (f *file) records(use func(slot int, r *record)) error {
	all, err := io.ReadAll(io.NewSectionReader(f, recordLen, recordLen*int64(len(Table{}.slots))))
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	for slot := 0; len(all) > 0; slot++ {
		var r record
		all = all[copy(r[:], all):]
		if r != blank {
			use(slot, &r)
		}
	}
	return nil
}

// write replaces the record of a slot.
func (f *file) write(slot int, r *record) error {
	_, err := f.WriteAt(r[:], recordLen*int64(slot+1))
	return err
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
