package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// Values that we chose.
const (
	retryInterval = time.Second // until a request is sent again
	maxTries      = 10          // the first request starts the process of the BMC
	closeTime     = 2 * time.Second
	maxDatagram   = 1024
)

// Errors of a session.
var (
	// ErrNoAnswer means that the BMC answers nothing.
	ErrNoAnswer = errors.New("the BMC does not answer")
	// ErrPrivilege means that the user or the session has too low a privilege level.
	ErrPrivilege = errors.New("insufficient privilege level")
)

// A Code is a completion code other than 00h (§5.2). It is an error.
type Code byte

// Error implements error.
func (c Code) Error() string {
	return fmt.Sprintf("the BMC answers with completion code %02Xh", byte(c))
}

const insufficientPrivilege Code = 0xD4

// A Session is a session with a BMC. It is not safe for concurrent use.
type Session struct {
	conn      io.ReadWriteCloser
	keys      *session.Client
	datagrams <-chan []byte
	failure   error // of the connection; valid once datagrams is closed
	rqSeq     byte  // of the latest request
	instance  int   // of the console that is open; 0: none
	out       []byte
}

// Open opens a session at the privilege level of the login. Each Read of the connection
// returns one datagram, and Close makes Read return. Open closes the connection if it fails,
// and [Session.Close] closes it otherwise. Session IDs and keys are made with random.
//
// The error wraps ErrNoAnswer, [session.ErrRefused], ErrPrivilege or an error of the
// connection.
func Open(ctx context.Context, conn io.ReadWriteCloser, login session.Login, random io.Reader) (*Session, error) {
	keys, request, err := login.Open(random)
	if err != nil {
		conn.Close()
		return nil, err
	}
	s := &Session{conn: conn, keys: keys}
	s.datagrams = s.receive()
	if err := s.logIn(ctx, request, login.Privilege); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// receive has a goroutine read datagrams until the connection is closed or fails.
func (s *Session) receive() <-chan []byte {
	datagrams := make(chan []byte, 16) // a full channel loses packets, as a network does
	go func() {
		defer close(datagrams)
		for {
			b := make([]byte, maxDatagram)
			n, err := s.conn.Read(b)
			if err != nil {
				s.failure = err
				return
			}
			select {
			case datagrams <- b[:n]:
			default:
			}
		}
	}()
	return datagrams
}

// logIn goes through the key exchange and raises the privilege level.
func (s *Session) logIn(ctx context.Context, request rmcp.OpenRequest, level rmcp.Privilege) error {
	var (
		rakp1 rmcp.RAKP1
		rakp3 rmcp.RAKP3
	)
	err := s.setUp(ctx, rmcp.PayloadOpenRequest, request.Append(nil), rmcp.PayloadOpenResponse, func(b []byte) error {
		m, err := rmcp.ParseOpenResponse(b)
		if err == nil {
			rakp1, err = s.keys.RAKP1(m)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = s.setUp(ctx, rmcp.PayloadRAKP1, rakp1.Append(nil), rmcp.PayloadRAKP2, func(b []byte) error {
		m, err := rmcp.ParseRAKP2(b)
		if err == nil {
			rakp3, err = s.keys.RAKP3(m)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = s.setUp(ctx, rmcp.PayloadRAKP3, rakp3.Append(nil), rmcp.PayloadRAKP4, func(b []byte) error {
		m, err := rmcp.ParseRAKP4(b)
		if err == nil {
			err = s.keys.Confirm(m)
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.Do(ctx, rmcp.NetFnApp, setSessionPrivilege, byte(level))
	return err
}

// Commands (IPMI 2.0 appendix G).
const (
	setSessionPrivilege  = 0x3B
	closeSession         = 0x3C
	activatePayload      = 0x48
	deactivatePayload    = 0x49
	getActivationStatus  = 0x4A
	getPayloadInstance   = 0x4B
	levelNotAvailable    = Code(0x80) // Set Session Privilege Level (§22.18): not for this user
	levelExceedsTheLimit = Code(0x81) // ... not for this channel or session
)

// setUp sends a message of the key exchange until take accepts the answer. An error of take
// ends it if the BMC refuses. Another one means that the datagram is not the answer.
func (s *Session) setUp(ctx context.Context, kind rmcp.PayloadType, message []byte, answer rmcp.PayloadType, take func([]byte) error) error {
	datagram := rmcp.AppendPacket(nil, kind, message)
	return s.until(ctx, func() error { return s.write(datagram) }, func(p rmcp.Packet) (bool, error) {
		if p.Type != answer || !p.Bare() {
			return false, nil
		}
		err := take(p.Payload)
		if errors.Is(err, session.ErrRefused) {
			return true, err
		}
		return err == nil, nil
	})
}

// Do sends a request and returns the data of the response. The error is a [Code] if the BMC
// refuses the request, and wraps ErrPrivilege if the level of the session is the reason.
func (s *Session) Do(ctx context.Context, netFn rmcp.NetFn, cmd byte, data ...byte) ([]byte, error) {
	request := s.request(netFn, cmd, data...)
	var response rmcp.Response
	send := func() error { return s.seal(rmcp.PayloadIPMI, request.Append(nil)) }
	err := s.until(ctx, send, func(p rmcp.Packet) (answered bool, _ error) {
		if plain, err := s.keys.Receive(p); err == nil && p.Type == rmcp.PayloadIPMI {
			response, answered = answerTo(request, plain)
		}
		return answered, nil
	})
	switch code := Code(response.Code); {
	case err != nil:
		return nil, err
	case code == insufficientPrivilege,
		cmd == setSessionPrivilege && (code == levelNotAvailable || code == levelExceedsTheLimit):
		return nil, ErrPrivilege
	case code != 0:
		return nil, code
	}
	return slices.Clone(response.Data), nil
}

// request returns a request with a number of its own.
func (s *Session) request(netFn rmcp.NetFn, cmd byte, data ...byte) rmcp.Request {
	s.rqSeq = (s.rqSeq + 1) % 64
	return rmcp.Request{
		RsAddr: rmcp.AddressBMC, NetFn: netFn, RqAddr: rmcp.AddressClient, RqSeq: s.rqSeq, Cmd: cmd, Data: data,
	}
}

// answerTo returns the response in an IPMI payload, and false if it answers another request.
func answerTo(r rmcp.Request, plain []byte) (rmcp.Response, bool) {
	response, err := rmcp.ParseResponse(plain)
	return response, err == nil && response.NetFn == r.NetFn && response.Cmd == r.Cmd && response.RqSeq == r.RqSeq
}

// until sends again and again until take reports that a packet is the answer.
func (s *Session) until(ctx context.Context, send func() error, take func(rmcp.Packet) (bool, error)) error {
	tick := time.NewTicker(retryInterval)
	defer tick.Stop()
	if err := send(); err != nil {
		return err
	}
	for tries := 1; ; {
		select {
		case b, ok := <-s.datagrams:
			if !ok {
				return s.failure
			}
			p, err := parse(b)
			if err != nil {
				continue
			}
			if done, err := take(p); done || err != nil {
				return err
			}
		case <-tick.C:
			if tries++; tries > maxTries {
				return ErrNoAnswer
			}
			if err := send(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// parse returns the packet in a datagram.
func parse(b []byte) (rmcp.Packet, error) {
	class, rest, err := rmcp.ParseHeader(b)
	if err == nil && class != rmcp.ClassIPMI {
		err = rmcp.ErrMalformed
	}
	if err != nil {
		return rmcp.Packet{}, err
	}
	return rmcp.ParsePacket(rest)
}

func (s *Session) seal(kind rmcp.PayloadType, payload []byte) (err error) {
	if s.out, err = s.keys.Seal(s.out[:0], kind, payload); err != nil {
		return err
	}
	return s.write(s.out)
}

func (s *Session) write(datagram []byte) error {
	_, err := s.conn.Write(datagram)
	return err
}

// Close closes the console that is open, ends the session and closes the connection. It waits
// 2 s at most for the BMC.
func (s *Session) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if s.instance != 0 {
		_ = s.Deactivate(ctx, s.instance) // it would end with the session
	}
	id := s.keys.ID()
	_, _ = s.Do(ctx, rmcp.NetFnApp, closeSession, byte(id), byte(id>>8), byte(id>>16), byte(id>>24)) // it would time out
	s.conn.Close()
}
