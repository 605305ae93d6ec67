package main

import (
	"encoding/binary"
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

// patience is how long anybody may take over an answer. Nothing is sent twice: on loopback nothing gets lost.
const patience = 10 * time.Second

// A client is a console with a socket of its own.
type client struct {
	*console.Console
	peer   peer
	conn   net.Conn
	answer [1024]byte
	rqSeq  byte
}

func dial(p peer, suite byte) *client {
	conn, err := (&net.Dialer{LocalAddr: newSource()}).Dial("udp", p.addr)
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

// login exchanges keys. The echo has none: its packets are the client's own.
func (c *client) login() {
	if c.peer.isEcho {
		c.SIDc, c.K1, c.K2 = c.SIDm, make([]byte, 32), make([]byte, 32)
		return
	}
	c.Login(c.exchange)
}

// command returns the time between a request and its answer, without what the client does before and after.
func (c *client) command(code uint16, data ...byte) time.Duration {
	c.rqSeq = (c.rqSeq + 1) % 64
	request := c.Packet(console.Request(byte(code>>8), byte(code), c.rqSeq, data...))
	start := time.Now()
	answer := c.exchange(request)
	took := time.Since(start)
	_, plain := c.Read(answer)
	require.Equal(must, c.rqSeq<<2, plain[4]&^3, "%s: another request is answered", c.peer.name)
	require.True(must, c.peer.isEcho || plain[6] == 0, "%s: completion code %02x of command %04x", c.peer.name, plain[6], code)
	return took
}

func (c *client) close() {
	if !c.peer.isEcho {
		c.command(closeSession, binary.LittleEndian.AppendUint32(nil, c.SIDc)...)
	}
	c.conn.Close()
}

// exchange returns the answer to a datagram. It is overwritten by the next one.
func (c *client) exchange(b []byte) []byte {
	_, err := c.conn.Write(b)
	require.NoError(must, err, c.peer.name)
	require.NoError(must, c.conn.SetReadDeadline(time.Now().Add(patience)))
	n, err := c.conn.Read(c.answer[:])
	require.NoError(must, err, c.peer.name)
	return c.answer[:n]
}
