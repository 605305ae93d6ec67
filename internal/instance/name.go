package instance

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// validName matches names that need no escaping in unit names and paths.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

const maxName = 63 // bytes; as a part of validName it would add 0.3 ms to each start

// CheckName returns an error if a BMC cannot have this name. The error describes valid names.
func CheckName(name string) error {
	if len(name) > maxName || !validName.MatchString(name) {
		return fmt.Errorf(`invalid name %q: use letters, digits, "_", "." and "-", a letter or digit first, %d at most`, name, maxName)
	}
	return nil
}

// CheckText returns an error if a value does not fit on one line of a text file, that is, if it is not valid UTF-8 or
// contains a control character. The error does not contain the value, which may be a secret.
func CheckText(value string) error {
	switch {
	case !utf8.ValidString(value):
		return fmt.Errorf("is not valid UTF-8")
	case strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("contains a control character")
	}
	return nil
}
