package rmcp

import "encoding/binary"

const (
	openRequestLen = 32
	algorithmLen   = 8 // of an algorithm field; the value in its length byte

	rakp1Len = 28 // without the name
	rakp3Len = 8  // without the authentication code
)

// An OpenRequest is an RMCP+ Open Session Request (IPMI 2.0 §13.17). An
// algorithm of AnyAlgorithm leaves the choice to the BMC.
type OpenRequest struct {
	Tag             byte
	Privilege       Privilege // Anyone: the highest that the algorithms allow
	ClientID        uint32    // remote console session ID; must not be 0
	Auth            AuthAlgorithm
	Integrity       IntegrityAlgorithm
	Confidentiality ConfidentialityAlgorithm
}

// ParseOpenRequest reads an Open Session Request.
func ParseOpenRequest(b []byte) (OpenRequest, error) {
	if len(b) != openRequestLen {
		return OpenRequest{}, short("Open Session Request", len(b), openRequestLen)
	}
	var algorithms [3]byte
	for kind := range algorithms {
		field := b[8+kind*algorithmLen:][:algorithmLen]
		switch {
		case field[0] != byte(kind):
			return OpenRequest{}, bad("algorithm payload type", field[0])
		case field[3] == 0:
			algorithms[kind] = AnyAlgorithm
		case field[3] == algorithmLen:
			algorithms[kind] = field[4] & 0x3F
		default:
			return OpenRequest{}, bad("algorithm payload length", field[3])
		}
	}
	return OpenRequest{
		Tag:             b[0],
		Privilege:       Privilege(b[1] & 0x0F),
		ClientID:        binary.LittleEndian.Uint32(b[4:]),
		Auth:            AuthAlgorithm(algorithms[0]),
		Integrity:       IntegrityAlgorithm(algorithms[1]),
		Confidentiality: ConfidentialityAlgorithm(algorithms[2]),
	}, nil
}

// An OpenResponse is an RMCP+ Open Session Response (IPMI 2.0 §13.18). Only
// Tag, Status and ClientID are sent unless Status is StatusOK.
type OpenResponse struct {
	Tag       byte
	Status    Status
	Privilege Privilege // what the session may reach at the most; never Anyone
	ClientID  uint32
	ManagedID uint32 // managed system session ID
	Suite     Suite
}

// Append appends the payload.
func (m OpenResponse) Append(b []byte) []byte {
	if m.Status != StatusOK {
		return appendRefusal(b, m.Tag, m.Status, m.ClientID)
	}
	b = append(b, m.Tag, byte(m.Status), byte(m.Privilege), 0)
	b = binary.LittleEndian.AppendUint32(b, m.ClientID)
	b = binary.LittleEndian.AppendUint32(b, m.ManagedID)
	algorithms := [...]byte{byte(m.Suite.Auth), byte(m.Suite.Integrity), byte(m.Suite.Confidentiality)}
	for kind, algorithm := range algorithms {
		b = append(b, byte(kind), 0, 0, algorithmLen, algorithm, 0, 0, 0)
	}
	return b
}

// A RAKP1 begins the key exchange (IPMI 2.0 §13.20).
type RAKP1 struct {
	Tag       byte
	ManagedID uint32
	Random    [16]byte // the console's
	Role      Role
	Name      []byte // longer than the 16 bytes allowed, if the console says so
}

// ParseRAKP1 reads a RAKP Message 1. Name aliases b.
func ParseRAKP1(b []byte) (RAKP1, error) {
	if len(b) < rakp1Len {
		return RAKP1{}, short("RAKP Message 1", len(b), rakp1Len)
	}
	if want := rakp1Len + int(b[27]); len(b) != want {
		return RAKP1{}, short("RAKP Message 1", len(b), want)
	}
	return RAKP1{
		Tag:       b[0],
		ManagedID: binary.LittleEndian.Uint32(b[4:]),
		Random:    [16]byte(b[8:24]),
		Role:      Role(b[24]),
		Name:      b[rakp1Len:],
	}, nil
}

// A RAKP2 answers a RAKP1 (IPMI 2.0 §13.21). Only Tag, Status and ClientID are
// sent unless Status is StatusOK.
type RAKP2 struct {
	Tag      byte
	Status   Status
	ClientID uint32
	Random   [16]byte // the managed system's
	GUID     [16]byte
	AuthCode []byte // whole, by the authentication algorithm
}

// Append appends the payload.
func (m RAKP2) Append(b []byte) []byte {
	if m.Status != StatusOK {
		return appendRefusal(b, m.Tag, m.Status, m.ClientID)
	}
	b = append(b, m.Tag, byte(m.Status), 0, 0)
	b = binary.LittleEndian.AppendUint32(b, m.ClientID)
	b = append(b, m.Random[:]...)
	b = append(b, m.GUID[:]...)
	return append(b, m.AuthCode...)
}

// A RAKP3 proves that the console knows the password (IPMI 2.0 §13.22).
type RAKP3 struct {
	Tag       byte
	Status    Status // other than StatusOK: the console refuses RAKP Message 2
	ManagedID uint32
	AuthCode  []byte
}

// ParseRAKP3 reads a RAKP Message 3. AuthCode aliases b.
func ParseRAKP3(b []byte) (RAKP3, error) {
	if len(b) < rakp3Len {
		return RAKP3{}, short("RAKP Message 3", len(b), rakp3Len)
	}
	return RAKP3{
		Tag:       b[0],
		Status:    Status(b[1]),
		ManagedID: binary.LittleEndian.Uint32(b[4:]),
		AuthCode:  b[rakp3Len:],
	}, nil
}

// A RAKP4 ends the key exchange (IPMI 2.0 §13.23).
type RAKP4 struct {
	Tag      byte
	Status   Status
	ClientID uint32
	// Integrity is the integrity check value, as long as the authentication
	// algorithm says, whatever the integrity algorithm of the suite.
	Integrity []byte
}

// Append appends the payload.
func (m RAKP4) Append(b []byte) []byte {
	b = appendRefusal(b, m.Tag, m.Status, m.ClientID)
	return append(b, m.Integrity...)
}

// appendRefusal appends the eight bytes that every response begins with, and
// that are the whole of one that refuses.
func appendRefusal(b []byte, tag byte, status Status, consoleID uint32) []byte {
	b = append(b, tag, byte(status), 0, 0)
	return binary.LittleEndian.AppendUint32(b, consoleID)
}
