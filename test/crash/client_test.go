//go:build e2e

package crash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

const (
	patience = 500 * time.Millisecond // of a client, before it repeats itself
	tries    = 20
	window   = 8 // FreeIPMI drops answers whose sequence number lies further ahead
)

// Network functions and commands.
const (
	chassis, app, storage = 0x00, 0x06, 0x0A

	getCapabilities, chassisStatus, chassisControl, chassisIdentify = 0x00, 0x01, 0x02, 0x04
	setRestorePolicy, setBootOptions, getBootOptions                = 0x06, 0x08, 0x09
	getDeviceID, setPrivilege, closeSession                         = 0x01, 0x3B, 0x3C
	getUserName, setPassword                                        = 0x46, 0x47
	resetWatchdog, setWatchdog, getWatchdog                         = 0x22, 0x24, 0x25
	selInfo, reserveSEL, getSELEntry, addSELEntry, clearSEL         = 0x40, 0x42, 0x43, 0x44, 0x47
)

// Values in their requests and answers.
const (
	alwaysOn = 2 // power restore policy

	bootFlags                 = 5 // boot option
	bootValid, bootPersistent = 0x80, 0x40
	bootPXE, bootDisk         = 0x04, 0x08
	bootOptical               = 0x14
	bootEFI                   = 0x20
	identifyMask              = 0x30
	identifyTimed             = 0x10

	smsOS, dontStop     = 0x04, 0x40 // timer use
	noAction, hardReset = 0x00, 0x01
)

const operID = 3 // of the user "oper"

// userPassword is the data of Set User Password that sets one of 16 bytes at most.
func userPassword(id byte, password string) []byte {
	const set = 2
	data := make([]byte, 18)
	data[0], data[1] = id, set
	copy(data[2:], password)
	return data
}

// event is the data of Add SEL Entry.
var event = []byte{0, 0, 2, 0, 0, 0, 0, 0x20, 0, 4, 1, 1, 0x6F, 0, 0, 0}

// A client repeats what is not answered, under a new sequence number of its
// session. It notes all that it sends, and watches over what it gets.
type client struct {
	*console.Console
	t       testing.TB
	host    *host
	conn    *net.UDPConn
	fresh   bool // each repetition has a request sequence number of its own
	rqSeq   byte
	latest  string // the latest request
	sent    [][]byte
	lost    [][]byte          // those that a process may have taken along when it died
	numbers map[uint32]bool   // outbound sequence numbers seen
	ivs     map[[16]byte]bool // initialization vectors seen
	top     uint32            // highest of numbers
}

func newClient(t testing.TB, h *host, fresh bool) *client {
	conn, err := net.DialUDP("udp", nil, h.Address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return &client{t: t, host: h, conn: conn, fresh: fresh, ivs: map[[16]byte]bool{}}
}

// loggedIn has the host serve, and returns a client that has a session of an administrator.
func loggedIn(t *testing.T, h *host) *client {
	h.serve()
	c := newClient(t, h, false)
	c.admin()
	return c
}

// exchange sends what build makes until take accepts an answer; nil if it never does.
func (c *client) exchange(tries int, build func() []byte, take func(answer []byte) bool) []byte {
	for range tries {
		b, deaths := build(), c.host.deaths.Load()
		_, _ = c.conn.Write(b)
		for until := time.Now().Add(patience); time.Now().Before(until) && c.host.deaths.Load() == deaths; {
			if answer := c.receive(10 * time.Millisecond); answer != nil && take(answer) {
				c.sent = append(c.sent, b)
				return answer
			}
		}
		c.lost = append(c.lost, b)
	}
	return nil
}

// receive returns a datagram; nil if there is none.
func (c *client) receive(wait time.Duration) []byte {
	b := make([]byte, 1024)
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(wait)))
	n, err := c.conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	require.NoError(c.t, err)
	return b[:n]
}

// login opens a session at that privilege level.
func (c *client) login(name, password string, privilege byte) {
	c.t.Helper()
	c.loginAs(name, password, privilege)
	require.Equal(c.t, "\x00"+string(rune(privilege)), c.ask(app, setPrivilege, privilege))
}

// loginAs opens a session that may reach that privilege level, if the user may. It begins anew where the BMC does not
// know of its key exchange any more.
func (c *client) loginAs(name, password string, privilege byte) {
	c.t.Helper()
	const kind, status = 5, 17
	for range tries {
		c.Console = console.New(c.t, 17)
		c.Name, c.Password, c.Role = name, password, 0x10|privilege
		c.numbers, c.top = map[uint32]bool{}, 0
		step := func(message []byte) []byte {
			answer := c.exchange(2, func() []byte { return message },
				func(b []byte) bool { return b[kind] == message[kind]+1 })
			if answer == nil || answer[status] != 0 {
				return nil
			}
			return answer
		}
		answer := step(c.Open())
		if answer == nil {
			continue
		}
		c.ReadOpen(answer)
		if answer = step(c.RAKP1()); answer == nil {
			continue
		}
		c.ReadRAKP2(answer)
		if answer = step(c.RAKP3()); answer == nil {
			continue
		}
		c.ReadRAKP4(answer)
		return
	}
	require.Fail(c.t, "cannot log in")
}

