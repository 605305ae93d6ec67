// Package checksum protects a line of text against damage. A file that has lost a bit may
// still be well-formed and say something else, so each line ends with a blank and the
// CRC-32 of the text before it. A checksum does not protect against a deliberate change. Start reading at [Seal].
package checksum

import (
	"errors"
	"fmt"
	"hash/crc32"
)

const length = len(" 01234567")

// ErrMismatch is the error of [Check] for a line that is damaged or has no checksum.
var ErrMismatch = errors.New("damaged: the checksum does not match")

// Seal returns text with its checksum. The text must be one line.
func Seal(text []byte) string { return fmt.Sprintf("%s %08x", text, crc32.ChecksumIEEE(text)) }

// Check returns the text of a line that [Seal] returned.
func Check(line string) ([]byte, error) {
	text := []byte(line[:max(0, len(line)-length)])
	if line != Seal(text) {
		return nil, ErrMismatch
	}
	return text, nil
}
