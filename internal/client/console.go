package client

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Values that we chose.
const (
	repeatInterval = 500 * time.Millisecond // until a packet is sent again
	keepAlive      = 10 * time.Second       // without a packet of the BMC, until it is asked
	keepAliveRetry = 3 * time.Second
	patience       = 30 * time.Second // without a packet of the BMC
	never          = time.Duration(math.MaxInt64)
)

// Why a console cannot be opened or has ended.
var (
	// ErrOccupied means that another session has this instance.
	ErrOccupied = errors.New("another client has the console open")
	// ErrDisabled means that Serial over LAN is disabled, or that there is no console script.
	ErrDisabled = errors.New("the console is disabled")
	// ErrDeactivated means that another client has closed the console or has taken it.
	ErrDeactivated = errors.New("another client has closed the console")
	// ErrLost means that the BMC has sent nothing for 30 s.
	ErrLost = errors.New("the BMC has not answered for 30 s")
)

// Completion codes.
const (
	payloadActive   Code = 0x80 // Activate Payload (§24.1): in another session
	payloadDisabled Code = 0x81 // Activate Payload
	payloadInactive Code = 0x80 // Deactivate Payload (§24.2): already deactivated
)

const (
	payloadSOL = byte(rmcp.PayloadSOL)
	protected  = 0xC0 // Activate Payload: encrypted and authenticated
)

// Free returns the lowest of the instances from first on that no client has open, and false if
// there is none.
func (s *Session) Free(ctx context.Context, first int) (int, bool, error) {
	status, err := s.Do(ctx, rmcp.NetFnApp, getActivationStatus, payloadSOL)
	if err != nil {
		return 0, false, err
	}
	if len(status) < 3 {
		return 0, false, rmcp.ErrMalformed
	}
	open := binary.LittleEndian.Uint16(status[1:])
	for instance := first; instance <= int(status[0]&0x0F); instance++ {
		if open&(1<<(instance-1)) == 0 {
			return instance, true, nil
		}
	}
	return 0, false, nil
}

// Deactivate closes an instance of the console, also that of another session. An instance that
// is not open is no error.
func (s *Session) Deactivate(ctx context.Context, instance int) error {
	_, err := s.Do(ctx, rmcp.NetFnApp, deactivatePayload, payloadSOL, byte(instance), 0, 0, 0, 0)
	if err == payloadInactive {
		return nil
	}
	return err
}

// A Console is the serial console of a BMC. The client of instance 1 types, the others watch.
type Console struct {
	session *Session
	size    int // characters of a packet at most

	// To the BMC.
	number   rmcp.SOLNumber // of the latest packet
	typed    []byte         // not accepted yet
	isBreak  bool           // a break is to be sent
	length   int            // how many of the characters are in the latest packet
	waits    bool           // for the acknowledgment of the latest packet
	sendOwed bool           // the latest packet is to be sent now

	// From the BMC.
	got      rmcp.SOLNumber // the latest packet with output
	sequence uint32         // session sequence number of its datagram
	accepted byte
	ackOwed  bool
	printed  []byte       // output that was not taken yet; its packet is acknowledged then
	asked    rmcp.Request // the latest keep-alive
}

// Activate opens an instance of the console. The error wraps ErrOccupied, ErrDisabled or
// ErrPrivilege if that is the reason.
func (s *Session) Activate(ctx context.Context, instance int) (*Console, error) {
	data, err := s.Do(ctx, rmcp.NetFnApp, activatePayload, payloadSOL, byte(instance), protected, 0, 0, 0)
	switch err {
	case nil:
	case payloadActive:
		return nil, ErrOccupied
	case payloadDisabled:
		return nil, ErrDisabled
	default:
		return nil, err
	}
	size, err := rmcp.ParseSOLActivation(data)
	if err != nil {
		return nil, err
	}
	s.instance = instance
	return &Console{session: s, size: size}, nil
}

// An Input is what the user does: types, or sends a break.
type Input struct {
	Text  []byte
	Break bool
}

// Run carries input to the BMC and its output to output, until input is closed and what was
// typed before is accepted, or ctx ends. It goes on while the process of the BMC is restarted.
// It takes input only when the BMC has accepted what came before, and output from the BMC only
// when output has taken what came before.
//
// The error wraps ErrDeactivated, ErrLost, or an error of ctx, of output or of the connection.
func (c *Console) Run(ctx context.Context, input <-chan Input, output io.Writer) error {
	writes, written := make(chan []byte), make(chan error, 1)
	go func() {
		var err error
		for b := range writes {
			if _, err = output.Write(b); err != nil {
				break
			}
		}
		written <- err
	}()
	err := c.run(ctx, input, writes, written)
	if errors.Is(err, ErrDeactivated) {
		c.session.instance = 0
	}
	close(writes)
	select {
	case failed := <-written: // the last output has been written
		err = errors.Join(err, failed)
	case <-time.After(closeTime):
	}
	return err
}

