package event

import (
	"strconv"
	"strings"
	"time"
)

// A Metric is a family of numbers that are counted for a BMC. Name is that of Prometheus without the prefix "shipmi_".
type Metric struct {
	Name string
	Type string // "counter" or "gauge"
	Help string
	// Nano is set if the number is in nanoseconds, and the metric in seconds.
	Nano bool
}

// The metrics that the process of a BMC counts.
var (
	Starts        = Metric{"starts_total", "counter", "Starts of the process of the BMC.", false}
	Logins        = Metric{"logins_total", "counter", "Logins.", false}
	LoginsRefused = Metric{"logins_refused_total", "counter", "Logins that failed or were refused.", false}
	Scripts       = Metric{"scripts_total", "counter", "Scripts that have ended, by verb and result.", false}
	ScriptTime    = Metric{"script_seconds_total", "counter", "Time that scripts have taken, by verb.", true}
	Entries       = Metric{"event_log_entries_total", "counter", "Entries that were added to the event log.", false}
	Power         = Metric{"power_on", "gauge", "Whether the managed machine is on (1) or off (0), as last known.", false}
	PowerTime     = Metric{"power_timestamp_seconds", "gauge", "When that was last known.", false}
)

// Metrics lists them.
var Metrics = []Metric{Starts, Logins, LoginsRefused, Scripts, ScriptTime, Entries, Power, PowerTime}

// Format returns a value as Prometheus writes it.
func (m Metric) Format(value uint64) string {
	if m.Nano {
		return strconv.FormatFloat(time.Duration(value).Seconds(), 'f', -1, 64)
	}
	return strconv.FormatUint(value, 10)
}

// Series is the name of one number: the metric, then labels, which are pairs of name and value, as Prometheus writes them:
// scripts_total{verb="power-on",result="done"}.
func Series(m Metric, labels ...string) string {
	if len(labels) == 0 {
		return m.Name
	}
	var pairs []string
	for i := 0; i < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+`="`+labels[i+1]+`"`)
	}
	return m.Name + "{" + strings.Join(pairs, ",") + "}"
}

// commandVerb begins the verbs of IPMI commands that a provider defines. There may be many, so they are counted as one.
const commandVerb = "command"

// VerbLabel is the verb of a script as the label of a metric.
func VerbLabel(verb string) string {
	if strings.HasPrefix(verb, commandVerb+"-") {
		return commandVerb
	}
	return verb
}
