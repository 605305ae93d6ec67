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

// A handler writes records as journald takes them from a service: the priority
// in front, see sd-daemon(3), then the message, then key=value. The time is
// left to journald.
type handler struct {
	out   io.Writer
	least slog.Level
	group string // in front of keys
	attrs []slog.Attr
}

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
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least }

// Handle implements slog.Handler.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
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

// printable keeps a record on one line, whatever a script has printed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

func (h *handler) named(a slog.Attr) slog.Attr {
	a.Key = h.group + a.Key
	return a
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		with.attrs = append(with.attrs, h.named(a))
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	with.group += name + "."
	return &with
}
