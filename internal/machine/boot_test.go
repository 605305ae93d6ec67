package machine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

var (
	once = Boot{Boot: provider.Boot{Device: provider.DeviceNetwork, EFI: true}, Raw: [5]byte{1, 2, 3, 4, 5}}
	kept = Boot{Boot: provider.Boot{Device: provider.DeviceHD, Persistent: true}}
	none = provider.Boot{Device: provider.DeviceNone}
)

func set(t *testing.T, m *Machine, b Boot, now Moment) {
	t.Helper()
	args, outcome := carryOut(m, Intent{Verb: provider.BootSet, Boot: b}, CauseUnknown, now, nil)
	require.Equal(t, Done, outcome)
	require.Equal(t, b.Boot, args.Boot)
}

// Scripts are told what is in force. A start uses an override for one boot, and nothing
// else does.
func TestOverrideIsUsedByAStart(t *testing.T) {
	for _, verb := range powerVerbs {
		m, _ := newMachine()
		set(t, m, once, start)
		require.Equal(t, provider.Args{Boot: once.Boot}, power(t, m, verb, start))
		if verb.Starts() {
			require.Equal(t, Override{Boot: Boot{Boot: provider.Boot{EFI: true}}}, m.Override(start), "the mode stays")
			require.Equal(t, none, m.InForce(start))
		} else {
			require.Equal(t, once, m.Override(start).Boot)
			require.Equal(t, once.Boot, m.InForce(start))
		}

		m, _ = newMachine()
		set(t, m, kept, start)
		power(t, m, verb, start)
		require.Equal(t, kept.Boot, m.InForce(start.later(1000*time.Hour)))
	}
}

func TestOverrideIsNotUsedByAFailure(t *testing.T) {
	for _, c := range scriptErrors {
		m, _ := newMachine()
		set(t, m, once, start)
		carryOut(m, Intent{Verb: provider.On}, CauseUnknown, start, c.err)
		require.Equal(t, once.Boot, m.InForce(start), "%v", c.err)
	}
}

func TestOverrideThatCannotBeSet(t *testing.T) {
	for _, c := range scriptErrors {
		m, _ := newMachine()
		set(t, m, kept, start)
		before := m.State
		_, outcome := carryOut(m, Intent{Verb: provider.BootSet, Boot: once}, CauseUnknown, start, c.err)
		require.Equal(t, c.outcome, outcome)
		require.Equal(t, before, m.State)
	}
	m, _ := newMachine()
	require.Equal(t, Unavailable, m.Plan(Intent{Verb: provider.BootSet, Boot: once}, CauseUnknown).Without(start))
	require.Zero(t, m.Generation)
}

func TestOverrideExpires(t *testing.T) {
	for name, c := range map[string]struct {
		boot  Boot
		after func(*Machine)
		at    Moment
		valid bool
	}{
		"in time":     {once, func(*Machine) {}, start.later(OverrideLife - 1), true},
		"too late":    {once, func(*Machine) {}, start.later(OverrideLife), false},
		"every boot":  {kept, func(*Machine) {}, start.later(1000 * time.Hour), true},
		"kept":        {once, func(m *Machine) { m.Update(func(s *State) { s.Override.Keep = true }) }, start.later(time.Hour), true},
		"after power": {once, func(m *Machine) { power(t, m, provider.Off, start) }, start.later(time.Hour), true},
		"after a late power action": {
			once, func(m *Machine) { power(t, m, provider.Off, start.later(time.Hour)) }, start.later(time.Hour), false,
		},
		"next boot":             {once, func(m *Machine) { m.State = m.State.NextBoot() }, Moment{Uptime: time.Second}, false},
		"next boot, every boot": {kept, func(m *Machine) { m.State = m.State.NextBoot() }, Moment{Uptime: time.Second}, true},
		"next boot, kept": {
			once, func(m *Machine) { m.State.Override.Keep = true; m.State = m.State.NextBoot() }, Moment{Uptime: 2 * time.Hour}, true,
		},
		"next boot, kept until then": {
			once, func(m *Machine) {
				m.State.Override.Keep = true
				m.State = m.State.NextBoot()
				m.State.Override.Keep = false
			}, Moment{Uptime: time.Second}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newMachine()
			set(t, m, c.boot, start)
			c.after(m)
			require.Equal(t, c.valid, m.Override(c.at).Valid)
			require.Equal(t, c.valid, m.InForce(c.at) == c.boot.Boot)
			require.Equal(t, c.boot, m.Override(c.at).Boot, "what was written reads back")
		})
	}
}

func TestMaskedOverride(t *testing.T) {
	m, _ := newMachine()
	set(t, m, kept, start)
	m.Update(func(s *State) { s.Override.Masked = true })
	require.Equal(t, none, m.InForce(start))
	require.Equal(t, provider.Args{Boot: none}, power(t, m, provider.On, start))
}
