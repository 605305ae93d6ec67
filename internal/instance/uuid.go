package instance

import (
	"fmt"
	"strings"
)

// ParseUUID returns a UUID in its canonical form, with lower-case digits (RFC 9562 section 4). An empty text means no UUID.
func ParseUUID(text string) (string, error) {
	const form = "00000000-0000-0000-0000-000000000000"
	digits := func(r rune) rune {
		if strings.ContainsRune("0123456789abcdef", r) {
			return '0'
		}
		return r
	}
	uuid := strings.ToLower(text)
	if text != "" && strings.Map(digits, uuid) != form {
		return "", fmt.Errorf("%q: want a UUID like 6a1d3e1c-0b7f-4c2a-9d58-2f1c7be8a0d4", text)
	}
	return uuid, nil
}
