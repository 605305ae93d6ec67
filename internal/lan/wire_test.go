package lan

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/test/console"
)

// Datagrams outside a session, as rmcpping and ipmitool 1.8.19 send them, and
// what a BMC that both accept has answered.
const (
	pingVector = "0600ff06 000011be 80 05 00 00"
	pongVector = "0600ff06 000011be 40 05 00 10 000011be 00000000 81 00 000000000000"

	authCapabilities = "0600ff07 00 00000000 00000000 09 2018c8 81 00 38 8e 04 b5"
	authAnswer       = "0600ff07 00 00000000 00000000 10 811c63 20 00 38 00 01 80 04 02 00000000 21"

	cipherSuites = "0600ff07 06 00 00000000 00000000 0a00 2018c8 81 00 54 0e 00 80 9d"
	cipherAnswer = "0600ff07 06 00 00000000 00000000 1300 811c63 20 00 54 00 01 c003014181 c011034481 6c"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	require.NoError(t, err)
	return b
}

func TestAnswersOutsideASession(t *testing.T) {
	in(t, func(r *rig) {
		for request, answer := range map[string]string{
			pingVector:       pongVector,
			authCapabilities: authAnswer,
			cipherSuites:     cipherAnswer,
		} {
			require.Equal(t, unhex(t, answer), r.one(unhex(t, request)))
		}
	})
}

// go-ipmi's client sends Get Session Challenge although the BMC offers no authentication type
// of IPMI 1.5. It gets its answer at once.
func TestAnIPMI15ClientIsRefusedAtOnce(t *testing.T) {
	const (
		challenge = "0600ff07 00 00000000 00000000 18 2018c8 81 08 39 00 61646d696e0000000000000000000000 35"
		refused   = "0600ff07 00 00000000 00000000 08 811c63 20 08 39 c1 de"
	)
	in(t, func(r *rig) { require.Equal(t, unhex(t, refused), r.one(unhex(t, challenge))) })
}

func TestDroppedOutsideASession(t *testing.T) {
	// Get Device ID needs a session.
	deviceID := hex.EncodeToString([]byte(console.Request(app, getDeviceID, 0)))
	tests := map[string]string{
		"a ping that wants no answer":       strings.Replace(pingVector, "80 05", "80 ff", 1),
		"a pong":                            pongVector,
		"an RMCP acknowledge":               strings.Replace(pingVector, "0600ff06", "0600ff86", 1),
		"an answer of another BMC":          authAnswer,
		"another RMCP version":              strings.Replace(pingVector, "0600", "0500", 1),
		"a command that needs a session":    "0600ff07 06 00 00000000 00000000 0700" + deviceID,
		"the same in IPMI 1.5 framing":      "0600ff07 00 00000000 00000000 07" + deviceID,
		"a wrong checksum":                  strings.Replace(authCapabilities, "b5", "b4", 1),
		"another responder":                 "0600ff07 00 00000000 00000000 09 3018b8 81 00 38 8e 04 b5",
		"an IPMI 1.5 session":               strings.Replace(authCapabilities, "00 00000000 00000000", "00 00000000 01000000", 1),
		"a sequence number outside one":     strings.Replace(cipherSuites, "00000000 00000000", "00000000 01000000", 1),
		"the authenticated bit outside one": strings.Replace(cipherSuites, "06 00", "06 40", 1),
		"bytes behind the payload":          cipherSuites + "00",
		"an OEM payload":                    strings.Replace(cipherSuites, "06 00", "06 02", 1),
		"RAKP Message 1 for nobody":         "0600ff07 06 12 00000000 00000000 2100 00000000 44332211 000102030405060708090a0b0c0d0e0f 14000005 61646d696e",
		"RAKP Message 3 for nobody":         "0600ff07 06 14 00000000 00000000 0800 00000000 44332211",
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) { require.Empty(t, r.send(unhex(t, request))) })
		})
	}
}

// A datagram of a session that is cut short or has a flipped bit gets no answer and has no
// effect.
func TestDamagedDatagrams(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(0, machine.Reading{})
		c := r.login()
		whole := c.Packet(console.Request(chassis, control, 1, reset))
		for n := range whole {
			require.Empty(t, r.send(whole[:n]), "%d bytes", n)
		}
		require.Empty(t, r.send(append(slices.Clone(whole), 0)), "a byte too many")
		for bit := range 8 * len(whole) {
			// The RMCP header is not covered, and two of its bytes say nothing.
			if i := bit / 8; i == 1 || i == 2 || i == 3 && 1<<(bit%8)&0x60 != 0 {
				continue
			}
			flipped := slices.Clone(whole)
			flipped[bit/8] ^= 1 << (bit % 8)
			require.Empty(t, r.send(flipped), "bit %d", bit)
		}
		require.Empty(t, r.scripts.started())
		require.Equal(t, "00", r.read(c, r.one(whole)))
		require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
	})
}

func TestAnAuthenticPacketThatIsNoRequestIsDropped(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		request := console.Request(app, getDeviceID, 1)
		for name, plain := range map[string]string{
			"nothing":            "",
			"six bytes":          request[:6],
			"a wrong checksum":   request[:6] + "\x00",
			"a response":         "\x20\x1c\xc4\x81\x04\x01\x7a",
			"another responder":  "\x30\x18\xb8\x81\x04\x01\x7a",
			"a response, signed": "\x81\x1c\x63\x20\x04\x01\x00\xdb",
		} {
			require.Empty(t, r.send(c.Packet(plain)), name)
		}
		require.Contains(t, r.ask(c, app, getDeviceID, 2), "00 20 01")
	})
}

func TestCloseSessionIsAnsweredOnceMore(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		id := []byte{byte(c.SIDc), byte(c.SIDc >> 8), byte(c.SIDc >> 16), byte(c.SIDc >> 24)}
		require.Equal(t, "00", r.ask(c, app, 0x3C, 1, id...))
		require.Empty(t, r.send(c.Packet(console.Request(app, getDeviceID, 2))), "closed")
		require.Equal(t, "00", r.ask(c, app, 0x3C, 1, id...), "its answer was lost")
		time.Sleep(2 * time.Second)
		require.Empty(t, r.send(c.Packet(console.Request(app, 0x3C, 1, id...))), "too late")
	})
}

// A client that ends its own session is not logged. A client that ends another session is.
func TestEndingAnotherSessionIsLogged(t *testing.T) {
	in(t, func(r *rig) {
		var log strings.Builder
		r.logTo(slog.NewTextHandler(&log, nil))
		c, other := r.login(), r.login()
		for _, ends := range []*console.Console{other, c} {
			id := binary.LittleEndian.AppendUint32(nil, ends.SIDc)
			require.Equal(t, "00", r.ask(c, app, 0x3C, 1, id...))
		}
		r.stop()
		require.Equal(t, 1, strings.Count(log.String(), "session closed"))
		require.Contains(t, log.String(), fmt.Sprintf(`msg="session closed" session=%08x user=admin peer=192.0.2.1:50000 by=admin`, other.SIDc))
	})
}
