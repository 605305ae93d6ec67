package ipmi

import (
	"encoding/binary"
	"time"
)

// A Watchdog is the watchdog timer (IPMI 2.0 §27). It counts while no process
// does, and not over a boot of the host.
type Watchdog struct {
	Use      byte          `json:"use,omitempty"`     // timer use as last set; 0: never
	Actions  byte          `json:"actions,omitempty"` // timer actions as last set
	Expired  byte          `json:"expired,omitempty"` // timer use expiration flags
	Initial  uint16        `json:"initial,omitempty"` // countdown in steps of 100 ms
	Deadline time.Duration `json:"deadline,omitempty"`
	Running  bool          `json:"running,omitempty"`
}

const (
	watchdogStep = 100 * time.Millisecond

	useNoLog    = 0x80
	useDontStop = 0x40 // of a request; of a response: running
	useMask     = 0x07
	useFirst    = 1 // BIOS FRB2
	useLast     = 5 // OEM

	actionMask      = 0x07
	actionLast      = 3
	expiredReserved = 0xC1
)

// watchdogControls are the Chassis Control values for timer actions 1 to 3.
var watchdogControls = map[byte]byte{1: controlReset, 2: controlOff, 3: controlCycle}

// NotInitialized is the completion code of Reset Watchdog Timer before the timer
// was set (§27.5).
const NotInitialized Code = 0x80

func (w Watchdog) countdown() time.Duration { return time.Duration(w.Initial) * watchdogStep }

// left is how long a running timer has to go. One from before the host was booted
// has further to go than it was set to.
func (w Watchdog) left(now time.Duration) (time.Duration, bool) {
	left := w.Deadline - now
	return max(0, left), w.Running && left <= w.countdown()
}

// setWatchdogTimer stops the timer, unless it may run on. There is no interrupt
// before the timeout.
func setWatchdogTimer(b *BMC, r *Request) Answer {
	use, actions, preTimeout, expired := r.Data[0], r.Data[1], r.Data[2], r.Data[3]
	kind := use & useMask
	if use&^(useNoLog|useDontStop|useMask) != 0 || kind < useFirst || kind > useLast ||
		actions > actionLast || preTimeout != 0 || expired&expiredReserved != 0 {
		return reply(InvalidField)
	}
	return b.change(r, func(s *State) []byte {
		_, running := s.Watchdog.left(r.Now)
		w := Watchdog{
			Use:     use &^ useDontStop,
			Actions: actions,
			Expired: s.Watchdog.Expired &^ expired,
			Initial: binary.LittleEndian.Uint16(r.Data[4:]),
		}
		if running && use&useDontStop != 0 {
			w.start(r.Now)
		}
		s.Watchdog = w
		return nil
	})
}

func (w *Watchdog) start(now time.Duration) {
	w.Running, w.Deadline = true, now+w.countdown()
}

func resetWatchdogTimer(b *BMC, r *Request) Answer {
	if b.State.Watchdog.Use == 0 {
		return reply(NotInitialized)
	}
	return reply(b.update(func(s *State) { s.Watchdog.start(r.Now) }))
}

func getWatchdogTimer(b *BMC, r *Request) Answer {
	w := b.State.Watchdog
	use, present := w.Use, w.Initial
	if left, running := w.left(r.Now); running {
		use |= useDontStop
		present = uint16(left / watchdogStep)
	}
	data := []byte{use, w.Actions, 0, w.Expired}
	data = binary.LittleEndian.AppendUint16(data, w.Initial)
	return done(binary.LittleEndian.AppendUint16(data, present)...)
}

// WatchdogLeft is how long the watchdog timer has to go, if it runs.
func (b *BMC) WatchdogLeft(now time.Duration) (time.Duration, bool) {
	return b.State.Watchdog.left(now)
}

// WatchdogExpired stops the timer and returns the request that carries its action
// out; nil if it has none.
func (b *BMC) WatchdogExpired(now time.Duration, day time.Time) *Request {
	w := b.State.Watchdog
	code := b.update(func(s *State) {
		s.Watchdog.Running = false
		s.Watchdog.Expired |= 1 << (w.Use & useMask)
		if w.Use&useNoLog == 0 {
			s.SEL.add(watchdogExpired(w.Use&useMask, w.Actions).record(), day)
		}
	})
	if code != OK {
		b.State.Watchdog.Running = false // it must not expire for ever
	}
	b.Log.Warn("watchdog expired", "use", w.Use&useMask, "action", w.Actions)
	control, ok := watchdogControls[w.Actions]
	if !ok {
		return nil
	}
	return b.own("watchdog", control, CauseWatchdog, now, day)
}
