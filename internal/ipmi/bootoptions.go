package ipmi

import (
	"fmt"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// Boot option parameter numbers (§28.13, table 28-14).
const (
	bootSetInProgress = 0
	bootPartition     = 1
	bootPartitionScan = 2
	bootClearing      = 3
	bootAcknowledge   = 4
	bootFlags         = 5
	bootInitiator     = 6
	bootMailbox       = 7
	bootParameters    = 8
)

const (
	bootVersion   = 0x01
	markInvalid   = 0x80
	parameterMask = 0x7F
	keepFlags     = 0x08 // of bootClearing: boot flags do not expire

	mailboxBlocks   = 5
	mailboxBlockLen = 16
	mailboxLen      = mailboxBlocks * mailboxBlockLen
)

// A bootOption says how a boot option is written.
type bootOption struct {
	length int // of the data in bytes; 0: the option has its own rule
	set    func(b *BMC, r *Request, data []byte) Answer
}

// bootOptions are in the order of the parameter numbers. Clients set reserved bits of
// the acknowledge mask, so these bits are accepted.
var bootOptions = [bootParameters]bootOption{
	bootSetInProgress: {1, setBootProgress},
	bootPartition:     {1, storeBootOption},
	bootPartitionScan: {1, reserving(0xFC, storeBootOption)},
	bootClearing:      {1, reserving(0xE0, setBootClearing)},
	bootAcknowledge:   {2, setBootAcknowledge},
	bootFlags:         {flagsLen, setBootFlags},
	bootInitiator:     {9, reserving(0xF0, storeBootOption)},
	bootMailbox:       {0, setBootMailbox},
}

const setSystemBootOptionsCmd = 0x08

// setSystemBootOptions writes a boot option. A request without data changes only
// whether the option is valid.
func setSystemBootOptions(b *BMC, r *Request) Answer {
	number, data := r.Data[0]&parameterMask, r.Data[1:]
	if number >= bootParameters {
		return reply(UnsupportedParameter)
	}
	option := bootOptions[number]
	switch {
	case len(data) == 0:
		return markBootOption(b, r, number)
	case option.length != 0 && len(data) != option.length:
		return reply(InvalidLength)
	}
	return option.set(b, r, data)
}

// invalid reports whether a request marks its option as invalid.
func invalid(r *Request) bool { return r.Data[0]&markInvalid != 0 }

func markBootOption(b *BMC, r *Request, number byte) Answer {
	if number == bootFlags {
		o := b.Machine.Override(r.Now)
		o.Masked = invalid(r)
		return b.setOverride(o, r.Now)
	}
	note := b.bootNote(number)
	note.invalid = invalid(r)
	return b.keepBootNote(number, note)
}

// A bootNote is a boot option that means nothing to the machine, which keeps it as a
// note: a byte that is 1 if the option is marked invalid, then the data.
type bootNote struct {
	invalid bool
	data    []byte // empty: never set
}

func noteName(number byte) string { return fmt.Sprintf("ipmi boot %d", number) }

func (b *BMC) bootNote(number byte) bootNote {
	text := b.Machine.State.Notes[noteName(number)]
	if len(text) == 0 {
		return bootNote{}
	}
	return bootNote{text[0] != 0, text[1:]}
}

// padded is a copy of the data, with zeros up to that length.
func (n bootNote) padded(length int) []byte {
	data := make([]byte, length)
	copy(data, n.data)
	return data
}

func (n bootNote) encode() []byte { return append([]byte{flag(n.invalid, 1)}, n.data...) }

func (b *BMC) keepBootNote(number byte, note bootNote) Answer {
	b.Machine.SetNote(noteName(number), note.encode())
	return stored()
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
	return b.keepBootNote(r.Data[0]&parameterMask, bootNote{invalid(r), data})
}

// The states of the parameter bootSetInProgress.
const (
	progressComplete = 0
	progressWriting  = 1
	progressCommit   = 2 // optional, and nothing to do here
)

// setBootProgress prevents that two sessions write boot options at the same time.
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

// bootProgress is the state of the parameter bootSetInProgress. It is complete once
// the session that was writing has ended.
func (b *BMC) bootProgress() byte {
	if slices.ContainsFunc(b.Sessions.List(), func(s Session) bool { return s.ID == b.setInProgress }) {
		return progressWriting
	}
	return progressComplete
}

// setBootClearing changes whether boot flags expire. Flags that have expired by now
// stay so.
func setBootClearing(b *BMC, r *Request, data []byte) Answer {
	b.Machine.KeepOverride(data[0]&keepFlags != 0, r.Now)
	return storeBootOption(b, r, data)
}

// setBootAcknowledge changes the bits of data 2 that the mask in data 1 selects. The
// mask itself reads as 0.
func setBootAcknowledge(b *BMC, r *Request, data []byte) Answer {
	now, mask := b.bootNote(bootAcknowledge).padded(2)[1], data[0]
	return storeBootOption(b, r, []byte{0, now&^mask | data[1]&mask})
}

// setBootFlags makes boot flags the boot override. The provider sets the boot device,
// unless the flags ask for nothing or for what is in force: some clients write the flags
// once for every bit.
func setBootFlags(b *BMC, r *Request, data []byte) Answer {
	boot, ok := decodeFlags(data)
	if !ok {
		return reply(InvalidField)
	}
	return b.setOverride(machine.Override{
		Boot:   boot,
		Valid:  data[0]&flagsValid != 0,
		Masked: invalid(r),
		Set:    r.Now.Uptime,
		Keep:   b.Machine.State.Override.Keep,
	}, r.Now)
}

func (b *BMC) setOverride(o machine.Override, now machine.Moment) Answer {
	intent, outcome := b.Machine.SetOverride(o, b.Running(), now)
	switch {
	case intent != nil:
		return Answer{Intent: intent}
	case outcome != machine.Done:
		return Respond(outcome)
	}
	return stored()
}

func bootIntent(boot machine.Boot) *machine.Intent {
	return &machine.Intent{Verb: provider.BootSet, Boot: boot}
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
	all := b.bootNote(bootMailbox).padded(mailboxLen)
	copy(all[block*mailboxBlockLen:], data[1:])
	return storeBootOption(b, r, all)
}

// getSystemBootOptions reads a boot option.
func getSystemBootOptions(b *BMC, r *Request) Answer {
	number, block := r.Data[0], int(r.Data[1])
	if number&^parameterMask != 0 {
		return reply(InvalidField)
	}
	if number >= bootParameters {
		return reply(UnsupportedParameter)
	}
	note := b.bootNote(number)
	switch number {
	case bootSetInProgress:
		return bootOptionData(number, note.invalid, b.bootProgress())
	case bootFlags:
		return b.bootFlags(r.Now)
	case bootMailbox:
		if block >= mailboxBlocks {
			return reply(OutOfRange)
		}
		all := note.padded(mailboxLen)
		return bootOptionData(number, note.invalid,
			append([]byte{byte(block)}, all[block*mailboxBlockLen:][:mailboxBlockLen]...)...)
	default:
		return bootOptionData(number, note.invalid, note.padded(bootOptions[number].length)...)
	}
}

func bootOptionData(number byte, invalid bool, data ...byte) Answer {
	if invalid {
		number |= markInvalid
	}
	return done(append([]byte{bootVersion, number}, data...)...)
}

// bootFlags reads the boot flags from the record of the boot override. If no client has
// written any, or a start has used them, the answer is what the managed system boots from,
// and that holds for all boots: the device that is about to be set again, or else what the
// provider says.
func (b *BMC) bootFlags(now machine.Moment) Answer {
	o := b.Machine.Override(now)
	flags := bootOptionData(bootFlags, o.Masked, encodeFlags(o)...)
	if o.Masked || o.Device != "" {
		return flags
	}
	always := func(device provider.Device) Answer {
		if device == provider.DeviceNone {
			return flags
		}
		return bootOptionData(bootFlags, false,
			flagsValid|flagsPersistent|flag(o.EFI, flagsEFI), selectorOf(device)<<deviceShift, 0, 0, 0)
	}
	if former, known := b.Machine.BootsFrom(); known {
		return always(former.Device)
	}
	return ask(provider.BootGet,
		func(r machine.Reading, _ machine.Moment) Answer { return always(r.Device) },
		func() Answer { return flags })
}
