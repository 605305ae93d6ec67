package inband

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// boot is what QEMU 7.2 sends while Debian's kernel 6.1 loads ipmi_si, and what the driver
// accepted: ">" is of QEMU, "<" of the BMC. A note follows the bytes.
const boot = `
> ff 01 a1                                            version
> 08 3f a1                                            capabilities
> 00 18 01 e7 a0                                      Get Device ID
< 00 1c 01 00 20 01 01 00 02 8f 00 00 00 00 00 30 a0
> 01 18 2f b8 a0                                      Get BMC Global Enables
< 01 1c 2f 00 08 ac a0
> 03 18 2e 09 ae a0                                   Set BMC Global Enables
< 05 a1                                               enable interrupt
< 03 1c 2e 00 b3 a0
> 06 18 30 08 aa ba a0                                Clear Message Flags; checksum aa
< 06 1c 30 00 ae a0
> 07 18 08 d9 a0                                      Get Device GUID
< 07 1c 08 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 5d a0
> 08 18 2f b1 a0                                      Get BMC Global Enables
< 08 1c 2f 00 0d aa b0 a0                             checksum a0
> 0a 18 35 a9 a0                                      Read Event Message Buffer
< 0a 1c 35 80 25 a0
> 0c 18 42 00 9a a0                                   Get Channel Info 0
> 0d 18 42 01 98 a0                                   Get Channel Info 1
< 0d 1c 42 00 01 04 01 80 f2 1b 00 00 00 02 a0
> 1b 18 42 0f 7c a0                                   Get Channel Info F
< 1b 1c 42 00 0f 0c 05 00 f2 1b 00 ff ff 5c a0
`

// openIPMI is what go-ipmi 0.9.1 (">") and ipmi_sim of OpenIPMI 2.0.33 ("<") say to each other. The simulator has a product
// ID of special bytes, so that they are escaped in every place of a message.
const openIPMI = `
< ff 01 a1                                                     version
< 00 a1                                                        no attention
> 01 18 01 e6 a0                                               Get Device ID
< 01 1c 01 00 00 00 21 08 02 9f aa ba aa b1 00 aa b1 aa b0 00 00 00 00 8c a0
> 03 18 2f b6 a0                                               Get BMC Global Enables
< 03 1c 2f 00 09 a9 a0
> 05 18 42 0f 92 a0                                            Get Channel Info F
< 05 1c 42 00 0f 05 09 00 f2 1b 00 00 00 73 a0
> 08 18 35 ab a0                                               Read Event Message Buffer: empty
< 08 1c 35 80 27 a0
> 09 18 aa b0 aa b0 aa b1 aa ba 54 a0                          a command that is unknown
< 09 1c aa b0 c1 7a a0
> 0b 28 44 00 00 02 00 00 00 00 aa b1 aa b0 04 aa ba 30 01 b0 b1 ba 4c a0   Add SEL Entry
< 0b 2c 44 00 01 00 84 a0
> 0c 28 43 00 00 00 00 00 ff 8a a0                             Get SEL Entry
< 0c 2c 43 00 ff ff 01 00 02 d7 09 00 00 aa b1 aa b0 04 aa ba 30 01 b0 b1 ba 69 a0
> 3d 18 01 aa ba a0                                            checksum aa
< 3d 1c 01 00 00 00 21 08 02 9f aa ba aa b1 00 aa b1 aa b0 00 00 00 00 50 a0
> aa b0 18 01 47 a0                                            sequence number a0
< aa b0 1c 01 00 00 00 21 08 02 9f aa ba aa b1 00 aa b1 aa b0 00 00 00 00 ed a0
> aa b1 18 01 46 a0                                            a1
< aa b1 1c 01 00 00 00 21 08 02 9f aa ba aa b1 00 aa b1 aa b0 00 00 00 00 ec a0
> aa ba 18 01 3d a0                                            aa
< aa ba 1c 01 00 00 00 21 08 02 9f aa ba aa b1 00 aa b1 aa b0 00 00 00 00 e3 a0
> e3 18 01 04 a0
< e3 1c 01 00 00 00 21 08 02 9f aa ba aa b1 00 aa b1 aa b0 00 00 00 00 aa ba a0
> ec 18 01 fb a0
< ec 1c 01 00 00 00 21 08 02 9f aa ba aa b1 00 aa b1 aa b0 00 00 00 00 aa b1 a0
> ed 18 01 fa a0
< ed 1c 01 00 00 00 21 08 02 9f aa ba aa b1 00 aa b1 aa b0 00 00 00 00 aa b0 a0
`

