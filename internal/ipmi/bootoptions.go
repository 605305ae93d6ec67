package ipmi

import (
	"slices"

	"github.com/shipmi/shipmi/internal/provider"
)

const (
	bootVersion   = 0x01
	markInvalid   = 0x80
	parameterMask = 0x7F

	mailboxBlocks   = 5
	mailboxBlockLen = 16
	mailboxLen      = mailboxBlocks * mailboxBlockLen
)

// A bootOption says how a boot option is written.
type bootOption struct {
	length int // of the data in bytes; 0: the option has its own rule
	set    func(b *BMC, r *Request, data []byte) Answer
}

// bootOptions has its rows in the order of the parameter numbers. Consoles set
// reserved bits of the acknowledge mask: those are let through.
var bootOptions = [bootParameters]bootOption{
	bootSetInProgress: {1, setBootProgress},
	bootPartition:     {1, storeBootOption},
	bootPartitionScan: {1, reserving(0xFC, storeBootOption)},
	bootClearing:      {1, reserving(0xE0, storeBootOption)},
	bootAcknowledge:   {2, setBootAcknowledge},
	bootFlags:         {flagsLen, setBootFlags},
	bootInitiator:     {9, reserving(0xF0, storeBootOption)},
	bootMailbox:       {0, setBootMailbox},
}

// setSystemBootOptions writes a boot option. Without data it changes only
// whether the option is valid.
func setSystemBootOptions(b *BMC, r *Request) Answer {
	number, data := r.Data[0]&parameterMask, r.Data[1:]
	if number >= bootParameters {
		return reply(UnsupportedParameter)
	}
	option := bootOptions[number]
	switch {
	case len(data) == 0:
		return reply(b.update(func(s *State) { s.Boot.Parameters[number].Invalid = r.Data[0]&markInvalid != 0 }))
	case option.length != 0 && len(data) != option.length:
		return reply(InvalidLength)
	}
	return option.set(b, r, data)
}

// reserving refuses data whose first byte has reserved bits set.
func reserving(bits byte, set func(*BMC, *Request, []byte) Answer) func(*BMC, *Request, []byte) Answer {
	return func(b *BMC, r *Request, data []byte) Answer {
		if data[0]&bits != 0 {
			return reply(InvalidField)
		}
		return set(b, r, data)
	}
}

func storeBootOption(b *BMC, r *Request, data []byte) Answer {
	stored := BootParameter{Data: slices.Clone(data), Invalid: r.Data[0]&markInvalid != 0}
	return reply(b.update(func(s *State) {
		s.Boot = s.Boot.at(r.Now)
		s.Boot.Parameters[r.Data[0]&parameterMask] = stored
	}))
}

// The states of the parameter bootSetInProgress.
const (
	progressComplete = 0
	progressWriting  = 1
	progressCommit   = 2 // optional, and nothing to do here
)

// setBootProgress keeps two sessions from writing boot options at a time.
func setBootProgress(b *BMC, r *Request, data []byte) Answer {
	switch data[0] {
	case progressComplete:
		b.setInProgress = 0
	case progressWriting:
		if b.bootProgress() == progressWriting && b.setInProgress != r.Session.ID {
			return reply(SetInProgress)
		}
		b.setInProgress = r.Session.ID
	case progressCommit:
	default:
		return reply(InvalidField)
	}
	return storeBootOption(b, r, nil)
}

// bootProgress is the state of the parameter bootSetInProgress. A session that
// has ended writes nothing any more.
func (b *BMC) bootProgress() byte {
	if slices.ContainsFunc(b.Sessions.List(), func(s Session) bool { return s.ID == b.setInProgress }) {
		return progressWriting
	}
	return progressComplete
}

// setBootAcknowledge changes the bits of data 2 that the mask in data 1 selects.
// The mask itself reads as 0.
func setBootAcknowledge(b *BMC, r *Request, data []byte) Answer {
	now, mask := b.State.Boot.data(bootAcknowledge, 2)[1], data[0]
	return storeBootOption(b, r, []byte{0, now&^mask | data[1]&mask})
}

