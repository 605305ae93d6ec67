// Package event names what happens to a BMC, for everything that watches BMCs from outside. A log record is an event if it
// has an attribute of this package. The BMC process makes a journal entry with fields of it, and counts it.
//
// The package neither writes nor counts. It does not know the event log of the managed machine, to which an entry is added
// for some of these events. Start reading at Event.
package event

import (
	"log/slog"
	"time"
)

// A Kind says what happened.
type Kind struct {
	// Name is one word, such as "login".
	Name string
	// ID is the MESSAGE_ID of journal entries, see systemd.journal-fields(7). It never changes.
	ID string
}

// The kinds of events.
var (
	Login       = Kind{"login", "423af32bc8994cbdb051d7690a7cf6f0"}
	Refused     = Kind{"refused", "d070c941bc0d471489888dfb5e9dbcdb"}
	Logout      = Kind{"logout", "a9fa29eb3fc546e7afbd8a21c89e9d6c"}
	Begun       = Kind{"begun", "9a95ab46031948b5998e4e525108e087"}
	Ended       = Kind{"ended", "c50c212f597b41f29a030bc8b1b929a9"}
	Query       = Kind{"query", "fe3af753e5fe4f67b80f434827cb58e3"}
	Added       = Kind{"added", "122ef59177f446adaae2af0133fed6b1"}
	User        = Kind{"user", "8ad9532fbc9845c8a221dda9295927aa"}
	ConsoleOpen = Kind{"console-open", "4cf935957f014cc6a5209861b038558e"}
	ConsoleEnd  = Kind{"console-end", "0f95c6c4813942abbee97f51d1e3e5ac"}
	GuestOpen   = Kind{"guest-open", "b9d09442698f4e20ba53b0f25f38c868"}
	GuestEnd    = Kind{"guest-end", "e7506974dea5433b8c0a9b10fcb51f83"}
	Exited      = Kind{"exited", "63ef0115c9ff42d9942ca485d31bfa5b"}

	// Started is counted only: systemd makes a journal entry.
	Started = Kind{Name: "started"}
)

// A Described is a kind with what it means.
type Described struct {
	Kind
	Meaning string
}

// Kinds lists the kinds that are journal entries.
var Kinds = []Described{
	{Login, "a client has logged in, at most once a minute for each user and address"},
	{Refused, "a client has not logged in"},
	{Logout, "a session has timed out, or another client has ended it"},
	{Begun, "the script of an action has begun"},
	{Ended, "the script of an action has ended"},
	{Query, "a script that reads has ended"},
	{Added, "an entry was added to the event log"},
	{User, "a client has changed a user"},
	{ConsoleOpen, "a client has opened the console"},
	{ConsoleEnd, "a client no longer has the console open"},
	{GuestOpen, "a guest has connected to its BMC"},
	{GuestEnd, "a guest has gone"},
	{Exited, "the process has exited"},
}

// An Event is the attribute that makes a log record an event. The client is in attributes of the record, "user" and "peer".
// Fields that do not apply are zero.
type Event struct {
	Kind
	Via    string        // how the client came: "lan", "redfish", "in-band"; "bmc" if the BMC itself asked
	Verb   string        // of a script, in one word: "power-on"
	Result string        // of a script: "done" or why it failed; of Added: what happened
	Power  string        // "on" or "off", if the event tells it
	Took   time.Duration // time that a script took
	Count  int           // how many events this one represents; 0: one
}

// Counted is the level of a record that is counted and not logged. Handlers that do not count drop it.
const Counted = slog.LevelDebug - 4

const key = "event"

// LogValue implements slog.LogValuer. Handlers that do not know events leave an empty group out.
func (Event) LogValue() slog.Value { return slog.GroupValue() }

// Attr is the attribute for a log record.
func (e Event) Attr() slog.Attr { return slog.Any(key, e) }

// Attr is the attribute for a log record of an event of which only the kind is known.
func (k Kind) Attr() slog.Attr { return Event{Kind: k}.Attr() }

// Of returns the event that an attribute is, if it is one.
func Of(a slog.Attr) (e Event, is bool) {
	e, is = a.Value.Any().(Event)
	return e, is
}
