package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// A fatal ends the program where a test would fail, for packages that expect a test.
type fatal struct {
	testing.TB
	what string
}

var must = fatal{what: "bench"}

func (fatal) Helper()        {}
func (f fatal) Name() string { return f.what }
func (fatal) FailNow()       { os.Exit(1) }

func (fatal) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Commands, as netFn and command.
const (
	getChassisStatus = 0x0001
	getDeviceID      = 0x0601
	setPrivilege     = 0x063B
	closeSession     = 0x063C
)

const administrator = 4

// payloadType is where a datagram has the type of its payload; that of an answer is one more.
const payloadType = 5

// A request is sent that often, each time with this much patience. Nothing gets lost on loopback, but pyghmi leaves some
// unanswered when several clients ask.
const (
	tries    = 5
	patience = time.Second
)

// unanswered counts how often that happened.
var unanswered atomic.Int64

// A client is a console with a socket of its own.
type client struct {
	*console.Console
	peer   peer
	conn   net.Conn
	answer [1024]byte
	rqSeq  byte
}

func dial(p peer, suite byte) *client {
	var dialer net.Dialer
	if p.name == pyghmi {
		dialer.LocalAddr = newSource()
	}
	conn, err := dialer.Dial("udp", p.addr)
	require.NoError(must, err)
	c := &client{Console: console.New(fatal{what: p.name}, suite), peer: p, conn: conn}
	c.Password = password
	return c
}

var sources atomic.Uint32

// newSource is an address that no client had before: pyghmi never forgets a session, and knows it by its address.
func newSource() net.Addr {
	n := sources.Add(1)
	return &net.UDPAddr{IP: net.IPv4(127, 1+byte(n>>16), byte(n>>8), byte(n))}
}

// login exchanges keys. With an echo it is as many datagrams, and as much arithmetic of the client.
func (c *client) login() {
	if !c.peer.isEcho {
		c.Login(c.exchange)
		return
	}
	c.SIDc, c.SIK = c.SIDm, make([]byte, 32)
	for _, datagram := range [][]byte{c.Open(), c.RAKP1(), c.RAKP3()} {
		c.exchange(datagram)
	}
	for range 5 { // SIK, K1, K2, and the codes of two answers
		c.K1 = c.HMAC(c.SIK, c.RM, c.RC, c.Role, byte(len(c.Name)), c.Name)
	}
	c.K2 = c.K1
}

// command returns the time between a request and its answer, without what the client does before and after.
func (c *client) command(code uint16, data ...byte) time.Duration {
	c.rqSeq = (c.rqSeq + 1) % 64
	request := console.Request(byte(code>>8), byte(code), c.rqSeq, data...)
	packet := c.Packet(request)
	start := time.Now()
	for range tries {
		for answer := c.ask(packet); answer != nil; answer = c.receive() {
			took := time.Since(start)
			if _, plain := c.Read(answer); plain[4]>>2 == c.rqSeq { // else it comes late
				require.True(must, c.peer.isEcho || plain[6] == 0, "%s: completion code %02x of command %04x", c.peer.name, plain[6], code)
				return took
			}
		}
		unanswered.Add(1)
		packet = c.Packet(request)
	}
	require.Fail(must, "no answer", "%s: command %04x", c.peer.name, code)
	return 0
}

func (c *client) close() {
	c.command(closeSession, binary.LittleEndian.AppendUint32(nil, c.SIDc)...)
	c.conn.Close()
}

// exchange returns the answer to a datagram that is no packet of a session.
func (c *client) exchange(b []byte) []byte {
	for range tries {
		for answer := c.ask(b); answer != nil; answer = c.receive() {
			if c.peer.isEcho || answer[payloadType] == b[payloadType]+1 { // else it comes late
				return answer
			}
		}
		unanswered.Add(1)
	}
	require.Fail(must, "no answer", "%s: payload type %02x", c.peer.name, b[payloadType])
	return nil
}

// ask sends a datagram and returns the next one that comes; nil if none does.
func (c *client) ask(b []byte) []byte {
	_, err := c.conn.Write(b)
	require.NoError(must, err, c.peer.name)
	return c.receive()
}

// receive returns a datagram, which the next one overwrites.
func (c *client) receive() []byte {
	require.NoError(must, c.conn.SetReadDeadline(time.Now().Add(patience)))
	n, err := c.conn.Read(c.answer[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	require.NoError(must, err, c.peer.name)
	return c.answer[:n]
}
