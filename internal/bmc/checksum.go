package bmc

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// A file that has lost a bit may read well and say something else. So a line of ours ends
// with a blank and a checksum of what comes before.
const checksumLen = len(" 01234567")

var errChecksum = errors.New("damaged: the checksum is another one")

func withChecksum(text []byte) string {
	return fmt.Sprintf("%s %08x", text, crc32.ChecksumIEEE(text))
}

// checked is the inverse of withChecksum.
func checked(line string) ([]byte, error) {
	text := []byte(line[:max(0, len(line)-checksumLen)])
	if line != withChecksum(text) {
		return nil, errChecksum
	}
	return text, nil
}