// goIPMI is a request whose sequence number go-ipmi chose for its test so that the checksum is
// the escape byte.
const goIPMI = "3d 18 01 aa ba a0"

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err, s)
	return b
}

// line is one line of a transcript.
func line(t testing.TB, text string) (ofQEMU bool, wire []byte) {
	direction, rest, found := strings.Cut(text, " ")
	require.True(t, found, text)
	rest, _, _ = strings.Cut(rest, "   ")
	return direction == ">", unhex(t, strings.TrimSpace(rest))
}

func TestBoot(t *testing.T) {
	requests := replay(t, boot)
	require.Equal(t, Request{Sequence: 3, NetFn: 6, Cmd: 0x2E, Data: []byte{9}}, requests[3])
	require.Equal(t, Request{Sequence: 6, NetFn: 6, Cmd: 0x30, Data: []byte{8}}, requests[6])
	require.Len(t, requests, 10)
}

func TestOpenIPMI(t *testing.T) {
	requests := replay(t, openIPMI)
	require.Equal(t, Request{Sequence: 9, NetFn: 6, Cmd: 0xA0, Data: []byte{0xA0, 0xA1, 0xAA}}, requests[9])
	require.Equal(t, Request{Sequence: 0xA1, NetFn: 6, Cmd: 1, Data: []byte{}}, requests[0xA1])
	require.Len(t, requests, 14)
}

// replay reads the requests of a transcript, and requires that the responses to them are the same bytes.
func replay(t *testing.T, transcript string) map[byte]Request {
	requests := map[byte]Request{}
	for text := range strings.Lines(strings.TrimSpace(transcript)) {
		ofQEMU, wire := line(t, strings.TrimSuffix(text, "\n"))
		f, n, err := Cut(wire)
		require.NoError(t, err, text)
		require.Equal(t, len(wire), n, text)
		switch {
		case f.Command:
			c, argument, err := ParseCommand(f.Body)
			require.NoError(t, err, text)
			require.Contains(t, text, c.String())
			require.Equal(t, wire, c.Append(nil, argument...))
		case ofQEMU:
			r, err := ParseRequest(f.Body)
			require.NoError(t, err, text)
			requests[r.Sequence] = r
		default:
			r := requests[f.Body[0]]
			require.Equal(t, wire, r.AppendResponse(nil, f.Body[3], f.Body[4:len(f.Body)-1]), text)
		}
	}
	return requests
}

func TestEscapes(t *testing.T) {
	f, n, err := Cut(unhex(t, goIPMI))
	require.NoError(t, err)
	require.Equal(t, 6, n)
	r, err := ParseRequest(f.Body)
	require.NoError(t, err)
	require.Equal(t, Request{Sequence: 0x3D, NetFn: 6, Cmd: 1, Data: []byte{}}, r)

	// all three bytes in the data, as addchar of QEMU sends them
	f, _, err = Cut(unhex(t, "01 29 12 aa b0 aa b1 aa ba d9 a0"))
	require.NoError(t, err)
	r, err = ParseRequest(f.Body)
	require.NoError(t, err)
	require.Equal(t, Request{Sequence: 1, NetFn: 0x0A, LUN: 1, Cmd: 0x12, Data: []byte{0xA0, 0xA1, 0xAA}}, r)
	require.Equal(t, unhex(t, "01 2d 12 00 aa b0 aa b1 aa ba d5 a0"), r.AppendResponse(nil, 0, r.Data))
}

