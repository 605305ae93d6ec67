package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

// An interrupted systemd remembers what is enabled. It refuses every order of a context that
// has ended, as the real one does.
type interruptible struct {
	loader

	enabled   map[string]bool
	interrupt func(order string)
}

func (i *interruptible) Reload(ctx context.Context) error {
	i.interrupt("reload")
	return errors.Join(ctx.Err(), i.loader.Reload(ctx))
}

func (i *interruptible) Enable(ctx context.Context, names []string) error {
	i.interrupt("enable")
	for _, name := range names {
		i.enabled[name] = ctx.Err() == nil
	}
	return ctx.Err()
}

func (i *interruptible) Disable(ctx context.Context, names []string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, name := range names {
		delete(i.enabled, name)
	}
	return nil
}

func (i *interruptible) Start(ctx context.Context, names []string) map[string]error {
	failed := make(map[string]error)
	for n, name := range names {
		if n == 1 {
			i.interrupt("start")
		}
		if ctx.Err() != nil {
			failed[name] = ctx.Err()
			continue
		}
		i.set([]string{name}, true)
	}
	return failed
}

func (i *interruptible) Stop(ctx context.Context, names []string) map[string]error {
	i.interrupt("stop")
	failed := make(map[string]error)
	for _, name := range names {
		if ctx.Err() != nil {
			failed[name] = ctx.Err()
			continue
		}
		i.set([]string{name}, false)
	}
	i.interrupt("stopped")
	return failed
}

// ^C at any instant of "start" and "stop" leaves each BMC enabled and active, or neither. ^C in
// "delete" and "rename" leaves the BMC as it was.
func TestInterrupted(t *testing.T) {
	for _, tt := range []struct {
		order string // during which ^C comes
		args  []string
	}{
		{"enable", []string{"start", "--all"}},
		{"reload", []string{"start", "--all"}},
		{"start", []string{"start", "--all"}},
		{"stop", []string{"delete", "n1"}},
		{"stopped", []string{"stop", "n1", "n2", "n3"}},
		{"stop", []string{"rename", "n1", "new"}},
		{"reload", []string{"rename", "n1", "new"}},
		{"reload", []string{"copy", "n1", "new", "--port", "6240"}},
	} {
		t.Run(tt.order+" "+tt.args[0], func(t *testing.T) {
			root := t.TempDir()
			providers := filepath.Join(root, "etc/shipmi/providers")
			require.NoError(t, os.MkdirAll(providers, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(providers, "vm.conf"), []byte("[POWER]\nstatus = echo on\n"), 0o600))
			getenv := func(string) string { return "" }
			store := units.SystemStore(root)
			manager := &interruptible{
				loader:    loader{store: store, active: make(map[string]bool)},
				enabled:   make(map[string]bool),
				interrupt: func(string) {},
			}
			var stderr bytes.Buffer
			shipmi := func(ctx context.Context, args ...string) int {
				stderr.Reset()
				a := &app{
					Terminal: terminal.Terminal{Stdin: strings.NewReader(""), Stdout: &bytes.Buffer{}, Stderr: &stderr, Getenv: getenv},
					store:    store,
					host:     settings.Host{ConfigDirs: []string{store.ConfigDir()}, Getenv: getenv},
					connect:  func(context.Context) (serviceManager, error) { return manager, nil },
				}
				return a.run(ctx, args)
			}
			require.Zero(t, shipmi(t.Context(), "add", "n1", "n2", "n3", "--port", "6230+", "--address", "127.0.0.1", "--password", "x"), stderr.String())
			sockets := []string{units.SocketUnit("n1"), units.SocketUnit("n2"), units.SocketUnit("n3")}
			if tt.args[0] != "start" {
				require.Zero(t, shipmi(t.Context(), "start", "--all"), stderr.String())
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			manager.interrupt = func(order string) {
				if order == tt.order {
					cancel()
				}
			}
			want := exitInterrupted
			if tt.order == "stopped" {
				want = exitOK // nothing was left to do
			}
			require.Equal(t, want, shipmi(ctx, tt.args...), stderr.String())
			for _, unit := range sockets {
				if tt.args[0] == "start" || tt.args[0] == "stop" {
					require.Equal(t, manager.active[unit], manager.enabled[unit], unit)
				} else {
					require.True(t, manager.active[unit], unit)
				}
			}
			require.False(t, manager.active[units.SocketUnit("new")])
			names, err := store.Names()
			require.NoError(t, err)
			require.Equal(t, []string{"n1", "n2", "n3"}, names)
		})
	}
}
