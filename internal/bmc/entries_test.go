package bmc

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A hooked is the scripts of a rig with a hook, which takes some time.
type hooked struct {
	*rig
	takes time.Duration
	has   bool
	ids   []uint16
	at    []time.Duration
	most  int // that ran at once
	runs  int
}

func (h *hooked) Load(context.Context) (Runner, error) { return h, nil }
func (h *hooked) Has(v provider.Verb) bool             { return h.has || v != provider.EventsAdded }

func (h *hooked) Query(ctx context.Context, v provider.Verb, args provider.Args) machine.Reading {
	if v != provider.EventsAdded {
		return machine.Reading{Has: true}
	}
	h.mu.Lock()
	h.runs++
	h.most = max(h.most, h.runs)
	h.ids, h.at = append(h.ids, args.Entry.ID), append(h.at, time.Since(h.begun))
	h.mu.Unlock()
	var err error
	select {
	case <-time.After(h.takes):
	case <-ctx.Done():
		err = provider.ErrTimeout
	}
	h.mu.Lock()
	h.runs--
	h.mu.Unlock()
	return machine.Reading{Has: true, Err: err}
}

func hookedRig(t *testing.T, takes time.Duration) *hooked {
	h := &hooked{rig: &rig{t: t, dir: t.TempDir(), begun: time.Now()}, takes: takes, has: true}
	h.make()
	h.BMC.Scripts = h
	h.run()
	return h
}

func (h *hooked) add(n int) {
	for range n {
		require.True(h.t, h.Enter(func() { h.Machine.AddRecord(make([]byte, 16), h.Now()) }))
	}
	synctest.Wait()
}

func (h *hooked) stop() {
	h.cancel()
	require.NoError(h.t, <-h.ended)
}

// The hook runs for each entry, in their order, one at a time. It delays nothing.
func TestHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hookedRig(t, 3*time.Second)
		h.add(3)
		require.Equal(t, []uint16{1}, h.ids)
		begun := time.Now()
		stored := false
		require.True(t, h.Enter(func() {
			h.Machine.AddRecord(make([]byte, 16), h.Now())
			h.Stored(func(err error) { stored = err == nil })
		}))
		synctest.Wait()
		require.True(t, stored)
		require.Zero(t, time.Since(begun), "nothing waits for the hook")
		h.pass(15 * time.Second)
		require.Equal(t, []uint16{1, 2, 3, 4}, h.ids)
		require.Equal(t, 1, h.most)
		h.stop()
	})
}

// The process stays while a hook runs, and exits when it is idle after that.
func TestHookKeepsTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hookedRig(t, 14*time.Second)
		h.add(2)
		require.NoError(t, <-h.ended)
		require.Equal(t, []uint16{1, 2}, h.ids)
		require.GreaterOrEqual(t, time.Since(h.begun), 28*time.Second)
	})
}

// A flood of events is bounded: 60 runs in a minute, and 60 entries that wait.
func TestFloodOfEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hookedRig(t, 0)
		h.Idle = 2 * time.Hour
		for range 100 {
			h.add(1)
		}
		require.Len(t, h.ids, maxHooks)
		h.pass(hooksPeriod)
		h.add(1)
		require.Len(t, h.ids, maxHooks+1)
		require.Equal(t, uint16(101), h.ids[maxHooks])
		h.stop()
	})
	synctest.Test(t, func(t *testing.T) {
		h := hookedRig(t, time.Hour) // the time limit ends it
		h.Idle = 2 * time.Hour
		h.add(100)
		h.pass(90 * time.Minute)
		h.stop()
		require.Len(t, h.ids, maxHooks+1)
		for i := range h.at[1:] {
			require.GreaterOrEqual(t, h.at[i+1]-h.at[i], 15*time.Second, fmt.Sprint(i))
		}
	})
}

// A provider without a hook costs nothing more, and an entry that could not be saved was not added.
func TestNoHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hookedRig(t, 0)
		h.has = false
		h.add(200)
		require.Empty(t, h.ids)
		require.Empty(t, h.hooks.waiting)
		h.has = true
		h.Save = func(machine.State) error { return fmt.Errorf("disk full") }
		h.add(1)
		require.Empty(t, h.ids)
		h.stop()
	})
}
