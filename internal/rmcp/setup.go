package rmcp

import "encoding/binary"

const (
	openRequestLen = 32
	algorithmLen   = 8 // of an algorithm field, and the value of its length byte

	openResponseLen = 36

	rakp1Len   = 28 // without the name
	rakp2Len   = 40 // without the authentication code
	rakp3Len   = 8  // without the authentication code
	rakp4Len   = 8  // without the integrity check value
	refusalLen = 8
)

// An OpenRequest is an RMCP+ Open Session Request (§13.17). If an algorithm is AnyAlgorithm, the BMC chooses it.
type OpenRequest struct {
	Tag             byte      // copied into the response
	Privilege       Privilege // highest requested level; Anyone requests the highest that the algorithms allow
	ClientID        uint32    // remote console session ID; 0 is not valid
	Auth            AuthAlgorithm
	Integrity       IntegrityAlgorithm
	Confidentiality ConfidentialityAlgorithm
}

// ParseOpenRequest reads the payload of an Open Session Request, of 32 bytes. The error is ErrMalformed for another length
// and for algorithm fields in another order.
func ParseOpenRequest(b []byte) (OpenRequest, error) {
	if len(b) != openRequestLen {
		return OpenRequest{}, wrongLength("Open Session Request", len(b), openRequestLen)
	}
	var algorithms [3]byte
	for kind := range algorithms {
		field := b[8+kind*algorithmLen:][:algorithmLen]
		switch {
		case field[0] != byte(kind):
			return OpenRequest{}, invalid("algorithm payload type", field[0])
		case field[3] == 0:
			algorithms[kind] = AnyAlgorithm
		case field[3] == algorithmLen:
			algorithms[kind] = field[4] & 0x3F
		default:
			return OpenRequest{}, invalid("algorithm payload length", field[3])
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

// Append appends the payload, of 32 bytes.
func (m OpenRequest) Append(b []byte) []byte {
	b = append(b, m.Tag, byte(m.Privilege), 0, 0)
	b = binary.LittleEndian.AppendUint32(b, m.ClientID)
	return appendAlgorithms(b, byte(m.Auth), byte(m.Integrity), byte(m.Confidentiality))
}

func appendAlgorithms(b []byte, algorithms ...byte) []byte {
	for kind, algorithm := range algorithms {
		b = append(b, byte(kind), 0, 0, algorithmLen, algorithm, 0, 0, 0)
	}
	return b
}

// An OpenResponse is an RMCP+ Open Session Response (§13.18). Unless Status is StatusOK, only Tag, Status and ClientID are
// sent.
type OpenResponse struct {
	Tag       byte // of the request
	Status    Status
	Privilege Privilege // highest level that the suite allows; never Anyone
	ClientID  uint32    // of the request
	ManagedID uint32    // managed system session ID
	Suite     Suite
}

// Append appends the payload, of 36 bytes or 8.
func (m OpenResponse) Append(b []byte) []byte {
	if m.Status != StatusOK {
		return appendRefusal(b, m.Tag, m.Status, m.ClientID)
	}
	b = append(b, m.Tag, byte(m.Status), byte(m.Privilege), 0)
	b = binary.LittleEndian.AppendUint32(b, m.ClientID)
	b = binary.LittleEndian.AppendUint32(b, m.ManagedID)
	return appendAlgorithms(b, byte(m.Suite.Auth), byte(m.Suite.Integrity), byte(m.Suite.Confidentiality))
}

// ParseOpenResponse reads the payload of an Open Session Response. Suite has no ID, because
// the message names the algorithms only.
func ParseOpenResponse(b []byte) (OpenResponse, error) {
	if len(b) < refusalLen {
		return OpenResponse{}, wrongLength("Open Session Response", len(b), refusalLen)
	}
	m := OpenResponse{
		Tag:       b[0],
		Status:    Status(b[1]),
		Privilege: Privilege(b[2] & 0x0F),
		ClientID:  binary.LittleEndian.Uint32(b[4:]),
	}
	if m.Status != StatusOK {
		return m, nil
	}
	if len(b) < openResponseLen {
		return OpenResponse{}, wrongLength("Open Session Response", len(b), openResponseLen)
	}
	m.ManagedID = binary.LittleEndian.Uint32(b[8:])
	m.Suite = Suite{
		Auth:            AuthAlgorithm(b[16] & 0x3F),
		Integrity:       IntegrityAlgorithm(b[24] & 0x3F),
		Confidentiality: ConfidentialityAlgorithm(b[32] & 0x3F),
	}
	return m, nil
}

// A RAKP1 is a RAKP Message 1 (§13.20): the client begins the key exchange.
type RAKP1 struct {
	Tag       byte
	ManagedID uint32   // managed system session ID
	Random    [16]byte // remote console random number
	Role      Role
	Name      []byte // 0 to 255 bytes; the specification allows 16
}

// ParseRAKP1 reads the payload of a RAKP Message 1. Name is a slice of b. The error is ErrMalformed unless the length byte
// of the name matches the payload.
func ParseRAKP1(b []byte) (RAKP1, error) {
	if len(b) < rakp1Len {
		return RAKP1{}, wrongLength("RAKP Message 1", len(b), rakp1Len)
	}
	if want := rakp1Len + int(b[27]); len(b) != want {
		return RAKP1{}, wrongLength("RAKP Message 1", len(b), want)
	}
	return RAKP1{
		Tag:       b[0],
		ManagedID: binary.LittleEndian.Uint32(b[4:]),
		Random:    [16]byte(b[8:24]),
		Role:      Role(b[24]),
		Name:      b[rakp1Len:],
	}, nil
}

// Append appends the payload: 28 bytes and the name.
func (m RAKP1) Append(b []byte) []byte {
	b = append(b, m.Tag, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, m.ManagedID)
	b = append(b, m.Random[:]...)
	b = append(b, byte(m.Role), 0, 0, byte(len(m.Name)))
	return append(b, m.Name...)
}

// A RAKP2 is a RAKP Message 2 (§13.21): the BMC proves that it knows the password. Unless Status is StatusOK, only Tag,
// Status and ClientID are sent.
type RAKP2 struct {
	Tag      byte // of the RAKP Message 1
	Status   Status
	ClientID uint32   // remote console session ID
	Random   [16]byte // managed system random number
	GUID     [16]byte // managed system GUID
	AuthCode []byte   // 20 bytes for HMAC-SHA1, 32 for HMAC-SHA256
}

// Append appends the payload: 40 bytes and the code, or 8 bytes.
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

// ParseRAKP2 reads the payload of a RAKP Message 2. AuthCode is a slice of b.
func ParseRAKP2(b []byte) (RAKP2, error) {
	if len(b) < refusalLen {
		return RAKP2{}, wrongLength("RAKP Message 2", len(b), refusalLen)
	}
	m := RAKP2{Tag: b[0], Status: Status(b[1]), ClientID: binary.LittleEndian.Uint32(b[4:])}
	if m.Status != StatusOK {
		return m, nil
	}
	if len(b) < rakp2Len {
		return RAKP2{}, wrongLength("RAKP Message 2", len(b), rakp2Len)
	}
	m.Random, m.GUID, m.AuthCode = [16]byte(b[8:24]), [16]byte(b[24:40]), b[rakp2Len:]
	return m, nil
}

// A RAKP3 is a RAKP Message 3 (§13.22): the client proves that it knows the password.
type RAKP3 struct {
	Tag       byte
	Status    Status // not StatusOK if the client refuses RAKP Message 2 and gives up
	ManagedID uint32 // managed system session ID
	AuthCode  []byte // as received, of any length
}

// ParseRAKP3 reads the payload of a RAKP Message 3. AuthCode is a slice of b.
func ParseRAKP3(b []byte) (RAKP3, error) {
	if len(b) < rakp3Len {
		return RAKP3{}, wrongLength("RAKP Message 3", len(b), rakp3Len)
	}
	return RAKP3{
		Tag:       b[0],
		Status:    Status(b[1]),
		ManagedID: binary.LittleEndian.Uint32(b[4:]),
		AuthCode:  b[rakp3Len:],
	}, nil
}

// Append appends the payload: 8 bytes and the authentication code.
func (m RAKP3) Append(b []byte) []byte {
	b = appendRefusal(b, m.Tag, m.Status, m.ManagedID)
	return append(b, m.AuthCode...)
}

// A RAKP4 is a RAKP Message 4 (§13.23): the BMC ends the key exchange.
type RAKP4 struct {
	Tag      byte // of the RAKP Message 3
	Status   Status
	ClientID uint32 // remote console session ID
	// Integrity is the integrity check value, empty unless Status is StatusOK. The authentication algorithm sets its length,
	// not the integrity algorithm: 12 bytes for HMAC-SHA1, 16 for HMAC-SHA256.
	Integrity []byte
}

// Append appends the payload: 8 bytes and the integrity check value.
func (m RAKP4) Append(b []byte) []byte {
	b = appendRefusal(b, m.Tag, m.Status, m.ClientID)
	return append(b, m.Integrity...)
}

// ParseRAKP4 reads the payload of a RAKP Message 4. Integrity is a slice of b.
func ParseRAKP4(b []byte) (RAKP4, error) {
	if len(b) < rakp4Len {
		return RAKP4{}, wrongLength("RAKP Message 4", len(b), rakp4Len)
	}
	return RAKP4{
		Tag:       b[0],
		Status:    Status(b[1]),
		ClientID:  binary.LittleEndian.Uint32(b[4:]),
		Integrity: b[rakp4Len:],
	}, nil
}

// appendRefusal appends the eight bytes with which every response begins, and RAKP Message 3. A refusal consists of these
// bytes alone. The session ID is that of the receiver.
func appendRefusal(b []byte, tag byte, status Status, sessionID uint32) []byte {
	b = append(b, tag, byte(status), 0, 0)
	return binary.LittleEndian.AppendUint32(b, sessionID)
}
