package activation

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/journal"
)

// A logHandler makes each record a journal entry. Its MESSAGE= is the message, then key=value for each attribute. If the
// record is an event, its other fields are those of systemd.journal-fields(7) and ours, SHIPMI_.
//
// If journald takes no entry, or standard error leads elsewhere, the record becomes a line: the priority as sd-daemon(3)
// describes it, then the text of MESSAGE=. Packages such as systemd/slog-journal wait when journald hangs, and do not write
// at all where standard error leads elsewhere.
type logHandler struct {
	send    func(journal.Entry) error // nil: every record becomes a line
	program string                    // the SYSLOG_IDENTIFIER that journald gives the lines of this process
	bmc     string                    // its name; empty in the gateway
	out     io.Writer
	level   slog.Level // records below it are dropped
	group   string     // prefix of keys
	attrs   []slog.Attr
}

// priority returns the priority of syslog(3).
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	default:
		return 7
	}
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements slog.Handler.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	var fields journal.Entry
	b.WriteString(printable(r.Message))
	attrs := slices.Clone(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, h.named(a))
		return true
	})
	for _, a := range attrs {
		if e, is := event.Of(a); is {
			fields = append(fields, fieldsOf(e)...)
			continue
		}
		value := a.Value.Resolve().String()
		if field := fieldNames[a.Key]; field != "" {
			fields = append(fields, journal.Field{Name: field, Value: printable(value)})
		}
		if value == "" || strings.ContainsAny(value, " \"=") || value != printable(value) {
			value = strconv.Quote(value)
		}
		fmt.Fprintf(&b, " %s=%s", a.Key, value)
	}
	if h.send != nil {
		entry := append(journal.Entry{
			{Name: "MESSAGE", Value: b.String()},
			{Name: "PRIORITY", Value: strconv.Itoa(priority(r.Level))},
			{Name: "SYSLOG_IDENTIFIER", Value: h.program},
		}, fields...)
		if h.bmc != "" {
			entry = append(entry, journal.Field{Name: "SHIPMI_BMC", Value: printable(h.bmc)})
		}
		if h.send(entry) == nil {
			return nil
		}
	}
	_, err := fmt.Fprintf(h.out, "<%d>%s\n", priority(r.Level), b.Bytes())
	return err
}

// fieldNames are the attributes that are also fields of their own.
var fieldNames = map[string]string{"user": "SHIPMI_USER", "peer": "SHIPMI_PEER"}

// fieldsOf returns the fields of an event that apply to it.
func fieldsOf(e event.Event) (fields journal.Entry) {
	for _, f := range []journal.Field{
		{Name: "MESSAGE_ID", Value: e.ID},
		{Name: "SHIPMI_EVENT", Value: e.Name},
		{Name: "SHIPMI_VIA", Value: e.Via},
		{Name: "SHIPMI_VERB", Value: e.Verb},
		{Name: "SHIPMI_RESULT", Value: e.Result},
		{Name: "SHIPMI_POWER", Value: e.Power},
		{Name: "SHIPMI_TOOK_USEC", Value: positive(e.Took.Microseconds())},
		{Name: "SHIPMI_COUNT", Value: positive(int64(e.Count))},
	} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

func positive(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// printable replaces what cannot be printed by question marks. A line break in the output of a script must not begin
// another journal entry.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

func (h *logHandler) named(a slog.Attr) slog.Attr {
	a.Key = h.group + a.Key
	return a
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		with.attrs = append(with.attrs, h.named(a))
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.group += name + "."
	return &with
}
