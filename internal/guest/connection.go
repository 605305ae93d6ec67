package guest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/inband"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/lanes"
	"github.com/shipmi/shipmi/internal/polled"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A connection is a connection to the program that runs the guest. The lock of the BMC guards the
// fields that change.
type connection struct {
	server *Server
	cookie uint64 // of the socket, see SO_COOKIE in socket(7)
	name   string // in the store
	socket polled.Socket
	kept   bool // the store had it when the process began

	removed bool         // the server has forgotten it
	pending *exchange    // the request that is being answered; nil: there is none
	told    *ipmi.Signal // the latest signal that this process has sent to the guest; nil: none
}

// An exchange is a request that waits for its answer.
type exchange struct {
	request  inband.Request
	answered chan struct{}
}

func newConnection(s *Server, fd int, cookie uint64) (*connection, error) {
	c := &connection{server: s, cookie: cookie, name: nameOf(cookie)}
	var err error
	c.socket, err = polled.New(fd, c.name)
	return c, err
}

// end breaks the connection, also for the store, which has the same socket.
func (c *connection) end() {
	_ = c.socket.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	go c.socket.Close() // waits for serve, which may wait for systemd
}

// errLeft says that the process ends and the next one reads the same again.
var errLeft = errors.New("left to the next process")

// serve has the store keep the connection, and answers its requests until the connection or
// the process ends.
func (c *connection) serve() {
	if !c.kept {
		_ = c.socket.Control(func(fd uintptr) { c.server.Store.Keep(c.name, int(fd)) })
	}
	c.answerAll()
	removed := false
	c.server.BMC.Enter(func() { removed = c.removed })
	if removed {
		c.server.Store.Drop(c.name)
	}
}

// answerAll answers requests, one after the other. A request leaves the socket once it has been
// answered.
func (c *connection) answerAll() {
	buffer := make([]byte, inband.MaxFrame+1)
	for {
		frame, n, err := c.wait(buffer)
		if err == nil {
			err = c.handleFrame(frame)
		}
		if err == nil || errors.Is(err, inband.ErrMalformed) {
			if err != nil {
				c.server.Log.Debug("frame of the guest dropped", "err", err)
			}
			err = c.take(buffer[:n])
		}
		switch {
		case errors.Is(err, errLeft):
			return
		case err != nil:
			c.server.BMC.Enter(func() { c.server.remove(c, err.Error()) })
			return
		}
	}
}

// wait waits for a frame, and leaves it in the socket. It returns the number of its bytes
// there. A frame that has no end within the buffer is malformed.
func (c *connection) wait(buffer []byte) (frame inband.Frame, n int, err error) {
	failed := c.socket.Read(func(fd uintptr) (done bool) {
		var got int
		got, _, err = unix.Recvfrom(int(fd), buffer, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
			err = nil
			return false
		case err != nil:
			return true
		case got == 0:
			err = io.EOF
			return true
		}
		frame, n, err = inband.Cut(buffer[:got])
		switch {
		case n > 0:
			return true
		case got == len(buffer):
			n, err = got, fmt.Errorf("%w: no end within %d bytes", inband.ErrMalformed, got)
			return true
		case hungUp(fd):
			err = io.EOF // the rest of the frame will not come
			return true
		}
		return false
	})
	if failed != nil { // the socket has been closed
		err = errLeft
	}
	return frame, n, err
}

// hungUp reports whether the other side has closed the connection.
func hungUp(fd uintptr) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(p, 0)
	return err == nil && n > 0 && p[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
}

// take takes a frame out of the socket.
func (c *connection) take(buffer []byte) (err error) {
	failed := c.socket.Read(func(fd uintptr) bool {
		_, _, err = unix.Recvfrom(int(fd), buffer, unix.MSG_DONTWAIT)
		return !errors.Is(err, unix.EINTR)
	})
	if failed != nil {
		return errLeft
	}
	return err
}

func (c *connection) handleFrame(f inband.Frame) error {
	if f.Command {
		command, argument, err := inband.ParseCommand(f.Body)
		if err == nil {
			c.server.Log.Debug("command of the guest's machine", "command", command, "argument", argument)
		}
		return err
	}
	r, err := inband.ParseRequest(f.Body)
	if err != nil {
		return err
	}
	x := &exchange{request: r, answered: make(chan struct{})}
	if !c.server.BMC.Enter(func() { c.handle(x) }) {
		return errLeft
	}
	select {
	case <-x.answered:
	case <-c.server.ended:
	case <-time.After(c.server.AnswerTime):
	}
	select {
	case <-x.answered:
		return nil
	default:
	}
	if !c.server.BMC.Enter(func() { c.tooLate(x) }) {
		return errLeft
	}
	return nil
}

