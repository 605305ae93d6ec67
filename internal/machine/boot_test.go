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

// asked is a set whose action has remembered what the managed system booted from.
func asked(m *Machine, b, former provider.Boot) Outcome {
	return m.Plan(Intent{Verb: provider.BootSet, Boot: Boot{Boot: b}}, CauseUnknown).Then(Result{Moment: start, Former: former})
}

// restored carries out what is due.
func restored(t *testing.T, m *Machine, now Moment, err error) {
	t.Helper()
	intent, due := m.RestoreBoot(now)
	require.True(t, due)
	args, _ := carryOut(m, intent, CauseUnknown, now, err)
	require.Equal(t, provider.Args{Boot: intent.Boot.Boot}, args)
	_, due = m.RestoreBoot(now)
	require.False(t, due, "once, until the next start")
}

var hd = provider.Boot{Device: provider.DeviceHD, Persistent: true}

// The process is needed until the former device can be set again, if that has a time.
func TestTimeUntilTheFormerBootDeviceIsSetAgain(t *testing.T) {
	m, _ := newMachine()
	asked(m, once.Boot, hd)
	left, known := m.FormerLeft(start.later(20 * time.Second))
	require.True(t, known)
	require.Equal(t, 40*time.Second, left)
	_, due := m.RestoreBoot(start.later(59 * time.Second))
	require.False(t, due)
	restored(t, m, start.later(OverrideLife), nil)
	require.Zero(t, m.State.Former)

	m, _ = newMachine()
	m.KeepOverride(true, start)
	asked(m, once.Boot, hd)
	_, known = m.FormerLeft(start.later(time.Hour))
	require.False(t, known, "until it is used")
	power(t, m, provider.On, start.later(time.Hour))
	restored(t, m, start.later(time.Hour), nil)
}

// A start that comes first sets the former device itself, and so does one after a failure.
func TestFormerBootDeviceThatCannotBeSetAgain(t *testing.T) {
	m, log := newMachine()
	asked(m, once.Boot, hd)
	require.Zero(t, power(t, m, provider.On, start).Former)
	restored(t, m, start, provider.ErrTimeout)
	require.Contains(t, log.String(), "the former boot device will be set again before the next start")
	require.Zero(t, power(t, m, provider.Off, start).Former)
	_, due := m.RestoreBoot(start)
	require.False(t, due)
	require.Equal(t, hd, power(t, m, provider.Cycle, start).Former)
	restored(t, m, start, nil)
	require.Zero(t, power(t, m, provider.Reset, start).Former)
}

// What an earlier version did not remember cannot come back.
func TestNoDeviceIsRefusedIfTheOriginalIsNotKnown(t *testing.T) {
	get := func(v provider.Verb) bool { return v == provider.BootGet }
	refusal := func(m *Machine) error {
		return m.Plan(Intent{Verb: provider.BootSet, Boot: Boot{Boot: provider.Boot{Device: provider.DeviceNone, Persistent: true}}}, CauseUnknown).Refuse(get)
	}
	m, _ := newMachine()
	require.NoError(t, refusal(m), "nothing is overridden")
	m.State.Override = Override{Boot: kept, Valid: true}
	require.ErrorIs(t, refusal(m), provider.ErrUnsupported)

	m, _ = newMachine()
	asked(m, once.Boot, provider.Boot{}) // "boot get" has failed
	power(t, m, provider.On, start)
	require.ErrorIs(t, refusal(m), provider.ErrUnsupported)
	asked(m, once.Boot, hd) // which is not what was there before the first
	power(t, m, provider.On, start)
	require.ErrorIs(t, refusal(m), provider.ErrUnsupported)
}

// Only a start that a client asks for is refused.
func TestStartAfterABootDeviceThatFailed(t *testing.T) {
	for _, verb := range powerVerbs {
		m, _ := newMachine()
		fails := Result{Moment: start, Err: provider.ErrTimeout}
		m.Plan(Intent{Verb: provider.BootSet, Boot: once}, CauseUnknown).Then(fails)
		require.NoError(t, m.Plan(Intent{Verb: verb}, CauseUnknown).Refuse(nil), "the client knows")
		fails.Accepted = true
		m.Plan(Intent{Verb: provider.BootSet, Boot: once}, CauseUnknown).Then(fails)
		refused := m.Plan(Intent{Verb: verb}, CauseUnknown).Refuse(nil)
		require.Equal(t, verb.Starts(), refused != nil)
		require.NoError(t, m.Plan(Intent{Verb: verb}, CauseWatchdog).Refuse(nil))
		if refused != nil {
			require.Equal(t, Failed, m.Plan(Intent{Verb: verb}, CauseUnknown).Then(Result{Moment: start, Err: refused}))
			require.True(t, m.State.PowerFault)
			require.NoError(t, m.Plan(Intent{Verb: verb}, CauseUnknown).Refuse(nil), "once")
		}
	}
}

// An override that lasts waits for its boot, whatever a client says of overrides that do not.
func TestOverrideThatLasts(t *testing.T) {
	m, _ := newMachine()
	lasts := Boot{Boot: once.Boot, Lasts: true}
	_, outcome := carryOut(m, Intent{Verb: provider.BootSet, Boot: lasts}, CauseUnknown, start, nil)
	require.Equal(t, Done, outcome)
	m.KeepOverride(true, start)
	m.KeepOverride(false, start)
	require.True(t, m.Override(start.later(time.Hour)).Valid)
	m.State = m.State.NextBoot()
	require.Equal(t, once.Boot, power(t, m, provider.On, start.later(time.Hour)).Boot)
	require.False(t, m.Override(start.later(time.Hour)).Valid, "used")
	require.False(t, m.State.Override.Lasts)
}
