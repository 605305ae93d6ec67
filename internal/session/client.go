package session

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// A Login is what a client must know to open a session.
type Login struct {
	Suite     rmcp.Suite
	Privilege rmcp.Privilege // highest level of the session
	User      string         // at most 16 bytes
	Password  func() []byte
	Kg        func() []byte // empty: the password takes its place (§13.31)
}

// A Client is the client's half of one session: it makes the messages of the key exchange in
// their order, and then seals and opens packets. It knows neither socket nor clock. It is not
// safe for concurrent use.
type Client struct {
	exchange
	login    Login
	guid     [16]byte
	sent     uint32
	received window
	random   io.Reader
	cipher   func() *packetCipher // nil until the key exchange has ended
}

// ErrRefused is wrapped by the errors of a BMC that refuses a step of the key exchange.
var ErrRefused = errors.New("the BMC refuses the session")

// Open returns a client and its Open Session Request (§13.17). The session ID and the random
// number of the client come from random, and so do initialization vectors.
func (l Login) Open(random io.Reader) (*Client, rmcp.OpenRequest, error) {
	var start [20]byte
	if _, err := io.ReadFull(random, start[:]); err != nil {
		return nil, rmcp.OpenRequest{}, fmt.Errorf("random number: %w", err)
	}
	c := &Client{login: l, random: random, exchange: exchange{
		suite:        l.Suite,
		clientID:     max(binary.LittleEndian.Uint32(start[:]), 1), // 0 is not valid
		clientRandom: [16]byte(start[4:]),
		role:         rmcp.Role(l.Privilege) | nameOnlyLookup,
		name:         l.User,
	}}
	return c, rmcp.OpenRequest{
		Privilege: l.Privilege, ClientID: c.clientID,
		Auth: l.Suite.Auth, Integrity: l.Suite.Integrity, Confidentiality: l.Suite.Confidentiality,
	}, nil
}

// nameOnlyLookup in a role has the BMC find the user by its name, whatever its level (§13.20).
const nameOnlyLookup = 0x10

// RAKP1 returns the answer to an Open Session Response (§13.20). A response that is not for
// this client is an error, which the caller may ignore.
func (c *Client) RAKP1(m rmcp.OpenResponse) (rmcp.RAKP1, error) {
	offered := m.Suite
	offered.ID = c.suite.ID
	switch {
	case m.ClientID != c.clientID:
		return rmcp.RAKP1{}, errAuth
	case m.Status != rmcp.StatusOK:
		return rmcp.RAKP1{}, fmt.Errorf("%w: %v", ErrRefused, m.Status)
	case offered != c.suite || m.ManagedID == 0:
		return rmcp.RAKP1{}, fmt.Errorf("%w: it answers with other algorithms", ErrRefused)
	}
	c.managedID = m.ManagedID
	return rmcp.RAKP1{ManagedID: c.managedID, Random: c.clientRandom, Role: c.role, Name: []byte(c.name)}, nil
}

// RAKP3 returns the answer to a RAKP Message 2 (§13.22), if the BMC knows the password.
func (c *Client) RAKP3(m rmcp.RAKP2) (rmcp.RAKP3, error) {
	switch {
	case m.ClientID != c.clientID:
		return rmcp.RAKP3{}, errAuth
	case m.Status != rmcp.StatusOK:
		return rmcp.RAKP3{}, fmt.Errorf("%w: %v", ErrRefused, m.Status)
	}
	c.managedRandom, c.guid = m.Random, m.GUID
	if !hmac.Equal(m.AuthCode, c.rakp2Code(c.login.Password(), c.guid)) {
		return rmcp.RAKP3{}, fmt.Errorf("%w: wrong user or password", ErrRefused)
	}
	return rmcp.RAKP3{ManagedID: c.managedID, AuthCode: c.rakp3Code(c.login.Password())}, nil
}

// Confirm takes a RAKP Message 4 (§13.23), with which the session is open.
func (c *Client) Confirm(m rmcp.RAKP4) error {
	kg := c.login.Kg()
	if len(kg) == 0 {
		kg = c.login.Password()
	}
	sik := c.sik(kg)
	switch {
	case m.ClientID != c.clientID:
		return errAuth
	case m.Status != rmcp.StatusOK:
		return fmt.Errorf("%w: %v", ErrRefused, m.Status)
	case !hmac.Equal(m.Integrity, c.rakp4Check(sik, c.guid)):
		return fmt.Errorf("%w: wrong Kg", ErrRefused)
	}
	keyed := newPacketCipher(&c.exchange, sik)
	c.cipher = func() *packetCipher { return keyed }
	return nil
}

// ID returns the managed system session ID, by which the BMC knows the session.
func (c *Client) ID() uint32 { return c.managedID }

// Seal appends a datagram to b that carries a payload to the BMC.
func (c *Client) Seal(b []byte, kind rmcp.PayloadType, payload []byte) ([]byte, error) {
	c.sent = next(c.sent)
	return c.cipher().seal(b, kind, c.managedID, c.sent, payload, c.random)
}

// Receive checks a packet of the session and returns its plaintext. The packet is to be dropped
// after an error, which is [ErrDuplicate] for a packet that was received before.
func (c *Client) Receive(p rmcp.Packet) ([]byte, error) {
	if c.cipher == nil || p.SessionID != c.clientID {
		return nil, errAuth
	}
	if err := c.cipher().authenticate(p); err != nil {
		return nil, err
	}
	plain, err := c.cipher().open(nil, p.Payload)
	if err != nil {
		return nil, err
	}
	if !c.received.accept(p.Sequence) {
		return nil, ErrDuplicate
	}
	return plain, nil
}
