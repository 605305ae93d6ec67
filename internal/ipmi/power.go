package ipmi

import (
	"encoding/binary"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A RestorePolicy says what becomes of the managed system when its host has been
// booted (IPMI 2.0 §28.8).
type RestorePolicy byte

// The restore policies. The zero value, stay off, is that of a new BMC.
const (
	RestoreOff      RestorePolicy = 0
	RestorePrevious RestorePolicy = 1
	RestoreOn       RestorePolicy = 2

	restoreNoChange  = 3 // only tell which there are
	restoreSupported = 0x07
	restoreShift     = 5 // in Get Chassis Status
)

func setPowerRestorePolicy(b *BMC, r *Request) Answer {
	policy := r.Data[0]
	if policy > restoreNoChange {
		return reply(InvalidField)
	}
	return b.change(r, func(s *State) []byte {
		if policy != restoreNoChange {
			s.Restore, s.HostBoot = RestorePolicy(policy), b.HostBoot
		}
		return []byte{restoreSupported}
	})
}

// A Cause is why the managed system was last started (IPMI 2.0 §28.11).
type Cause byte

// The causes that this BMC can know of.
const (
	CauseUnknown         Cause = 0x0
	CauseChassisControl  Cause = 0x1
	CauseWatchdog        Cause = 0x4
	CauseRestoreOn       Cause = 0x6
	CauseRestorePrevious Cause = 0x7
)

func getSystemRestartCause(b *BMC, _ *Request) Answer {
	return done(byte(b.State.Cause), lanChannel)
}

// A PowerOnTime is how long the managed system was on, as far as this BMC could
// see: by its own actions and by what the status script said when it was asked.
type PowerOnTime struct {
	Total time.Duration `json:"total,omitempty"` // up to the last change to off
	Since time.Time     `json:"since,omitzero"`  // zero: off
}

// seen notes whether the managed system is on.
func (p *PowerOnTime) seen(on bool, now time.Time) {
	switch {
	case on && p.Since.IsZero():
		p.Since = now.UTC().Truncate(time.Second)
	case !on && !p.Since.IsZero():
		p.Total = p.at(now)
		p.Since = time.Time{}
	}
}

func (p *PowerOnTime) at(now time.Time) time.Duration {
	if p.Since.IsZero() {
		return p.Total
	}
	return p.Total + max(0, now.Sub(p.Since))
}

const minutesPerCount = 60

func getPOHCounter(b *BMC, r *Request) Answer {
	hours := uint32(b.State.PowerOn.at(r.Time) / (minutesPerCount * time.Minute))
	return done(binary.LittleEndian.AppendUint32([]byte{minutesPerCount}, hours)...)
}

const (
	acpiS0 = 0x00 // working
	acpiS5 = 0x05 // soft off
	acpiD0 = 0x00
)

// getACPIPowerState is the word of the status script, like Get Chassis Status.
func getACPIPowerState(b *BMC, r *Request) Answer {
	return b.status(r, func(on bool) Answer {
		if on {
			return done(acpiS0, acpiD0)
		}
		return done(acpiS5, acpiD0)
	})
}

// status asks the provider whether the managed system is on. Where it does not
// say, the answer is an error: never "off".
func (b *BMC) status(r *Request, then func(on bool) Answer) Answer {
	return b.run(Script{Verb: provider.Status, Then: func(res Result) Answer {
		if res.Err != nil {
			return outcomeOf(res.Err).answer()
		}
		b.update(func(s *State) { s.PowerOn.seen(res.On, r.Time) })
		return then(res.On)
	}}, unavailable)
}

// AtBoot returns the request that carries the restore policy out, or nil: only
// the first time after the host was booted is there anything to do.
func (b *BMC) AtBoot(now time.Duration, day time.Time) *Request {
	if b.State.Restore == RestoreOff || b.State.HostBoot == b.HostBoot {
		return nil
	}
	if b.update(func(s *State) { s.HostBoot = b.HostBoot }) != OK {
		return nil // or it would be done again
	}
	switch {
	case b.State.Restore == RestoreOn:
		return b.own("restore policy", controlOn, CauseRestoreOn, now, day)
	case !b.State.PowerOn.Since.IsZero():
		return b.own("restore policy", controlOn, CauseRestorePrevious, now, day)
	}
	return nil
}

// own is a Chassis Control that nobody sent.
func (b *BMC) own(name string, control byte, cause Cause, now time.Duration, day time.Time) *Request {
	return &Request{
		Request: rmcp.Request{RsAddr: rmcp.AddressBMC, NetFn: chassis, Cmd: chassisControlCmd, Data: []byte{control}},
		Session: Session{User: name, Privilege: admin},
		Cause:   cause,
		Now:     now,
		Time:    day,
	}
}
