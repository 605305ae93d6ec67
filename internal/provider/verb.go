package provider

import (
	"slices"
	"strings"
)

// A Verb names one script of a provider: its section in lower case, a blank, its key.
type Verb string

// The verbs that a provider file may define.
const (
	Status   Verb = "power status"
	On       Verb = "power on"
	Off      Verb = "power off"
	Shutdown Verb = "power shutdown"
	Reset    Verb = "power reset"
	Diag     Verb = "power diag"
	Cycle    Verb = "power cycle"
	BootGet  Verb = "boot get"
	BootSet  Verb = "boot set"
	Identify Verb = "chassis identify"
	FRUGet   Verb = "fru get"
	// Connect is neither a query nor an action: it runs as long as a client uses the serial
	// console, and its standard input and output are that console.
	Connect Verb = "console connect"
	Break   Verb = "console break"

	MediaInsert Verb = "media insert"
	MediaEject  Verb = "media eject"
	MediaGet    Verb = "media get"

	SensorsGet Verb = "sensors get"

	// EventsAdded is a hook: it runs when an entry was added to the event log, and nothing waits for it.
	EventsAdded Verb = "events added"
)

var verbs = []Verb{
	Status, On, Off, Shutdown, Reset, Diag, Cycle, BootGet, BootSet, Identify, FRUGet, Connect, Break,
	MediaInsert, MediaEject, MediaGet, SensorsGet, EventsAdded,
}

// Identifier is the verb in one word, "power-on", for SHIPMI_VERB and for journalctl -t.
func (v Verb) Identifier() string { return strings.ReplaceAll(string(v), " ", "-") }

// AllVerbs lists the verbs.
func AllVerbs() []Verb { return slices.Clone(verbs) }

// Known reports whether there is such a verb.
func (v Verb) Known() bool { return slices.Contains(verbs, v) || v.IsCommand() }

// Asks reports whether the script of v prints an answer and changes nothing.
func (v Verb) Asks() bool {
	return v == Status || v == BootGet || v == FRUGet || v == MediaGet || v == SensorsGet ||
		strings.HasPrefix(string(v), commandAsks)
}

// Absolute reports whether v asks for a state, so that the script of v has no further effect if
// it runs once more.
func (v Verb) Absolute() bool {
	return v == On || v == Off || v == BootSet || v == Identify || v == MediaInsert || v == MediaEject
}

// Starts reports whether the managed machine boots when v has succeeded.
func (v Verb) Starts() bool { return v == On || v == Cycle || v == Reset }
