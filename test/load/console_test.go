//go:build e2e

package load

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// Every request is sent that often; the first waits a second for its answer, and each one after that a second longer.
// ipmitool waits no longer.
const tries = 4

// Commands, as netFn and command.
const (
	getChassisStatus = 0x0001
	chassisControl   = 0x0002
	getDeviceID      = 0x0601
	setPrivilege     = 0x063B
	closeSession     = 0x063C
)

const administrator = 4

// turns is how many requests can be under way at once. There is room for all of them on a machine that keeps up. On one
// that is busy with other things consoles wait here, and not in a queue that is so long that the last one gives up: that
// would tell something of the machine, not of the BMCs.
var turns = make(chan struct{}, 20)

// inTurn returns how long ask takes once it has begun.
func inTurn(ask func()) time.Duration {
	turns <- struct{}{}
	defer func() { <-turns }()
	start := time.Now()
	ask()
	return time.Since(start)
}

// A visit is one session of a console with a BMC.
type visit struct {
	*console.Console
	t      *testing.T
	conn   net.Conn
	rqSeq  byte
	last   uint32 // sequence number of the BMC
	figure *figure
}

// A figure is what a console measured.
type figure struct {
	logins, commands []time.Duration
	again            int // how often something was not answered in its time
	unclosed         int // sessions whose end was not answered at all
}

// login opens a session with the BMC at addr.
func login(t *testing.T, addr string, f *figure) *visit {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	require.NoError(t, err)
	v := &visit{t: t, conn: conn, figure: f}
	f.logins = append(f.logins, inTurn(func() {
		for try := range tries {
			if v.exchangeKeys(try) {
				return
			}
			f.again++
		}
		require.FailNow(t, "nobody answers", addr)
	}))
	return v
}

// exchangeKeys begins anew where an answer is missing, as ipmitool does.
func (v *visit) exchangeKeys(try int) bool {
	v.Console = console.New(v.t, 17)
	v.Tag = byte(try)
	for _, step := range []struct {
		send func() []byte
		read func([]byte)
	}{
		{v.Open, v.ReadOpen},
		{v.RAKP1, v.ReadRAKP2},
		{v.RAKP3, v.ReadRAKP4},
	} {
		request := step.send()
		answer := v.ask(request, try, func(b []byte) bool {
			return b[5] == request[5]+1 && b[16] == v.Tag
		})
		if answer == nil {
			return false
		}
		step.read(answer)
	}
	return true
}

// command returns the data of the answer to a command that must succeed.
func (v *visit) command(code uint16, data ...byte) string {
	v.t.Helper()
	plain := v.request(code, data...)
	require.NotEmpty(v.t, plain, "command %04x is not answered by %v", code, v.conn.RemoteAddr())
	require.Zero(v.t, plain[6], "completion code of command %04x from %v", code, v.conn.RemoteAddr())
	return plain[7 : len(plain)-1]
}

// request returns the answer to a command as a LAN message; empty if there is none.
func (v *visit) request(code uint16, data ...byte) (plain string) {
	v.rqSeq = (v.rqSeq + 1) % 64
	request := console.Request(byte(code>>8), byte(code), v.rqSeq, data...)
	v.figure.commands = append(v.figure.commands, inTurn(func() {
		for try := range tries {
			answer := v.ask(v.Packet(request), try, func(b []byte) bool {
				var sequence uint32
				sequence, plain = v.Read(b)
				require.Greater(v.t, sequence, v.last)
				v.last = sequence
				return plain[4] == v.rqSeq<<2 && plain[5] == byte(code)
			})
			if answer != nil {
				return
			}
			plain = ""
			v.figure.again++
		}
	}))
	return plain
}

// close ends the session. A process that is killed then may leave no process that could answer. That is no failure.
func (v *visit) close() {
	if v.request(closeSession, binary.LittleEndian.AppendUint32(nil, v.SIDc)...) == "" {
		v.figure.unclosed++
	}
	v.conn.Close()
}

// ask sends a datagram and returns the answer that fits, or nil when the time of this try is up. Others are late ones.
func (v *visit) ask(request []byte, try int, fits func([]byte) bool) []byte {
	_, err := v.conn.Write(request)
	require.NoError(v.t, err)
	require.NoError(v.t, v.conn.SetReadDeadline(time.Now().Add(time.Duration(try+1)*time.Second)))
	for {
		b := make([]byte, 1024)
		n, err := v.conn.Read(b)
		if err, timeout := err.(net.Error); timeout && err.Timeout() {
			return nil
		}
		require.NoError(v.t, err)
		if fits(b[:n]) {
			return b[:n]
		}
	}
}
