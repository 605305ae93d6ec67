package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
)

// A logHandler writes each record as a line that journald understands: the priority as sd-daemon(3) describes it, then
// the message, then key=value for each attribute. Journald adds the time.
//
// Packages such as systemd/slog-journal write to journald's datagram socket instead. They wait when journald hangs, and do
// not write at all where standard error leads elsewhere.
type logHandler struct {
	out   io.Writer
	level slog.Level // records below it are dropped
	group string     // prefix of keys
	attrs []slog.Attr
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
	fmt.Fprintf(&b, "<%d>%s", priority(r.Level), printable(r.Message))
	attrs := slices.Clone(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, h.named(a))
		return true
	})
	for _, a := range attrs {
		value := a.Value.Resolve().String()
		if value == "" || strings.ContainsAny(value, " \"=") || value != printable(value) {
			value = strconv.Quote(value)
		}
		fmt.Fprintf(&b, " %s=%s", a.Key, value)
	}
	b.WriteByte('\n')
	_, err := h.out.Write(b.Bytes())
	return err
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
