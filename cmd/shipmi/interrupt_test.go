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

	interrupt func(order string)
}

func (i *interruptible) Reload(ctx context.Context) error {
	i.interrupt("reload")
	return errors.Join(ctx.Err(), i.loader.Reload(ctx))
}

func (i *interruptible) Enable(ctx context.Context, names []string) error {
	i.interrupt("enable")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return enable(filepath.Join(i.root, i.store.Units), names)
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

// interruptedManifest moves a BMC, stops one, deletes one and adds two.
const interruptedManifest = `
version: 1
bmcs:
  - {name: n1, address: [127.0.0.1], port: 6240}
  - {name: n2, address: [127.0.0.1], port: 6231, state: stopped}
  - {name: n3, state: absent}
  - {name: new, address: [127.0.0.1], port: 6241, users: [{name: a, privilege: user, password: x}]}
  - {name: newer, address: [127.0.0.1], port: 6242, users: [{name: a, privilege: user, password: x}]}
`

// ^C at any instant of "start" and "stop" leaves each BMC enabled and active, or neither. ^C in
// "delete", "rename" and "apply" leaves each BMC as it was.
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
		{"stop", []string{"apply", "--file", "fleet.yml"}},
		{"enable", []string{"apply", "--file", "fleet.yml"}},
		{"reload", []string{"apply", "--file", "fleet.yml"}},
		{"start", []string{"apply", "--file", "fleet.yml"}},
	} {
		t.Run(tt.order+" "+tt.args[0], func(t *testing.T) {
			root := t.TempDir()
			providers := filepath.Join(root, "etc/shipmi/providers")
			require.NoError(t, os.MkdirAll(providers, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(providers, "vm.conf"), []byte("[POWER]\nstatus = echo on\n"), 0o600))
			t.Chdir(root)
			require.NoError(t, os.WriteFile("fleet.yml", []byte(interruptedManifest), 0o600))
			getenv := func(string) string { return "" }
			store := units.SystemStore(root)
			manager := &interruptible{
				loader:    loader{root: root, store: store, active: make(map[string]bool)},
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
			enabled, err := store.Enabled()
			require.NoError(t, err)
			for _, name := range []string{"n1", "n2", "n3"} {
				isActive := manager.active[units.SocketUnit(name)]
				if tt.args[0] == "start" || tt.args[0] == "stop" {
					require.Equal(t, isActive, enabled[name], name)
				} else {
					require.True(t, isActive, name)
					require.True(t, enabled[name], name)
				}
			}
			require.False(t, manager.active[units.SocketUnit("new")])
			names, err := store.Names()
			require.NoError(t, err)
			require.Equal(t, []string{"n1", "n2", "n3"}, names)
		})
	}
}
