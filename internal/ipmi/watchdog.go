package ipmi

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

const (
	watchdogStep = 100 * time.Millisecond

	useNoLog    = 0x80
	useDontStop = 0x40 // of a request; of a response: the timer runs
	useMask     = 0x07

	expiredReserved = 0xC1

	actionMask      = 0x07
	interruptShift  = 4 // of the pre-timeout interrupt, beside the action
	interruptMask   = 0x70
	noPreInterrupt  = 0
	messagingOnWarn = 3 // the interrupt of the system interface

	preTimeoutStep = time.Second
)

// timerActions are the timer actions (§27.6), by their numbers.
var timerActions = []provider.Verb{"", provider.Reset, provider.Off, provider.Cycle}

// timerAction is the number of a timer action. A verb that no timer has is 0, no
// action.
func timerAction(v provider.Verb) byte { return byte(max(0, slices.Index(timerActions, v))) }

// NotInitialized is the completion code of Reset Watchdog Timer before the timer was
// set (§27.5).
const NotInitialized Code = 0x80

// setWatchdogTimer stops the timer, unless the request says "do not stop": then a timer
// that runs begins again with the new countdown. Only the guest can have an interrupt before
// the timeout, and only that of its own interface.
func setWatchdogTimer(b *BMC, r *Request) Answer {
	use, action, interrupt, expired := r.Data[0], r.Data[1]&actionMask, r.Data[1]>>interruptShift, r.Data[3]
	preTimeout := time.Duration(r.Data[2]) * preTimeoutStep
	kind := machine.WatchdogUse(use & useMask)
	if use&^(useNoLog|useDontStop|useMask) != 0 || kind < machine.UseFirmwareTest || kind > machine.UseOEM ||
		r.Data[1]&^(actionMask|interruptMask) != 0 || int(action) >= len(timerActions) || expired&expiredReserved != 0 ||
		interrupt != noPreInterrupt && interrupt != messagingOnWarn || !r.System && (interrupt != 0 || preTimeout != 0) {
		return reply(InvalidField)
	}
	_, running := b.Machine.WatchdogLeft(r.Now)
	w := machine.Watchdog{
		Use:       kind,
		Action:    timerActions[action],
		Quiet:     use&useNoLog != 0,
		Expired:   b.Machine.State.Watchdog.Expired &^ expired,
		Countdown: time.Duration(binary.LittleEndian.Uint16(r.Data[4:])) * watchdogStep,

		PreTimeout: preTimeout,
		Warns:      interrupt == messagingOnWarn,
	}
	if running && use&useDontStop != 0 {
		w.Start(r.Now)
	}
	b.Machine.Update(func(s *machine.State) { s.Watchdog = w })
	return stored()
}

func resetWatchdogTimer(b *BMC, r *Request) Answer {
	if b.Machine.State.Watchdog.Use == 0 {
		return reply(NotInitialized)
	}
	b.Machine.Update(func(s *machine.State) { s.Watchdog.Start(r.Now) })
	return stored()
}

// getWatchdogTimer reads the countdown of a timer that has been set and not started
// as its present countdown. A timer that has expired reads 0.
func getWatchdogTimer(b *BMC, r *Request) Answer {
	w := b.Machine.State.Watchdog
	use, present := byte(w.Use)|flag(w.Quiet, useNoLog), w.Countdown
	if left, running := b.Machine.WatchdogLeft(r.Now); running {
		use |= useDontStop
		present = left
	} else if w.Over {
		present = 0
	}
	action := timerAction(w.Action)
	if w.Warns {
		action |= messagingOnWarn << interruptShift
	}
	data := []byte{use, action, byte(w.PreTimeout / preTimeoutStep), w.Expired}
	data = binary.LittleEndian.AppendUint16(data, uint16(w.Countdown/watchdogStep))
	return done(binary.LittleEndian.AppendUint16(data, uint16(present/watchdogStep))...)
}
