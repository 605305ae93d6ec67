package session

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// The captures are whole sessions of real clients. The table gets the random numbers of the BMC that answered then, and has
// to answer with the same bytes, which the client accepted.
func TestCapturedSessions(t *testing.T) {
	files, err := filepath.Glob("../rmcp/testdata/captures/*-suite*.txt")
	require.NoError(t, err)
	require.Len(t, files, 7)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { replay(t, file) })
	}
}

func replay(t *testing.T, file string) {
	setup, sealed := readCapture(t, file)
	require.Len(t, setup, 3)
	openResponse, rakp2 := setup[0].answer, setup[1].answer

	random := make([]byte, keyLen)                  // key of the file
	random = append(random, openResponse[24:28]...) // managed system session ID
	random = append(random, rakp2[24:40]...)        // managed system random number
	for _, exchange := range sealed {
		random = append(random, exchange.answer[16:32]...) // initialization vector
	}
	reader := bytes.NewReader(random)

	c := console.New(t, 3)
	if strings.Contains(file, "suite17") {
		c = console.New(t, 17)
	}
	r := newRig(t)
	require.NoError(t, r.Close())
	r.dir = t.TempDir()
	r.config.GUID, r.config.Random = ascending(0x20), reader
	r.config.Users[0].Password = func() []byte { return []byte("password") }
	c.Password = "password"
	if strings.Contains(file, "-kg") {
		c.Kg = "secretkg"
		r.config.Kg = func() []byte { return []byte("secretkg") }
	}
	r.start()

	for _, exchange := range setup {
		require.Equal(t, exchange.answer, r.send(c, exchange.request))
	}

	rakp1 := setup[1].request
	c.Tag, c.Role, c.RM = rakp1[16], rakp1[40], [16]byte(rakp1[24:40])
	c.SIDm, c.SIDc = binary.LittleEndian.Uint32(rakp2[20:]), binary.LittleEndian.Uint32(rakp1[20:])
	c.ReadRAKP2(rakp2)

	for _, exchange := range sealed {
		s, plain, err := r.Receive(r.parse(exchange.request), c.Peer, r.now)
		require.NoError(t, err)
		request, err := rmcp.ParseRequest(plain)
		require.NoError(t, err)
		require.Equal(t, byte(rmcp.AddressBMC), request.RsAddr|request.RsLUN)

		_, want := c.Read(exchange.answer)
		answer, err := r.Seal(nil, s, rmcp.PayloadIPMI, []byte(want))
		require.NoError(t, err)
		require.Equal(t, exchange.answer, answer)
	}
	require.Zero(t, reader.Len(), "random numbers left")
}

type exchanged struct{ request, answer []byte }

// readCapture returns the key exchange and the packets of the session in a capture.
func readCapture(t *testing.T, file string) (setup, sealed []exchanged) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var e exchanged
	for line := range strings.Lines(string(text)) {
		if sent, ok := strings.CutPrefix(line, "> "); ok {
			e.request = unhex(strings.TrimSpace(sent))
		}
		answer, ok := strings.CutPrefix(line, "< ")
		if !ok {
			continue
		}
		e.answer = unhex(strings.TrimSpace(answer))
		switch kind := e.request[5]; {
		case e.request[4] != 0x06 || kind == 0: // outside the session
		case kind == 0xC0:
			sealed = append(sealed, e)
		default:
			setup = append(setup, e)
		}
	}
	require.NotEmpty(t, sealed)
	return setup, sealed
}
