package activation

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/journal"
)

// A record is one line. The output of a script cannot begin a journal entry with a priority of its choice.
func TestLog(t *testing.T) {
	for want, write := range map[string]func(*slog.Logger){
		"<3>power on failed": func(l *slog.Logger) { l.Error("power on failed") },
		"<4>cannot answer":   func(l *slog.Logger) { l.Warn("cannot answer") },
		"<6>idle, exiting":   func(l *slog.Logger) { l.Info("idle, exiting") },
		"<7>dropped":         func(l *slog.Logger) { l.Debug("dropped") },

		`<6>done took=1.5s user=admin peer=[::1]:623`: func(l *slog.Logger) {
			l.Info("done", "took", 1500*time.Millisecond, "user", "admin", "peer", netip.MustParseAddrPort("[::1]:623"))
		},
		`<6>x a="" b="a b" c="a=b" d="\"" e=ü`: func(l *slog.Logger) {
			l.Info("x", "a", "", "b", "a b", "c", "a=b", "d", `"`, "e", "ü")
		},
		`<6>x err="two\nlines\x1b[31m"`: func(l *slog.Logger) { l.Info("x", "err", errors.New("two\nlines\x1b[31m")) },
		`<6>x err="<3>\x00\u2028"`:      func(l *slog.Logger) { l.Info("x", "err", "<3>\x00\u2028") },
		`<6>x err="\xff"`:               func(l *slog.Logger) { l.Info("x", "err", "\xff") },
		`<3>two?lines? ?[31m`:           func(l *slog.Logger) { l.Error("two\nlines\r \x1b[31m") },
		`<6>x a=1 s.b=2 s.t.c=3`: func(l *slog.Logger) {
			l.With("a", 1).WithGroup("s").With("b", 2).WithGroup("t").Info("x", "c", 3)
		},
	} {
		var out bytes.Buffer
		write(slog.New(&logHandler{out: &out, level: slog.LevelDebug}))
		require.Equal(t, want+"\n", out.String())
	}
}

// A record is a journal entry with fields. If journald does not take it, it is a line.
func TestJournalEntry(t *testing.T) {
	var out bytes.Buffer
	var sent journal.Entry
	full := false
	send := func(e journal.Entry) error {
		if sent = e; full {
			return unix.EAGAIN
		}
		return nil
	}
	log := slog.New(&logHandler{send: send, program: "shipmi-bmc", bmc: "node-0", out: &out})
	ended := event.Event{Kind: event.Ended, Via: "lan", Verb: "power-on", Result: "done", Power: "on", Took: 1500 * time.Millisecond}
	write := func() {
		log.Info("power on done", "took", ended.Took, "user", "a b\n", "peer", netip.MustParseAddrPort("[::1]:623"), ended.Attr())
	}
	write()
	require.Equal(t, journal.Entry{
		{Name: "MESSAGE", Value: `power on done took=1.5s user="a b\n" peer=[::1]:623`},
		{Name: "PRIORITY", Value: "6"},
		{Name: "SYSLOG_IDENTIFIER", Value: "shipmi-bmc"},
		{Name: "SHIPMI_USER", Value: "a b?"},
		{Name: "SHIPMI_PEER", Value: "[::1]:623"},
		{Name: "MESSAGE_ID", Value: event.Ended.ID},
		{Name: "SHIPMI_EVENT", Value: "ended"},
		{Name: "SHIPMI_VIA", Value: "lan"},
		{Name: "SHIPMI_VERB", Value: "power-on"},
		{Name: "SHIPMI_RESULT", Value: "done"},
		{Name: "SHIPMI_POWER", Value: "on"},
		{Name: "SHIPMI_TOOK_USEC", Value: "1500000"},
		{Name: "SHIPMI_BMC", Value: "node-0"},
	}, sent)
	require.Empty(t, out.String())

	full = true
	write()
	require.Equal(t, "<6>power on done took=1.5s user=\"a b\\n\" peer=[::1]:623\n", out.String())
}

// The gateway has a name of its own, and serves no BMC.
func TestJournalEntryOfTheGateway(t *testing.T) {
	var sent journal.Entry
	send := func(e journal.Entry) error { sent = e; return nil }
	slog.New(&logHandler{send: send, program: "shipmi-gateway"}).Info("stopped")
	require.Equal(t, journal.Entry{
		{Name: "MESSAGE", Value: "stopped"},
		{Name: "PRIORITY", Value: "6"},
		{Name: "SYSLOG_IDENTIFIER", Value: "shipmi-gateway"},
	}, sent)
}

// With returns a new logger and leaves the old one as it is.
func TestLogWith(t *testing.T) {
	var out bytes.Buffer
	base := slog.New(&logHandler{out: &out}).With("a", 1)
	one, two := base.With("b", 2), base.With("c", 3)
	one.Info("x")
	two.Info("x")
	base.Info("x")
	require.Equal(t, "<6>x a=1 b=2\n<6>x a=1 c=3\n<6>x a=1\n", out.String())
}

func TestLogLevel(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(&logHandler{out: &out, level: slog.LevelInfo})
	log.Debug("no")
	log.Info("yes")
	require.Equal(t, "<6>yes\n", out.String())
}

func TestLogLevelByName(t *testing.T) {
	for name, want := range map[string]slog.Level{
		"": slog.LevelInfo, "debug": slog.LevelDebug, "WARN": slog.LevelWarn, "error": slog.LevelError,
	} {
		level, err := logLevel(name)
		require.NoError(t, err, name)
		require.Equal(t, want, level, name)
	}
	level, err := logLevel("all")
	require.EqualError(t, err, `SHIPMI_LOG: "all": want debug, info, warn or error`)
	require.Equal(t, slog.LevelInfo, level)
}

// The man page and the documentation list the fields of events.
func TestFieldsAreDocumented(t *testing.T) {
	for _, file := range []string{"man/shipmi-bmc.8", "monitoring.md"} {
		page, err := os.ReadFile("../../docs/" + file)
		require.NoError(t, err)
		for _, f := range fieldsOf(event.Event{Kind: event.Ended, Via: "v", Verb: "v", Result: "r", Power: "on", Took: time.Second, Count: 2}) {
			require.Contains(t, string(page), strings.ReplaceAll(f.Name, `-`, `\-`)+"=", file)
		}
	}
}