// tooLate answers a request whose script goes on. The driver of the guest repeats some requests
// then. If the script is that of an action, a repeated request joins the action.
func (c *connection) tooLate(x *exchange) {
	if c.pending == x {
		c.server.Log.Warn("request of the guest has no answer yet", "netfn", x.request.NetFn, "command", x.request.Cmd)
		c.answer(x, nil, ipmi.Answer{Code: ipmi.Timeout})
	}
}

// handle has a request answered: by the job that it asks for again, or by the handler of its
// command.
func (c *connection) handle(x *exchange) {
	s := c.server
	c.pending = x
	number, err := s.numbers.next(c.cookie, x.request.Sequence)
	if err != nil {
		s.Log.Error("number of a request not kept", "err", err)
	}
	const rqSeqs = 64 // IPMI 2.0 §13.8
	message := rmcp.Request{
		RsAddr: rmcp.AddressBMC, NetFn: rmcp.NetFn(x.request.NetFn), RsLUN: x.request.LUN,
		RqSeq: byte(number % rqSeqs), Cmd: x.request.Cmd, Data: slices.Clone(x.request.Data),
	}
	asked := &ipmi.Request{
		Request: message, System: true, Now: s.BMC.Now(), Local: s.Local,
		Session: ipmi.Session{ID: ipmi.GuestSession, User: user, Privilege: s.Level, Limit: s.Level},
	}
	waiting := lanes.Request{
		Request: jobs.Request{
			Session: ipmi.GuestSession, Sequence: number, RqSeq: message.RqSeq, Key: ipmi.Key(message), At: s.BMC.Uptime(),
		},
		Asker:  s.asker(),
		Answer: func(command *ipmi.Command, a ipmi.Answer) { c.answer(x, command, a) },
		Drop: func(err error) {
			s.Log.Warn("request of the guest refused", "err", err)
			c.answer(x, nil, ipmi.Answer{Code: ipmi.NodeBusy})
		},
	}
	if j := s.BMC.Jobs.Receive(waiting.Request); j != nil {
		if j.State == jobs.Over && !j.Outcome.Undone() {
			s.Log.Info("not repeated: it has just been done", "user", user)
		}
		s.BMC.Jobs.Join(j, lanes.Call(waiting, asked.Command(), ipmi.Answer{Data: j.Data}))
		return
	}
	command, answer := s.Commands.Handle(asked)
	lanes.Respond(s.BMC, waiting, command, answer)
}

// answer answers a request, unless that was answered before, and then ends the sessions that
// it ends.
func (c *connection) answer(x *exchange, command *ipmi.Command, a ipmi.Answer) {
	s := c.server
	if a.Code != ipmi.OK && !lanes.Probing(command, a.Code) {
		s.Log.Warn(command.Name+" refused", "code", a.Code, "user", user)
	}
	if c.pending == x {
		c.pending = nil
		s.BMC.Answered()
		s.Update()
		c.send(x.request.AppendResponse(nil, byte(a.Code), a.Data))
		close(x.answered)
	}
	s.EndSessions(a.Ends, user)
}

// greet begins a connection.
func (c *connection) greet() { c.send(inband.Version.Append(nil, inband.ProtocolVersion)) }

// tell tells the guest what it must see, if it has not been told.
func (c *connection) tell() {
	now := c.server.Commands.Signal()
	if c.told != nil && *c.told == now {
		return
	}
	var commands []byte
	if c.told == nil || c.told.Interrupts != now.Interrupts {
		interrupts := inband.DisableInterrupt
		if now.Interrupts {
			interrupts = inband.EnableInterrupt
		}
		commands = interrupts.Append(commands)
	}
	if c.told == nil || c.told.Attention != now.Attention || now.Attention {
		attention := inband.NoAttention
		switch {
		case now.Attention && now.AttentionInterrupt:
			attention = inband.AttentionInterrupt
		case now.Attention:
			attention = inband.Attention
		}
		commands = attention.Append(commands)
	}
	c.told = &now
	c.send(commands)
}

// send writes to the guest's machine, without waiting. One that does not read is cut off.
func (c *connection) send(b []byte) {
	var n int
	var err error
	failed := c.socket.Control(func(fd uintptr) {
		n, err = unix.SendmsgN(int(fd), b, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	})
	switch {
	case failed != nil: // it has been removed
	case errors.Is(err, unix.EAGAIN) || err == nil && n < len(b):
		c.server.remove(c, "it does not read")
	case err != nil:
		c.server.remove(c, err.Error())
	}
}