func (c *Console) run(ctx context.Context, input <-chan Input, writes chan<- []byte, written chan error) error {
	repeat, ask, lost := time.NewTimer(never), time.NewTimer(keepAlive), time.NewTimer(patience)
	for leaving := false; !leaving || c.pending(); {
		c.plan()
		if c.sendOwed {
			repeat.Reset(repeatInterval)
		}
		if err := c.send(); err != nil {
			return err
		}
		in, out := input, writes
		if c.pending() {
			in = nil
		}
		if c.printed == nil {
			out = nil
		}
		select {
		case b, ok := <-c.session.datagrams:
			if !ok {
				return c.session.failure
			}
			heard, err := c.receive(b)
			if err != nil {
				return err
			}
			if heard {
				ask.Reset(keepAlive)
				lost.Reset(patience)
			}
		case next, ok := <-in:
			c.typed, c.isBreak = next.Text, next.Break
			if !ok {
				leaving, input = true, nil
			}
		case out <- c.printed:
			c.printed, c.ackOwed = nil, true
		case err := <-written:
			written <- nil
			return err
		case <-repeat.C:
			c.sendOwed = c.waits
		case <-ask.C:
			if err := c.ask(); err != nil {
				return err
			}
			ask.Reset(keepAliveRetry)
		case <-lost.C:
			return ErrLost
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// pending reports whether the BMC has not accepted everything that was typed.
func (c *Console) pending() bool { return c.waits || len(c.typed) > 0 || c.isBreak }

// plan makes the next packet, unless one is under way.
func (c *Console) plan() {
	if c.waits || !c.pending() {
		return
	}
	c.number = c.number.Next()
	c.length = min(len(c.typed), c.size)
	c.waits, c.sendOwed = true, true
}

// send sends whatever is due: the acknowledgment, the latest packet, or both together. A packet
// that is repeated has the same number and the same characters.
func (c *Console) send() error {
	if !c.ackOwed && !c.sendOwed {
		return nil
	}
	var p rmcp.SOL
	if c.ackOwed {
		p.Acked, p.Accepted = c.got, c.accepted
	}
	if c.sendOwed {
		p.Number, p.Data = c.number, c.typed[:c.length]
		if c.isBreak {
			p.Flags = rmcp.SOLBreak
		}
	}
	c.ackOwed, c.sendOwed = false, false
	return c.session.seal(rmcp.PayloadSOL, p.Append(nil))
}

// receive takes a datagram. It returns false if that is not an authentic packet of the session.
func (c *Console) receive(b []byte) (heard bool, err error) {
	p, err := parse(b)
	if err != nil {
		return false, nil
	}
	plain, err := c.session.keys.Receive(p)
	if err != nil {
		return false, nil
	}
	switch p.Type {
	case rmcp.PayloadSOL:
		if s, err := rmcp.ParseSOL(plain); err == nil {
			return true, c.take(s, p.Sequence)
		}
	case rmcp.PayloadIPMI:
		if response, ok := answerTo(c.asked, plain); ok {
			return true, c.check(response)
		}
	}
	return true, nil
}

// take takes a packet of the BMC. If the BMC has accepted only a part of the characters, the
// rest goes out under the next number.
func (c *Console) take(s rmcp.SOL, sequence uint32) error {
	if s.Flags&rmcp.SOLDeactivated != 0 {
		return ErrDeactivated
	}
	if c.waits && s.Acked == c.number {
		c.typed = c.typed[min(int(s.Accepted), c.length):]
		c.isBreak, c.waits, c.sendOwed = false, false, false
	}
	switch late := c.got != 0 && int32(sequence-c.sequence) < 0; {
	case s.Number == 0 || late || c.printed != nil:
	case s.Number == c.got:
		c.ackOwed, c.sequence = true, sequence // the acknowledgment was lost
	default:
		c.got, c.sequence, c.accepted = s.Number, sequence, byte(len(s.Data))
		if len(s.Data) > 0 {
			c.printed = s.Data
		} else {
			c.ackOwed = true
		}
	}
	return nil
}

// ask asks whether the session still has the console. That also keeps the session alive.
func (c *Console) ask() error {
	c.asked = c.session.request(rmcp.NetFnApp, getPayloadInstance, payloadSOL, byte(c.session.instance))
	return c.session.seal(rmcp.PayloadIPMI, c.asked.Append(nil))
}

// check takes the response to ask.
func (c *Console) check(r rmcp.Response) error {
	if r.Code == 0 && len(r.Data) >= 4 && binary.LittleEndian.Uint32(r.Data) != c.session.keys.ID() {
		return ErrDeactivated
	}
	return nil
}
