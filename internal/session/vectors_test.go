package session

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// The vectors are the codes, keys and packets of one session. They were computed by another implementation, which ipmitool
// 1.8.19 and FreeIPMI 1.6.10 accepted. The GUID is 20..2F and every initialization vector 30..3F. The request is Get Chassis
// Status.
var (
	vectorExchange = exchange{
		clientID: 0xA0A2A3A4, managedID: 0x11223344,
		clientRandom: ascending(0x00), managedRandom: ascending(0x10),
		role: 0x14, name: "admin",
	}
	vectorPassword = []byte("password")
	vectorRequest  = unhex("2000e08104017a")
	vectorAnswer   = unhex("81047b200401006110402a")
)

var vectors = map[string]struct {
	suite                            rmcp.Suite
	kg                               string
	rakp2, rakp3, sik, k1, k2, rakp4 string
	request, answer                  string // whole datagrams
}{
	"suite 3": {
		suite:   rmcp.Suite3,
		rakp2:   "78e5f6cc59a92eb1c50e0169eb387ab09a5ed0ae",
		rakp3:   "4ab420258775814f120682c8ab9275c29997effd",
		sik:     "122c77c4b11ccd93251cbae6c34a9cb6310da154",
		k1:      "e4472be78f9a81fa68297aab696a7be8c97fc9f8",
		k2:      "2b6552012a2517cb3b5713901d757a6efc7d8301",
		rakp4:   "d9e15b7475416719001dc211",
		request: "0600ff0706c044332211040000002000303132333435363738393a3b3c3d3e3f8ba22e8ebb53f69bc92f8d89fd9698a3ffff0207f51a7aba91a18769fc2235c0",
		answer:  "0600ff0706c0a4a3a2a0010000002000303132333435363738393a3b3c3d3e3fd339fed7ffffc7cb835b66898a40513affff02072748fa77613487a93a10b555",
	},
	"suite 3 with Kg": {
		suite: rmcp.Suite3,
		kg:    "secretkg",
		rakp2: "78e5f6cc59a92eb1c50e0169eb387ab09a5ed0ae",
		rakp3: "4ab420258775814f120682c8ab9275c29997effd",
		sik:   "1a8f5e1c776d55dcec5eaff48a549e2403224ff2",
		k1:    "dd687d4aa516f6f8047f5539075d6da2ad8ae313",
		k2:    "07f12cf5cfc7399ea64e774391a0e5164fc9c29a",
		rakp4: "c4aaa849c3fc7c347116bd6a",
	},
	"suite 17": {
		suite:   rmcp.Suite17,
		rakp2:   "e05b5788b56026545d34dbec0eca82c11926da5776893a39d46680f9b842aa1f",
		rakp3:   "72a845290e0504673b2177d93a8dd844954778f3fe6b0476b2e7055a21663586",
		sik:     "e5935f7199865ad961063477b0662684e2ce9b1da8f2b8d41c5ce127d37e9bcf",
		k1:      "dc4fe73d075306f6897115dd63257385e845c10404fa1d73991790c6a101bec2",
		k2:      "2a4f969ea6dfa83066f36674fdc2fea289fa1a21da90303e9b5269b54ec5adb5",
		rakp4:   "91a53fdab337c174a7f2329dda8d4286",
		request: "0600ff0706c044332211040000002000303132333435363738393a3b3c3d3e3f54980474ede3a95a5f9af59b0ce57a1effff0207a0e8cbe687765f943c92d12ecd0f93cb",
		answer:  "0600ff0706c0a4a3a2a0010000002000303132333435363738393a3b3c3d3e3f7b0902220c3722084bbfb684533f1798ffff02071e731acbbe0d0b94bbe7b14012f96d03",
	},
	"suite 17 with Kg": {
		suite: rmcp.Suite17,
		kg:    "secretkg",
		rakp2: "e05b5788b56026545d34dbec0eca82c11926da5776893a39d46680f9b842aa1f",
		rakp3: "72a845290e0504673b2177d93a8dd844954778f3fe6b0476b2e7055a21663586",
		sik:   "b2dfca84080c55b0667d21fd03d1733d3aa4596bc1e0682b47c08b09c824ac56",
		k1:    "f042d75df955f94bdf495b769671b6e835f5fa8d7081eca50f3dac6c0fdf27aa",
		k2:    "5039b9934dcd19f1d431967141e21507d266e8d161b360b4786aa589763346c9",
		rakp4: "a981ce4ee554723f9eaae5f0044a1bbd",
	},
}

func TestVectors(t *testing.T) {
	guid := ascending(0x20)
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			x := vectorExchange
			x.suite = v.suite
			kg := []byte(v.kg)
			if len(kg) == 0 {
				kg = vectorPassword
			}
			sik := x.sik(kg)
			require.Equal(t, v.rakp2, hex.EncodeToString(x.rakp2Code(vectorPassword, guid)))
			require.Equal(t, v.rakp3, hex.EncodeToString(x.rakp3Code(vectorPassword)))
			require.Equal(t, v.sik, hex.EncodeToString(sik))
			require.Equal(t, v.k1, hex.EncodeToString(x.additionalKey(sik, 1)))
			require.Equal(t, v.k2, hex.EncodeToString(x.additionalKey(sik, 2)))
			require.Equal(t, v.rakp4, hex.EncodeToString(x.rakp4Check(sik, guid)))
		})
	}
}

func TestSealedVectors(t *testing.T) {
	for _, name := range []string{"suite 3", "suite 17"} {
		t.Run(name, func(t *testing.T) {
			v, iv := vectors[name], ascending(0x30)
			x := vectorExchange
			x.suite = v.suite
			c := newPacketCipher(&x, x.sik(vectorPassword))

			answer, err := c.seal(nil, rmcp.PayloadIPMI, x.clientID, 1, vectorAnswer, bytes.NewReader(iv[:]))
			require.NoError(t, err)
			require.Equal(t, v.answer, hex.EncodeToString(answer))

			p, err := rmcp.ParsePacket(unhex(v.request)[4:])
			require.NoError(t, err)
			require.NoError(t, c.authenticate(p))
			plain, err := c.open(nil, p.Payload)
			require.NoError(t, err)
			require.Equal(t, vectorRequest, plain)
		})
	}
}

// ascending returns 16 ascending bytes.
func ascending(first byte) (b [16]byte) {
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
