package script

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shipmi/shipmi/internal/provider"
)

// maxFRU is how many bytes a field may have: IPMI FRU data has six bits for its length.
const maxFRU = 63

// parseFRU reads the answer of [provider.FRUGet]: a line KEY=VALUE for each field that the script knows.
func parseFRU(text string) (provider.FRU, error) {
	var fru provider.FRU
	fields := map[string]*string{
		"manufacturer": &fru.Manufacturer, "product": &fru.Product, "serial": &fru.Serial, "asset": &fru.Asset,
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, delimited := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		fail := func(err error) (provider.FRU, error) { return provider.FRU{}, fmt.Errorf("key %.40q: %w", key, err) }
		switch {
		case !delimited:
			return provider.FRU{}, fmt.Errorf("%.40q: not key=value", line)
		case fields[key] == nil:
			return fail(errors.New("unknown key"))
		case seen[key]:
			return fail(errors.New("comes twice"))
		case len(value) > maxFRU:
			return fail(fmt.Errorf("%d bytes, at most %d fit", len(value), maxFRU))
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			return fail(fmt.Errorf("%q: not printable ASCII", value))
		}
		*fields[key] = value
		seen[key] = true
	}
	return fru, nil
}
