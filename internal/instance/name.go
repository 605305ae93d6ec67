package instance

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names stand in unit names and paths as they are, so nothing that systemd or a
// file system would have to escape is allowed.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

const maxName = 63 // not in validName, which would take a third of a millisecond of each start

// CheckName reports whether a BMC may have this name, and what names look like
// if not.
func CheckName(name string) error {
	if len(name) > maxName || !validName.MatchString(name) {
		return fmt.Errorf(`invalid name %q: use letters, digits, "_", "." and "-", a letter or digit first, %d at most`, name, maxName)
	}
	return nil
}

// CheckText reports whether a value can be kept on one line of a text file:
// valid UTF-8 without control characters. The error does not repeat the value,
// which may be a secret.
func CheckText(value string) error {
	switch {
	case !utf8.ValidString(value):
		return fmt.Errorf("is not valid UTF-8")
	case strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("contains a control character")
	}
	return nil
}