// A frame is read only after its end has come, and bytes behind it are not read.
func TestCutWaitsForTheEnd(t *testing.T) {
	wire := unhex(t, goIPMI)
	for n := range wire {
		f, used, err := Cut(wire[:n])
		require.NoError(t, err)
		require.Zero(t, used)
		require.Zero(t, f)
	}
	_, used, err := Cut(append(wire, 0x00, 0xA1))
	require.NoError(t, err)
	require.Equal(t, len(wire), used)
}

func TestMalformedFrames(t *testing.T) {
	for _, wire := range []string{
		"01 aa a0",       // the end is escaped
		"01 aa a1",       // of a command, too
		"01 aa aa b0 a0", // an escape is escaped
		"01 aa 1f a0",    // a byte that needs no escape
		"01 aa 20 a0",    // without bit 4
		"aa a0",
		strings.Repeat("00", MaxFrame) + "a0",
		strings.Repeat("aa ba", MaxFrame) + "a1",
	} {
		b := unhex(t, wire)
		_, n, err := Cut(append(b, 0xA0))
		require.ErrorIs(t, err, ErrMalformed, wire)
		require.Equal(t, len(b), n, wire)
	}
	_, n, err := Cut(unhex(t, strings.Repeat("aa ba", maxMessage)+"a0")) // the longest
	require.NoError(t, err)
	require.Equal(t, MaxFrame, n)
}

func TestMalformedBodies(t *testing.T) {
	good := unhex(t, "0c 18 42 00 9a")
	_, err := ParseRequest(good)
	require.NoError(t, err)
	for n := range good {
		_, err := ParseRequest(good[:n])
		require.ErrorIs(t, err, ErrMalformed, "%d bytes", n)
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x40
		_, err := ParseRequest(bad)
		require.ErrorIs(t, err, ErrMalformed, "byte %d", i)
	}
	for _, body := range []string{"", "ff", "08"} {
		_, _, err := ParseCommand(unhex(t, body))
		require.ErrorIs(t, err, ErrMalformed, body)
	}
	require.Equal(t, "command 0x7f", Command(0x7F).String())
}

// longestResponse is the most data that a response of QEMU's length can have: sequence number, network function, command,
// completion code and checksum are beside it.
const longestResponse = maxMessage - 5

// Whatever comes, Cut makes progress, and what is read is what QEMU would have to send for it.
func FuzzCut(f *testing.F) {
	for text := range strings.Lines(strings.TrimSpace(boot) + openIPMI) {
		_, wire := line(f, strings.TrimSuffix(text, "\n"))
		require.NotEmpty(f, wire)
		f.Add(wire)
	}
	f.Add(unhex(f, goIPMI))
	f.Add(unhex(f, "01 aa a0 00 18 01 e7 a0"))
	f.Add(append(make([]byte, MaxFrame-1), endOfMessage)) // a response has a byte more than its request
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			frame, n, err := Cut(b)
			if n == 0 {
				require.NoError(t, err)
				for _, v := range b {
					require.NotContains(t, []byte{endOfMessage, endOfCommand}, v)
				}
				return
			}
			if err == nil {
				require.LessOrEqual(t, n, MaxFrame)
				sent := appendEscaped(nil, frame.Body...)
				require.Equal(t, b[:n-1], append([]byte{}, sent...))
				if r, err := ParseRequest(frame.Body); err == nil {
					data := r.Data[:min(len(r.Data), longestResponse)]
					answer, used, err := Cut(r.AppendResponse(nil, 0xC1, data))
					require.NoError(t, err)
					require.NotZero(t, used)
					require.Zero(t, sum(answer.Body))
					require.Equal(t, data, answer.Body[4:len(answer.Body)-1])
				}
				_, _, _ = ParseCommand(frame.Body)
			}
			b = b[n:]
		}
	})
}
