package instance

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// The range of all timeouts. A shorter value is probably a mistake, and a longer one is useless.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 24 * time.Hour
)

// Timeouts are the timeouts of a BMC, each from 100 ms to 24 hours.
type Timeouts struct {
	Idle    time.Duration // the process exits after that time without a valid packet
	Session time.Duration // a session ends after that time without a valid packet (§6.12.15)
	Query   time.Duration // time limit of a script that only reads, such as status
	Action  time.Duration // time limit of a script that changes something, such as on
	Answer  time.Duration // Chassis Control is answered after that time even if its script still runs
	Media   time.Duration // time limit of a script that inserts an image
}

// timeoutKeys has the names of the timeouts in the configuration file and in the environment, and their defaults.
var timeoutKeys = []struct {
	name     string
	variable string
	value    time.Duration
	field    func(*Timeouts) *time.Duration
}{
	{"idle", "SHIPMI_IDLE_TIMEOUT", 10 * time.Second, func(t *Timeouts) *time.Duration { return &t.Idle }},
	{"session", "SHIPMI_SESSION_TIMEOUT", time.Minute, func(t *Timeouts) *time.Duration { return &t.Session }},
	{"query", "SHIPMI_QUERY_TIMEOUT", 15 * time.Second, func(t *Timeouts) *time.Duration { return &t.Query }},
	{"action", "SHIPMI_ACTION_TIMEOUT", 5 * time.Minute, func(t *Timeouts) *time.Duration { return &t.Action }},
	{"answer", "SHIPMI_ANSWER_TIMEOUT", 2 * time.Second, func(t *Timeouts) *time.Duration { return &t.Answer }},
	{"media", "SHIPMI_MEDIA_TIMEOUT", 30 * time.Minute, func(t *Timeouts) *time.Duration { return &t.Media }},
}

func defaultTimeouts() Timeouts {
	var t Timeouts
	for _, key := range timeoutKeys {
		*key.field(&t) = key.value
	}
	return t
}

// All returns the timeouts by name, in the order of the fields.
func (t Timeouts) All() iter.Seq2[string, time.Duration] {
	return func(yield func(string, time.Duration) bool) {
		for _, key := range timeoutKeys {
			if !yield(key.name, *key.field(&t)) {
				return
			}
		}
	}
}

// Set sets the timeout with that name: idle, session, query, action, answer or media. The value has the syntax of
// time.ParseDuration; an empty value is the default. Set returns an error, and changes nothing, for another name and for a value out of range.
func (t *Timeouts) Set(name, value string) error {
	for _, key := range timeoutKeys {
		if key.name != name {
			continue
		}
		if value == "" {
			*key.field(t) = key.value
			return nil
		}
		d, err := time.ParseDuration(value)
		if err != nil || d < minTimeout || d > maxTimeout {
			return fmt.Errorf("%q: want a duration like 90s or 5m, from 100ms to 24h", value)
		}
		*key.field(t) = d
		return nil
	}
	return fmt.Errorf("%q: want idle, session, query, action, answer or media", name)
}

// FormatTimeout returns a timeout for Set: 5m, not 5m0s, and 1h, not 1h0m0s.
func FormatTimeout(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
