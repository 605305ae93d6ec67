package ipmi

// System information parameters (IPMI 2.0 §22.14a, §22.14b).
const (
	infoSetInProgress = 0
	infoFirmware      = 1
	infoSystemName    = 2
	infoPrimaryOS     = 3
	infoPresentOS     = 4

	infoBlockLen  = 16
	encodingASCII = 0x00
)

// systemInfo is the text of a parameter, if there is such a parameter.
func (b *BMC) systemInfo(number byte) (string, bool) {
	switch number {
	case infoFirmware:
		return b.Version, true
	case infoSystemName:
		return b.Name, true
	case infoPrimaryOS, infoPresentOS: // an agent in the managed system could set it
		return "", true
	}
	return "", false
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
	text, ok := b.systemInfo(number)
	if !ok {
		return reply(UnsupportedParameter)
	}
	all := append([]byte{encodingASCII, byte(len(text))}, text...)
	if set*infoBlockLen >= len(all) {
		return reply(OutOfRange)
	}
	block := make([]byte, infoBlockLen)
	copy(block, all[set*infoBlockLen:])
	return done(append([]byte{parameterRevision, byte(set)}, block...)...)
}