// ask sends a request and returns completion code and data.
func (c *client) ask(netFn, cmd byte, data ...byte) (said string) {
	c.t.Helper()
	c.rqSeq = (c.rqSeq + 1) % 64
	first := true
	answer := c.exchange(tries, func() []byte {
		if c.fresh && !first {
			c.rqSeq = (c.rqSeq + 1) % 64
		}
		first = false
		c.latest = console.Request(netFn, cmd, c.rqSeq, data...)
		return c.Packet(c.latest)
	}, func(b []byte) bool {
		plain, ok := c.watch(b)
		if !ok || plain[5] != cmd || plain[4]>>2 != c.rqSeq {
			return false
		}
		said = plain[6 : len(plain)-1]
		return true
	})
	require.NotNil(c.t, answer, "the session does not go on: %#x %#x", netFn, cmd)
	return said
}

// pings returns when a process serves.
func (c *client) pings() {
	c.t.Helper()
	pong := c.exchange(tries, func() []byte { return ping }, func([]byte) bool { return true })
	require.NotNil(c.t, pong)
}

// watch opens an answer of the session, and makes sure that nothing in it was
// used before. It is false for datagrams outside the session.
func (c *client) watch(b []byte) (plain string, ok bool) {
	const kind, payload = 5, 16
	if b[kind] != 0xC0 {
		return "", false
	}
	number, plain := c.Read(b)
	iv := [16]byte(b[payload:])
	require.False(c.t, c.numbers[number], "sequence number %d comes again", number)
	require.False(c.t, c.ivs[iv], "an initialization vector comes again")
	require.LessOrEqual(c.t, number, c.top+window, "a gap")
	c.numbers[number], c.ivs[iv], c.top = true, true, max(c.top, number)
	return plain, true
}

// act asks for something that a script does. It has run once if the BMC says that
// it is done, else never.
func (c *client) act(verb string, netFn, cmd byte, data ...byte) (done bool) {
	c.t.Helper()
	before := c.host.runs(verb)
	code := c.ask(netFn, cmd, data...)
	if code == "\x00" {
		// It may only be accepted yet.
		require.Eventually(c.t, func() bool { return c.host.runs(verb) > before }, 10*time.Second, time.Millisecond, "%s: success", verb)
		require.Equal(c.t, before+1, c.host.runs(verb), "%s: success", verb)
		return true
	}
	require.Contains(c.t, []string{"\xFF", "\xD5"}, code)
	require.Equal(c.t, before, c.host.runs(verb), "%s: failure", verb)
	return false
}

// fault tells whether the last power action failed.
func (c *client) fault() bool {
	said := c.ask(chassis, chassisStatus)
	require.Equal(c.t, byte(0), said[0])
	return said[1]&0x10 != 0
}

// settle waits until a process has done all that the one before has left to it.
func (c *client) settle() {
	for before, now := "", "none yet"; before != now; {
		require.Equal(c.t, "\x00", c.ask(app, getDeviceID)[:1], "the session goes on")
		time.Sleep(patience)
		before, now = now, fmt.Sprint(c.host.deaths.Load(), c.host.Read("ran"), c.host.state())
	}
}

// replay sends all that was sent once more, to a new process: nothing comes of it.
func (c *client) replay() {
	c.t.Helper()
	c.settle()
	c.host.kill9()
	for c.receive(20*time.Millisecond) != nil {
	}
	ran, state := c.host.Read("ran"), c.host.state()
	c.again(c.sent)
	require.Equal(c.t, state, c.host.state(), "a replay changed the state")
	c.again(c.lost) // one of these can be news
	require.Equal(c.t, ran, c.host.Read("ran"), "a replay ran a script")
}

func (c *client) again(datagrams [][]byte) {
	for _, b := range datagrams {
		_, err := c.conn.Write(b)
		require.NoError(c.t, err)
	}
	require.Equal(c.t, "\x00", c.ask(app, getDeviceID)[:1], "the session goes on")
}

// selEntries is how many entries the event log has.
func (c *client) selEntries() uint16 {
	return binary.LittleEndian.Uint16([]byte(c.ask(storage, selInfo)[2:]))
}

// retransmits sends the latest request once more, in a packet of its own with the same request sequence number, and
// returns the answer; it is empty if there is none.
func (c *client) retransmits() (said string) {
	c.exchange(4, func() []byte { return c.Packet(c.latest) }, func(b []byte) bool {
		plain, ok := c.watch(b)
		if !ok || plain[4:6] != c.latest[4:6] {
			return false
		}
		said = plain[6 : len(plain)-1]
		return true
	})
	return said
}

// A timer is what Get Watchdog Timer says.
type timer struct {
	running          bool
	expired          byte
	initial, present uint16 // in steps of 100 ms
}

func (c *client) watchdogTimer() timer {
	said := []byte(c.ask(app, getWatchdog))
	require.Zero(c.t, said[0])
	return timer{said[1]&0x40 != 0, said[4], binary.LittleEndian.Uint16(said[5:]), binary.LittleEndian.Uint16(said[7:])}
}