// Reserved bits of the boot flags, data 1 to 5.
var flagsReserved = [flagsLen]byte{0x1F, 0, 0, 0xF0, 0xE0}

// setBootFlags stores the boot flags as they are, after the provider has set
// what they ask for. It is not bothered with flags that change nothing: some
// consoles write them once for every bit.
func setBootFlags(b *BMC, r *Request, data []byte) Answer {
	_, known := deviceOf(data)
	for i, reserved := range flagsReserved {
		known = known && data[i]&reserved == 0
	}
	if !known {
		return reply(InvalidField)
	}
	flags := BootParameter{Data: slices.Clone(data), Invalid: r.Data[0]&markInvalid != 0}
	change := func(s *State) {
		s.Boot.Parameters[bootFlags] = flags
		s.Boot.FlagsSet = r.Now
	}
	store := func() Answer { return reply(b.update(change)) }
	changed := b.State
	change(&changed)
	wanted := changed.Boot.inForce()
	if wanted.Device == provider.DeviceNone && b.Running() {
		return reply(NodeBusy) // or the end of an earlier request would undo it
	}
	// An action that runs may use up what is in force now.
	inForce := wanted == b.State.Boot.at(r.Now).inForce() && !b.Running()
	if wanted.Device == provider.DeviceNone || inForce {
		return store()
	}
	return b.run(Script{Verb: provider.BootSet, Boot: wanted, Then: func(res Result) Answer {
		if res.Err != nil {
			return outcomeOf(res.Err).answer()
		}
		return store()
	}}, unavailable)
}

// setBootMailbox writes one block of the boot initiator mailbox.
func setBootMailbox(b *BMC, r *Request, data []byte) Answer {
	block := int(data[0])
	switch {
	case len(data) < 2 || len(data) > 1+mailboxBlockLen:
		return reply(InvalidLength)
	case block >= mailboxBlocks:
		return reply(OutOfRange)
	}
	all := b.State.Boot.data(bootMailbox, mailboxLen)
	copy(all[block*mailboxBlockLen:], data[1:])
	return storeBootOption(b, r, all)
}

// getSystemBootOptions reads a boot option. Where no boot flags are valid the
// provider tells what the managed system boots from, whenever it boots.
func getSystemBootOptions(b *BMC, r *Request) Answer {
	number, block := r.Data[0], int(r.Data[1])
	if number&^parameterMask != 0 {
		return reply(InvalidField)
	}
	if number >= bootParameters {
		return reply(UnsupportedParameter)
	}
	boot := b.State.Boot.at(r.Now)
	invalid := boot.Parameters[number].Invalid
	answer := func(data ...byte) Answer {
		head := number
		if invalid {
			head |= markInvalid
		}
		return done(append([]byte{bootVersion, head}, data...)...)
	}
	switch number {
	case bootSetInProgress:
		return answer(b.bootProgress())
	case bootFlags:
		flags := boot.data(bootFlags, flagsLen)
		stored := func() Answer { return answer(flags...) }
		if invalid || flags[0]&flagsValid != 0 {
			return stored()
		}
		return b.run(Script{Verb: provider.BootGet, Then: func(res Result) Answer {
			switch {
			case res.Err != nil:
				return outcomeOf(res.Err).answer()
			case res.Device == provider.DeviceNone:
				return stored()
			}
			return answer(flagsValid|flagsPersistent, selectorOf(res.Device)<<deviceShift, 0, 0, 0)
		}}, stored)
	case bootMailbox:
		if block >= mailboxBlocks {
			return reply(OutOfRange)
		}
		all := boot.data(bootMailbox, mailboxLen)
		return answer(append([]byte{byte(block)}, all[block*mailboxBlockLen:][:mailboxBlockLen]...)...)
	default:
		return answer(boot.data(number, bootOptions[number].length)...)
	}
}
