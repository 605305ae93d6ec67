package rmcp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRequest(t *testing.T) {
	for name, tt := range map[string]struct {
		request string
		want    Request
		code    byte
		data    string
		answer  string
	}{
		"Get Chassis Status": {
			"20 00 e0  81 04 01  7a",
			Request{RsAddr: AddressBMC, NetFn: NetFnChassis, RqAddr: 0x81, RqSeq: 1, Cmd: 0x01, Data: []byte{}},
			0x00, "61 10 40",
			"81 04 7b  20 04 01 00  61 10 40  2a",
		},
		"Get Channel Authentication Capabilities": {
			"20 18 c8  81 00 38  8e 04  b5",
			Request{RsAddr: AddressBMC, NetFn: NetFnApp, RqAddr: 0x81, Cmd: 0x38, Data: []byte{0x8E, 0x04}},
			0x00, "01 80 04 02 000000 00",
			"81 1c 63  20 00 38 00  01 80 04 02 000000 00  21",
		},
		"Chassis Control, refused": {
			"20 00 e0  81 20 02  01  5c",
			Request{RsAddr: AddressBMC, NetFn: NetFnChassis, RqAddr: 0x81, RqSeq: 8, Cmd: 0x02, Data: []byte{0x01}},
			0xD4, "",
			"81 04 7b  20 20 02 d4  ea",
		},
		// The response swaps the LUNs and the addresses.
		"LUNs": {
			"20 1b c5  81 fe 01  80",
			Request{RsAddr: AddressBMC, NetFn: NetFnApp, RsLUN: 3, RqAddr: 0x81, RqSeq: 63, RqLUN: 2, Cmd: 0x01, Data: []byte{}},
			0xC2, "",
			"81 1e 61  20 ff 01 c2  1e",
		},
		"another responder and requester": {
			"24 b0 2c  8d 10 00  00  63",
			Request{RsAddr: 0x24, NetFn: 0x2C, RqAddr: 0x8D, RqSeq: 4, Data: []byte{0x00}},
			0xC1, "",
			"8d b4 bf  24 10 00 c1  0b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			wire := unhex(t, tt.request)
			r := requireWhole(t, ParseRequest, wire)
			require.Equal(t, tt.want, r)
			require.Equal(t, wire, r.Append(nil))
			require.Equal(t, unhex(t, tt.answer), r.AppendResponse(nil, tt.code, unhex(t, tt.data)))
			answer := requireWhole(t, ParseResponse, unhex(t, tt.answer))
			require.Equal(t, Response{NetFn: r.NetFn, RqSeq: r.RqSeq, Cmd: r.Cmd, Code: tt.code, Data: unhex(t, tt.data)}, answer)
			require.Equal(t, unhex(t, "c0ffee"+tt.answer), r.AppendResponse(unhex(t, "c0ffee"), tt.code, unhex(t, tt.data)))
		})
	}
}

// A change of any single byte makes a checksum wrong.
func TestParseRequestChecksums(t *testing.T) {
	wire := unhex(t, "20 18 c8  81 00 38  8e 04  b5")
	for bit := range len(wire) * 8 {
		flipped := append([]byte(nil), wire...)
		flipped[bit/8] ^= 1 << (bit % 8)
		_, err := ParseRequest(flipped)
		require.ErrorIs(t, err, ErrMalformed, "bit %d", bit)
	}
}

func TestParseRequestRefusesResponse(t *testing.T) {
	_, err := ParseRequest(unhex(t, "20 1c c4  81 00 01 00  7e"))
	require.ErrorIs(t, err, ErrMalformed)
	require.ErrorContains(t, err, "network function of a request is 0x07")
}

func TestParseResponseRefusesRequest(t *testing.T) {
	_, err := ParseResponse(unhex(t, "20 18 c8  81 00 38  8e 04  b5"))
	require.ErrorIs(t, err, ErrMalformed)
	require.ErrorContains(t, err, "network function of a response is 0x06")
}
