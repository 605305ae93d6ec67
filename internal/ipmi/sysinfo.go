package ipmi

import (
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/machine"
)

// System information parameters (IPMI 2.0 §22.14a, §22.14b).
const (
	infoSetInProgress = 0
	infoFirmware      = 1
	infoSystemName    = 2
	infoPrimaryOS     = 3
	infoPresentOS     = 4

	infoBlockLen  = 16
	infoHeadLen   = 2 // of the first block: encoding and length
	encodingASCII = 0x00
	encodingUTF16 = 0x02 // UTF-8 is 1
)

// infoNotes are the notes of the state that hold what the guest has set, by parameter: the
// encoding, then the text.
var infoNotes = map[byte]string{
	infoFirmware: "ipmi firmware", infoSystemName: "ipmi system name",
	infoPrimaryOS: "ipmi primary os", infoPresentOS: "ipmi present os",
}

// A GuestInfo has the facts that the guest has reported about itself. A field is empty if the guest
// has not reported it.
type GuestInfo struct {
	Name      string // of the system
	Firmware  string
	PrimaryOS string
	PresentOS string
}

// GuestInfoOf reads the texts that the guest has reported, except texts of UTF-16. The texts may contain
// anything.
func GuestInfoOf(s machine.State) GuestInfo {
	text := func(number byte) string {
		note := s.Notes[infoNotes[number]]
		if len(note) == 0 || note[0] == encodingUTF16 {
			return ""
		}
		return strings.TrimRight(string(note[1:]), "\x00 ")
	}
	return GuestInfo{text(infoSystemName), text(infoFirmware), text(infoPrimaryOS), text(infoPresentOS)}
}

// systemInfo is the encoding and the text of a parameter, if there is such a parameter.
func (b *BMC) systemInfo(number byte) ([]byte, bool) {
	if note := b.Machine.State.Notes[infoNotes[number]]; len(note) > 0 {
		return note, true
	}
	text := map[byte]string{infoFirmware: b.Version, infoSystemName: b.Name, infoPrimaryOS: "", infoPresentOS: ""}
	known, ok := text[number]
	return append([]byte{encodingASCII}, known...), ok
}

// getSystemInfo sends one block of a text. The first begins with its encoding and
// length.
func getSystemInfo(b *BMC, r *Request) Answer {
	number, set := r.Data[1], int(r.Data[2])
	switch {
	case r.Data[0]&^revisionOnly != 0:
		return reply(InvalidField)
	case r.Data[0]&revisionOnly != 0:
		return done(parameterRevision)
	case number == infoSetInProgress:
		return done(parameterRevision, 0)
	}
	note, ok := b.systemInfo(number)
	if !ok {
		return reply(UnsupportedParameter)
	}
	all := append([]byte{note[0], byte(len(note) - 1)}, note[1:]...)
	if set*infoBlockLen >= len(all) {
		return reply(OutOfRange)
	}
	block := make([]byte, infoBlockLen)
	copy(block, all[set*infoBlockLen:])
	return done(append([]byte{parameterRevision, byte(set)}, block...)...)
}

// setSystemInfo keeps one block of a text. The first block says how long the text is, and
// empties what the other blocks will fill.
func setSystemInfo(b *BMC, r *Request) Answer {
	number, write := r.Data[0], r.Data[1:]
	name, known := infoNotes[number]
	switch {
	case number == infoSetInProgress:
		return refuseWrite(r.Data, true)
	case !known:
		return reply(UnsupportedParameter)
	case len(write) < 2 || write[0] == 0 && len(write) < 1+infoHeadLen:
		return reply(InvalidLength)
	}
	set, block := int(write[0]), write[1:]
	if set == 0 {
		return b.beginSystemInfo(name, block)
	}
	before := b.Machine.State.Notes[name]
	at := 1 + set*infoBlockLen - infoHeadLen
	if at >= len(before) {
		return reply(OutOfRange)
	}
	note := slices.Clone(before)
	copy(note[at:], block)
	b.Machine.SetNote(name, note)
	return stored()
}

// beginSystemInfo keeps the first block of a text.
func (b *BMC) beginSystemInfo(name string, block []byte) Answer {
	encoding, length := block[0], block[1]
	if encoding > encodingUTF16 {
		return reply(InvalidField)
	}
	note := make([]byte, 1+int(length))
	note[0] = encoding
	copy(note[1:], block[infoHeadLen:])
	b.Machine.SetNote(name, note)
	return stored()
}
