package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

// A loader replaces systemd. It remembers the settings of BMCs as of the last reload.
type loader struct {
	root  string
	store units.Store

	mu     sync.Mutex
	loaded map[string]units.BMC
	active map[string]bool
}

func (l *loader) Reload(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	bmcs, err := l.store.List()
	l.loaded = make(map[string]units.BMC)
	for _, b := range bmcs {
		l.loaded[b.Name] = b
	}
	return err
}

func (l *loader) States(_ context.Context, names []string) (map[string]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	states := make(map[string]string)
	for _, name := range names {
		states[name] = "inactive"
		if l.active[name] {
			states[name] = "active"
		}
	}
	return states, nil
}

func (l *loader) set(names []string, active bool) map[string]error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range names {
		l.active[name] = active
	}
	return nil
}

func (l *loader) Start(_ context.Context, sockets []string) map[string]error {
	return l.set(sockets, true)
}
func (l *loader) Stop(_ context.Context, names []string) map[string]error { return l.set(names, false) }
func (l *loader) Enable(context.Context, []string) error                  { return nil }
func (l *loader) Disable(context.Context, []string) error                 { return nil }
func (l *loader) CheckFilter(context.Context, string) error               { return nil }
func (l *loader) Restart(context.Context, []string) map[string]error      { return nil }
func (l *loader) TryRestart(context.Context, []string) map[string]error   { return nil }
func (l *loader) Close()                                                  {}
func (l *loader) Processes(context.Context, []string) (map[string]systemd.Process, error) {
	return nil, nil
}
func (l *loader) Executions(context.Context, []string) (map[string]systemd.Execution, error) {
	return nil, nil
}
func (l *loader) Programs(context.Context, []string) (map[string]string, error) { return nil, nil }
func (l *loader) Conditions(context.Context, []string) (map[string]systemd.Condition, error) {
	return nil, nil
}
func (l *loader) NeedReload(context.Context, []string, func(time.Time) ([]string, bool, error)) (bool, error) {
	return false, nil
}

// Commands that run at the same time lose no change of each other, and leave no incomplete
// BMC. In the end, systemd has loaded the settings that each command set last.
func TestParallelCommands(t *testing.T) {
	root := t.TempDir()
	providers := filepath.Join(root, "etc/shipmi/providers")
	require.NoError(t, os.MkdirAll(providers, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(providers, "vm.conf"),
		[]byte("[PARAMETERS]\nzone = where\nvmid = which\n[DEFAULTS]\nzone = a\nvmid = 1\n[POWER]\nstatus = echo on\n"), 0o600))
	getenv := func(string) string { return "" }
	store := units.SystemStore(root)
	manager := &loader{store: store, active: make(map[string]bool)}
	shipmi := func(args ...string) (status int, stderr string) {
		var bad bytes.Buffer
		a := &app{
			Terminal: terminal.Terminal{Stdin: strings.NewReader(""), Stdout: &bytes.Buffer{}, Stderr: &bad, Getenv: getenv},
			store:    store,
			host:     settings.Host{ConfigDirs: []string{store.ConfigDir()}, Getenv: getenv},
			connect:  func(context.Context) (serviceManager, error) { return manager, nil },
		}
		status = a.run(t.Context(), args)
		return status, bad.String()
	}

	bmcs := []string{"n1", "n2", "n3"}
	status, stderr := shipmi(append([]string{"add", "--port", "6230+", "--address", "127.0.0.1", "--password", "x"}, bmcs...)...)
	require.Zero(t, status, stderr)

	// Each writer changes settings that no other writer changes, and remembers the last value.
	type key struct{ bmc, flag string }
	var (
		mu   sync.Mutex
		last = make(map[key]string)
		wg   sync.WaitGroup
	)
	const seed, rounds = 1, 12
	for writer, flag := range []string{"comment", "serial", "asset", "product", "manufacturer", "zone", "vmid", "password", "kg"} {
		random := rand.New(rand.NewPCG(seed, uint64(writer)))
		wg.Go(func() {
			for round := range rounds {
				bmc, value := bmcs[random.IntN(len(bmcs))], fmt.Sprintf("%s-%d", flag, round)
				args := []string{"set", bmc, "--" + flag, value}
				if flag == "zone" || flag == "vmid" {
					args = []string{"set", bmc, "--set", flag + "=" + value}
				}
				status, stderr := shipmi(args...)
				mu.Lock()
				if status == exitOK {
					last[key{bmc, flag}] = value
				} else {
					t.Errorf("%q: %s", args, stderr)
				}
				mu.Unlock()
			}
		})
	}
	// Others come and go, start and stop.
	for other := range 3 {
		random := rand.New(rand.NewPCG(seed, uint64(100+other)))
		volatile := []string{"v", "w"}
		wg.Go(func() {
			for range rounds {
				name := volatile[random.IntN(len(volatile))]
				switch random.IntN(6) {
				case 0:
					shipmi("add", name, "--address", "127.0.0.1", "--port", fmt.Sprint(6340+random.IntN(3)), "--password", "x")
				case 1:
					shipmi("delete", name)
				case 2:
					shipmi("set", name, "--comment", "volatile")
				case 3:
					shipmi("start", bmcs[random.IntN(len(bmcs))])
				case 4:
					shipmi("stop", bmcs[random.IntN(len(bmcs))])
				default:
					shipmi("user", "delete", name, "admin")
				}
			}
		})
	}
	wg.Wait()

	all, err := store.List()
	require.NoError(t, err)
	for _, b := range all {
		require.NoError(t, b.Err)
		loaded := manager.loaded[b.Name]
		loaded.Comment = b.Comment // systemd does not read it
		require.Equal(t, b, loaded, "what systemd has loaded")
		credentials, err := store.Credentials(b.Name)
		require.NoError(t, err)
		if !slices.Contains(bmcs, b.Name) {
			continue
		}
		u, _ := credentials.Named("admin")
		got := map[string]string{
			"comment": b.Comment, "serial": b.FRU.Serial, "asset": b.FRU.Asset, "product": b.FRU.Product,
			"manufacturer": b.FRU.Manufacturer, "zone": b.Parameters["zone"], "vmid": b.Parameters["vmid"],
			"password": u.Password.Reveal(), "kg": credentials.Kg.Reveal(),
		}
		for _, flag := range slices.Sorted(maps.Keys(got)) {
			if want, wasSet := last[key{b.Name, flag}]; wasSet {
				require.Equal(t, want, got[flag], "%s of %s", flag, b.Name)
			}
		}
	}
	require.Len(t, manager.loaded, len(all))
	leftovers, err := store.Leftovers()
	require.NoError(t, err)
	require.Empty(t, leftovers)
}
