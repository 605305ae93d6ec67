package lan

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// The kernel's filter lets everything through that the BMC would answer.
func TestTheKernelDropsNoise(t *testing.T) {
	c := console.New(t, 17)
	c.K1, c.K2 = make([]byte, 32), make([]byte, 32)
	kept := map[string][]byte{
		"ping":                  unhex(t, pingVector),
		"IPMI 1.5":              unhex(t, authCapabilities),
		"RMCP+":                 unhex(t, cipherSuites),
		"Open Session":          c.Open(),
		"RAKP 1":                c.RAKP1(),
		"RAKP 3":                console.Datagram(0x14, 0, 0, make([]byte, 40)),
		"a packet in a session": c.Packet("x"),
	}
	noise := map[string][]byte{
		"nothing":             {},
		"one byte":            {6},
		"a header cut short":  {6, 0, 0xFF},
		"a header":            {6, 0, 0xFF, 7},
		"another version":     {5, 0, 0xFF, 7, 6, 0x10, 0, 0, 0, 0},
		"another class":       {6, 0, 0xFF, 8, 6, 0x10, 0, 0, 0, 0},
		"an acknowledge":      {6, 0, 0xFF, 0x87, 6, 0x10},
		"another auth type":   {6, 0, 0xFF, 7, 2, 0x10, 0, 0, 0, 0},
		"an answer":           console.Datagram(0x11, 0, 0, make([]byte, 36)),
		"an OEM payload":      console.Datagram(0x02, 0, 0, make([]byte, 36)),
		"noise":               bytes.Repeat([]byte{0xAA}, 100),
		"noise that is long":  bytes.Repeat([]byte{0xAA}, 1400),
		"noise that is zeros": make([]byte, 100),
	}
	for _, addr := range []string{"127.0.0.1", "::1"} {
		sockets := listen(t, addr)
		require.NoError(t, sockets.all[0].DropNoise())
		client := dial(t, sockets.all[0])
		for name, b := range kept {
			for _, other := range noise {
				_, err := client.Write(other)
				require.NoError(t, err)
			}
			_, err := client.Write(b)
			require.NoError(t, err)
			d, answerable := next(t, sockets)
			require.True(t, answerable)
			require.Equal(t, b, d.b[:d.n], name)
		}
	}
}
