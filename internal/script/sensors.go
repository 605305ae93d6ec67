package script

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shipmi/shipmi/internal/provider"
)

// maxFaults is how many wrong lines an error tells of.
const maxFaults = 3

// parseReadings reads the answer of [provider.SensorsGet]: a line NAME=VALUE for each reading that the script knows.
// Nothing behind "=" means that it is not known. A wrong line is an error and leaves its sensor without a reading. The
// readings of other lines are right.
func parseReadings(text string, declared provider.Sensors) (map[string]float64, error) {
	values := make(map[string]float64)
	seen := make(map[string]bool)
	var faults []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, delimited := strings.Cut(line, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		i, known := declared.Named(name)
		fail := func(format string, args ...any) {
			faults = append(faults, fmt.Sprintf("%.40q: ", line)+fmt.Sprintf(format, args...))
		}
		switch {
		case !delimited:
			fail("not name=value")
			continue
		case !known:
			fail("no such sensor is declared")
			continue
		case seen[name]:
			fail("comes twice")
			delete(values, name)
			continue
		}
		seen[name] = true
		if value == "" {
			continue
		}
		s := declared.All[i]
		switch n, err := provider.ParseReading(value); {
		case err != nil:
			fail("%v", err)
		case n < s.Min || n > s.Max:
			fail("not within %s..%s %s", provider.FormatReading(s.Min), provider.FormatReading(s.Max), s.Unit)
		default:
			values[name] = n
		}
	}
	if len(faults) == 0 {
		return values, nil
	}
	more := ""
	if len(faults) > maxFaults {
		more = fmt.Sprintf("; and %d more", len(faults)-maxFaults)
		faults = faults[:maxFaults]
	}
	return values, errors.New("printed " + strings.Join(faults, "; ") + more)
}
