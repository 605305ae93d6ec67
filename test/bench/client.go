package main

import (
	"crypto/aes"
	"encoding/binary"
	"fmt"
	"os"
	"testing"

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

const administrator = 4

// Where a datagram has the type of its payload, that of an answer being one more; the ID of the session it is sent in;
// and the tag of a message that is in none.
const (
	payloadType = 5
	sessionID   = 6
	messageTag  = 16
)

// A client is a console with a socket of its own.
type client struct {
	*console.Console
	peer   peer
	suite  byte
	socket socket
	logins byte
	plain  [aes.BlockSize]byte // of an answer, the first block
}

// dial returns a client without a session.
func dial(p peer, suite byte) *client {
	c := &client{peer: p, suite: suite, socket: connect(p)}
	c.renew()
	return c
}

// renew forgets the session. A late answer for it is known by its tag and ID.
func (c *client) renew() {
	if c.peer.neverForgets {
		c.socket.close()
		c.socket = connect(c.peer)
	}
	c.logins++
	c.Console = console.New(fatal{what: c.peer.name}, c.suite)
	c.Password, c.Tag = password, c.logins
	c.SIDm += uint32(c.logins)
}

// A message is one of the three before there is a session.
type message struct {
	say   func(*console.Console) []byte
	read  func(*console.Console, []byte)
	codes int // that reading computes
}

var messages = []message{
	{(*console.Console).Open, (*console.Console).ReadOpen, 0},
	{(*console.Console).RAKP1, (*console.Console).ReadRAKP2, 4},
	{(*console.Console).RAKP3, (*console.Console).ReadRAKP4, 1},
}

// exchangeKeys is what opens a session. With an echo it is as many datagrams, and as much arithmetic of the client.
func (c *client) exchangeKeys() (all []exchange) {
	for _, m := range messages {
		all = append(all, c.exchange(m))
	}
	return all
}

func (c *client) exchange(m message) exchange {
	var said []byte
	say := func() (socket, []byte) {
		said = m.say(c.Console)
		return c.socket, said
	}
	hear := func(b []byte) bool {
		if len(b) <= messageTag || b[messageTag] != c.Tag || !c.peer.isEcho && b[payloadType] != said[payloadType]+1 {
			return false
		}
		if c.peer.isEcho {
			c.computeCodes(m.codes)
		} else {
			m.read(c.Console, b)
		}
		return true
	}
	return exchange{c.peer.name, say, hear}
}

// computeCodes is for an echo, which knows neither keys nor the ID of a session.
func (c *client) computeCodes(n int) {
	c.SIDc = c.SIDm
	for range n {
		c.K1 = c.HMAC([]byte(c.Password), c.RM[:], c.RC[:], c.Role, byte(len(c.Name)), c.Name)
	}
	c.K2 = c.K1
}

// once makes exchanges one time.
func once(exchanges ...exchange) { converse([][]exchange{exchanges}, 1, 0) }

// login opens a session.
func (c *client) login() { once(c.exchangeKeys()...) }

// command asks for something that has to succeed.
func (c *client) command(code command, data ...byte) {
	(&talk{sessions: []*client{c}, code: code, data: data}).once()
}

// end is the command that ends the session.
func (c *client) end() *talk {
	return &talk{sessions: []*client{c}, code: closeSession, data: binary.LittleEndian.AppendUint32(nil, c.SIDc)}
}
