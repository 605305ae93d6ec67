package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A FRU is what stands on the label of a machine. Its fields are printable ASCII of at most 63 bytes; empty means that
// nothing is known.
type FRU struct {
	Manufacturer, Product, Serial, Asset string
}

// maxFRU is how many bytes a field may have: IPMI FRU data has six bits for its length.
const maxFRU = 63

// FRU asks for the label of the machine. The script prints a line KEY=VALUE for each field that it knows. Its errors
// are like those of Status.
func (r *Runner) FRU(ctx context.Context) (FRU, error) {
	answer, err := r.query(ctx, FRUGet)
	if err != nil {
		return FRU{}, err
	}
	fru, err := parseFRU(answer)
	if err != nil {
		return FRU{}, &Error{Verb: FRUGet, Output: answer, Err: err}
	}
	return fru, nil
}

func parseFRU(text string) (FRU, error) {
	var fru FRU
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
		fail := func(err error) (FRU, error) { return FRU{}, fmt.Errorf("key %.40q: %w", key, err) }
		switch {
		case !delimited:
			return FRU{}, fmt.Errorf("%.40q: not key=value", line)
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
