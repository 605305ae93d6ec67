package guest

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/inband"
	"github.com/shipmi/shipmi/test/qemu"
)

// Whatever comes, the next request is answered.
func FuzzConnection(f *testing.F) {
	for _, b := range [][]byte{
		{0xFF, 1, 0xA1, 8, 0x3F, 0xA1},
		qemu.Frame([]byte{0x77, 0x18, 0x01}),
		qemu.Frame([]byte{0x77, 0x18, 0x2E, 0x0F}),
		append(qemu.Frame([]byte{0x77, 0x00, 0x02, 0x03}), qemu.Frame([]byte{0x77, 0x00, 0x02, 0x03})...),
		qemu.Frame([]byte{0xA0, 0x18, 0x24, 0x04, 0x31, 0x01, 0x00, 0x0B, 0x00}),
		qemu.Frame(append([]byte{0xA1, 0x28, 0x44}, make([]byte, 16)...)),
		append(qemu.Frame([]byte{1, 0x18, 0x58, 4, 0, 0, 18, 'D', 'e', 'b', 'i', 'a', 'n', ' ', 'G', 'N', 'U', '/', 'L', 'i', 'n'}), 0xAA),
		make([]byte, 2*inband.MaxFrame),
	} {
		f.Add(b)
	}
	r := newRig(f)
	r.log.silence()
	close(r.script)
	f.Fuzz(func(t *testing.T, b []byte) {
		conn, err := net.Dial("unix", r.path)
		require.NoError(t, err)
		defer conn.Close()
		// A request that has the number of the one before is the same. The last one has another, whatever that was.
		probes := append(qemu.Frame([]byte{1, 0x18, 0x04}), qemu.Frame([]byte{2, 0x18, 0x04})...)
		go conn.Write(append(append(b, 0xA0), probes...)) // answers that are not read would end the connection
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		var got []byte
		for {
			frame, n, err := inband.Cut(got)
			require.NoError(t, err, "what the BMC sends")
			got = got[n:]
			if n > 0 && !frame.Command && string(frame.Body[:len(frame.Body)-1]) == "\x02\x1c\x04\x00\x55\x00" {
				return
			}
			if n == 0 {
				more := make([]byte, 4096)
				n, err := conn.Read(more)
				require.NotErrorIs(t, err, io.EOF, "the connection has ended")
				require.NoError(t, err)
				got = append(got, more[:n]...)
			}
		}
	})
}
