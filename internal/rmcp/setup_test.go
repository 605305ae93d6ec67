package rmcp

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// payload returns the payload of a datagram that opens a session.
func payload(t *testing.T, datagram string) []byte {
	t.Helper()
	p, err := ParsePacket(sessionPacket(t, datagram))
	require.NoError(t, err)
	return p.Payload
}

var (
	clientRandom  = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	managedRandom = [16]byte{16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}
	guid          = [16]byte{32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47}
)

func TestOpenRequest(t *testing.T) {
	want := OpenRequest{
		ClientID: 0xA0A2A3A4, Auth: AuthHMACSHA1, Integrity: IntegrityHMACSHA1_96, Confidentiality: ConfidentialityAESCBC128,
	}
	require.Equal(t, want, requireWhole(t, ParseOpenRequest, payload(t, openRequestVector)))
	require.Equal(t, payload(t, openRequestVector), want.Append(nil))
	_, err := ParseOpenRequest(append(payload(t, openRequestVector), 0))
	require.ErrorIs(t, err, ErrMalformed)
}

func TestParseOpenRequest(t *testing.T) {
	const (
		auth            = "00 0000 08 03 000000"
		integrity       = "01 0000 08 04 000000"
		confidentiality = "02 0000 08 01 000000"
	)
	sha256 := OpenRequest{
		Tag: 7, Privilege: Operator, ClientID: 0x04030201,
		Auth: AuthHMACSHA256, Integrity: IntegrityHMACSHA256_128, Confidentiality: ConfidentialityAESCBC128,
	}
	anyAlgorithm := sha256
	anyAlgorithm.Auth, anyAlgorithm.Integrity, anyAlgorithm.Confidentiality = AnyAlgorithm, AnyAlgorithm, AnyAlgorithm

	for name, tt := range map[string]struct {
		request string
		want    OpenRequest
	}{
		"suite 17":       {"07 03 0000 01020304" + auth + integrity + confidentiality, sha256},
		"reserved bytes": {"07 03 ffff 01020304 00 ffff 08 03 ffffff" + integrity + confidentiality, sha256},
		"reserved bits":  {"07 f3 0000 01020304 00 0000 08 c3 000000 01 0000 08 44 000000 02 0000 08 81 000000", sha256},
		"null fields":    {"07 03 0000 01020304 00 0000 00 01 000000 01 0000 00 02 000000 02 0000 00 03 000000", anyAlgorithm},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseOpenRequest(unhex(t, tt.request))
			require.NoError(t, err)
			require.Equal(t, tt.want, m)
		})
	}
	for name, request := range map[string]string{
		"fields in another order": "07 03 0000 01020304" + integrity + auth + confidentiality,
		"a field twice":           "07 03 0000 01020304" + auth + auth + confidentiality,
		"field of nine bytes":     "07 03 0000 01020304 00 0000 09 03 000000" + integrity + confidentiality,
		"field of one byte":       "07 03 0000 01020304" + auth + integrity + "02 0000 01 01 000000",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseOpenRequest(unhex(t, request))
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

func TestOpenResponse(t *testing.T) {
	ok := OpenResponse{Privilege: Administrator, ClientID: 0xA0A2A3A4, ManagedID: 0x11223344, Suite: Suite3}
	wire := payload(t, openResponseVector)
	require.Equal(t, wire, ok.Append(nil))
	got := requireWhole(t, ParseOpenResponse, wire)
	got.Suite.ID = ok.Suite.ID
	require.Equal(t, ok, got)

	refused := OpenResponse{Tag: 7, Status: StatusNoCipherSuiteMatch, ClientID: 0xA0A2A3A4}
	wire = unhex(t, "07 11 0000 a4a3a2a0")
	require.Equal(t, wire, refused.Append(nil))
	require.Equal(t, refused, requireWhole(t, ParseOpenResponse, wire))
}

func TestRAKP1(t *testing.T) {
	want := RAKP1{ManagedID: 0x11223344, Random: clientRandom, Role: 0x14, Name: []byte("admin")}
	require.Equal(t, want, requireWhole(t, ParseRAKP1, payload(t, rakp1Vector)))
	require.Equal(t, payload(t, rakp1Vector), want.Append(nil))
	require.Equal(t, Administrator, want.Role.Privilege())

	_, err := ParseRAKP1(append(payload(t, rakp1Vector), 0))
	require.ErrorIs(t, err, ErrMalformed)
}

// ParseRAKP1 accepts an empty name and one that is too long, because the response to a long name has its own status.
func TestRAKP1Name(t *testing.T) {
	for n := range 256 {
		b := bytes.Clone(payload(t, rakp1Vector)[:rakp1Len])
		b[rakp1Len-1] = byte(n)
		b = append(b, bytes.Repeat([]byte{'x'}, n)...)

		m := requireWhole(t, ParseRAKP1, b)
		require.Equal(t, b[rakp1Len:], m.Name)
	}
}

func TestRAKP2(t *testing.T) {
	code := unhex(t, "78e5f6cc59a92eb1c50e0169eb387ab09a5ed0ae")
	ok := RAKP2{ClientID: 0xA0A2A3A4, Random: managedRandom, GUID: guid, AuthCode: code}
	wire := payload(t, rakp2Vector)
	require.Equal(t, wire, ok.Append(nil))
	got, err := ParseRAKP2(wire)
	require.NoError(t, err)
	require.Equal(t, ok, got)
	for n := range rakp2Len {
		_, err := ParseRAKP2(wire[:n])
		require.ErrorIs(t, err, ErrMalformed, "%d bytes", n)
	}

	refused := RAKP2{Tag: 7, Status: StatusInvalidNameLength, ClientID: 0xA0A2A3A4}
	wire = unhex(t, "07 0c 0000 a4a3a2a0")
	require.Equal(t, wire, refused.Append(nil))
	require.Equal(t, refused, requireWhole(t, ParseRAKP2, wire))
}

func TestRAKP3(t *testing.T) {
	b := payload(t, rakp3Vector)
	for n := range rakp3Len {
		_, err := ParseRAKP3(b[:n])
		require.ErrorIs(t, err, ErrMalformed, "%d bytes", n)
	}
	m, err := ParseRAKP3(b)
	require.NoError(t, err)
	require.Equal(t, RAKP3{ManagedID: 0x11223344, AuthCode: unhex(t, "4ab420258775814f120682c8ab9275c29997effd")}, m)

	require.Equal(t, b, m.Append(nil))

	m, err = ParseRAKP3(unhex(t, "07 0f 0000 44332211"))
	require.NoError(t, err)
	require.Equal(t, RAKP3{Tag: 7, Status: StatusInvalidIntegrityCheck, ManagedID: 0x11223344, AuthCode: []byte{}}, m)
}

func TestRAKP4(t *testing.T) {
	ok := RAKP4{ClientID: 0xA0A2A3A4, Integrity: unhex(t, "d9e15b7475416719001dc211")}
	wire := payload(t, rakp4Vector)
	require.Equal(t, wire, ok.Append(nil))
	got, err := ParseRAKP4(wire)
	require.NoError(t, err)
	require.Equal(t, ok, got)
	for n := range rakp4Len {
		_, err := ParseRAKP4(wire[:n])
		require.ErrorIs(t, err, ErrMalformed, "%d bytes", n)
	}

	refused := RAKP4{Tag: 7, Status: StatusInvalidRole, ClientID: 0xA0A2A3A4}
	require.Equal(t, unhex(t, "07 09 0000 a4a3a2a0"), refused.Append(nil))
}
