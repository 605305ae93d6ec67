package rmcp

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unhex decodes hex digits on several lines. It ignores spaces, and the comment after a # up to the end of the line.
func unhex(t testing.TB, annotated string) []byte {
	t.Helper()
	var digits strings.Builder
	for line := range strings.Lines(annotated) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	require.NoError(t, err)
	return b
}

// requests returns datagrams of real clients, from the captures and from the vectors of this package.
func requests(t testing.TB) [][]byte {
	t.Helper()
	var all [][]byte
	for _, v := range []string{
		pingVector, authCapabilitiesVector, cipherSuitesVector,
		openRequestVector, rakp1Vector, rakp3Vector, sealedVector, unencryptedVector,
	} {
		all = append(all, unhex(t, v))
	}
	files, err := filepath.Glob("testdata/captures/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		before := len(all)
		for line := range strings.Lines(string(text)) {
			if sent, ok := strings.CutPrefix(line, ">"); ok {
				all = append(all, unhex(t, sent))
			}
		}
		require.Greater(t, len(all), before, name)
	}
	return all
}

// A session with fixed random numbers. The datagrams were computed by another implementation, whose keys and codes ipmitool
// 1.8.19 and FreeIPMI 1.6.10 accepted. The user is admin with the password "password". The random number of the client is
// 00..0F, that of the BMC 10..1F, the GUID 20..2F, and every initialization vector 30..3F.
const (
	rmcpHeader = `
		06  # RMCP version 1.0
		00  # reserved
		ff  # no acknowledge
		07  # class: IPMI
	`
	setupHeader = `
		00000000  # session ID: none
		00000000  # session sequence number: none
	`
	pingVector = `
		06 00 ff 06  # RMCP header, class: ASF
		000011be     # enterprise number 4542: ASF, in network order
		80           # presence ping
		99           # tag
		00 00        # reserved, data length
	`
	pongVector = `
		06 00 ff 06
		000011be 40 99 00
		10           # data length
		000011be     # no OEM features
		00000000
		81           # IPMI, ASF 1.0
		00           # no interactions
		000000000000 # reserved
	`
	authCapabilitiesVector = rmcpHeader + `
		00           # authentication type: none, in IPMI 1.5 framing
		00000000     # session sequence number
		00000000     # session ID
		09           # payload length
		20 18 c8     # to the BMC, network function App
		81 00 38     # from the client, sequence number 0
		8e 04        # IPMI 2.0 data of this channel, administrator
		b5
	`
	authCapabilitiesAnswer = rmcpHeader + `
		00 00000000 00000000 10
		81 1c 63  20 00 38  00
		01 80 04 02 000000 00
		21
	`
	cipherSuitesVector = rmcpHeader + `
		06 00` + setupHeader + `
		0a00         # payload length
		20 18 c8  81 00 54
		0e 00 80     # this channel, payload IPMI, first page by cipher suite
		9d
	`
	cipherSuitesAnswer = rmcpHeader + `
		06 00` + setupHeader + `
		1300
		81 1c 63  20 00 54  00
		01           # channel
		c0 11 03 44 81
		c0 03 01 41 81
		6c
	`
	openRequestVector = rmcpHeader + `
		06 10` + setupHeader + `
		2000               # payload length
		00                 # tag
		00                 # privilege: the highest
		0000               # reserved
		a4a3a2a0           # client session ID
		00 0000 08 01 000000  # authentication: RAKP-HMAC-SHA1
		01 0000 08 01 000000  # integrity: HMAC-SHA1-96
		02 0000 08 01 000000  # confidentiality: AES-CBC-128
	`
	openResponseVector = rmcpHeader + `
		06 11` + setupHeader + `
		2400
		00 00              # tag, status
		04 00              # privilege: administrator; reserved
		a4a3a2a0           # client session ID
		44332211           # managed system session ID
		00 0000 08 01 000000
		01 0000 08 01 000000
		02 0000 08 01 000000
	`
	rakp1Vector = rmcpHeader + `
		06 12` + setupHeader + `
		2100
		00 000000          # tag, reserved
		44332211           # managed system session ID
		000102030405060708090a0b0c0d0e0f
		14                 # role: administrator, look up by name alone
		0000               # reserved
		05 61646d696e      # "admin"
	`
	rakp2Vector = rmcpHeader + `
		06 13` + setupHeader + `
		3c00
		00 00 0000         # tag, status, reserved
		a4a3a2a0           # client session ID
		101112131415161718191a1b1c1d1e1f
		202122232425262728292a2b2c2d2e2f
		78e5f6cc59a92eb1c50e0169eb387ab09a5ed0ae
	`
	rakp3Vector = rmcpHeader + `
		06 14` + setupHeader + `
		1c00
		00 00 0000         # tag, status, reserved
		44332211           # managed system session ID
		4ab420258775814f120682c8ab9275c29997effd
	`
	rakp4Vector = rmcpHeader + `
		06 15` + setupHeader + `
		1400
		00 00 0000         # tag, status, reserved
		a4a3a2a0           # client session ID
		d9e15b7475416719001dc211
	`
	sealedVector = rmcpHeader + `
		06 c0              # encrypted and authenticated IPMI
		44332211           # managed system session ID
		04000000           # session sequence number 4
		2000               # payload length
		303132333435363738393a3b3c3d3e3f
		8ba22e8ebb53f69bc92f8d89fd9698a3
		ffff 02 07         # pad, its length, next header
		f51a7aba91a18769fc2235c0
	`
	unencryptedVector = rmcpHeader + `
		06 40              # authenticated only, as cipher suite 2 has it
		44332211 04000000 0700
		20 00 e0  81 04 01  7a
		ffffff 03 07
		91523dbdce953c81eb07ae91
	`
)
