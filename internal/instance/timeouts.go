package instance

import (
	"fmt"
	"time"
)

// Every timeout lies between these. Shorter would be a slip of the keyboard, and
// longer the same as never.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 24 * time.Hour
)

// Timeouts says how long a BMC waits for what.
type Timeouts struct {
	Idle    time.Duration // without a valid packet before the process exits
	Session time.Duration // without a valid packet before a session ends (§6.12.15)
	Query   time.Duration // for a script that asks for something
	Action  time.Duration // for a script that does something
	Answer  time.Duration // before Chassis Control answers that it goes on with it
}

// timeoutKeys are the names of the timeouts in the configuration file and in the
// environment.
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
}

func defaultTimeouts() Timeouts {
	var t Timeouts
	for _, key := range timeoutKeys {
		*key.field(&t) = key.value
	}
	return t
}

// Set reads the value of the timeout idle, session, query, action or answer, in
// the syntax of time.ParseDuration. It changes nothing when it returns an error.
func (t *Timeouts) Set(name, value string) error {
	for _, key := range timeoutKeys {
		if key.name != name {
			continue
		}
		d, err := time.ParseDuration(value)
		if err != nil || d < minTimeout || d > maxTimeout {
			return fmt.Errorf("%q: want a duration like 90s or 5m, from 100ms to 24h", value)
		}
		*key.field(t) = d
		return nil
	}
	return fmt.Errorf("%q: want idle, session, query, action or answer", name)
}
