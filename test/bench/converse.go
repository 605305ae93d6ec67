package main

import (
	"errors"
	"net/netip"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// An exchange is a datagram and its answer.
type exchange struct {
	with string
	say  func() (socket, []byte) // makes the datagram; again, if there is no answer
	hear func(b []byte) bool     // takes the answer; false: b is that to something else, and comes late
}

// An answer is awaited with this much patience, and that often. Nothing gets lost on loopback, but pyghmi leaves some
// unanswered when several clients ask.
const (
	patience = time.Second
	tries    = 5
)

// unanswered counts requests without an answer in time.
var unanswered int

// A speaker is where one of those who converse is in its exchanges, with its times since all began.
type speaker struct {
	exchanges   []exchange
	at, tries   int
	began, said time.Duration // the first exchange, and the last datagram
	rounds      int
}

// say sends the next datagram, and returns what its answer is to be awaited on.
func (s *speaker) say(now time.Duration) unix.PollFd {
	to, b := s.exchanges[s.at].say()
	s.said = now
	_, err := unix.Write(int(to), b)
	require.NoError(must, err, s.exchanges[s.at].with)
	return unix.PollFd{Fd: int32(to), Events: unix.POLLIN}
}

// sayAgain is for what was not answered.
func (s *speaker) sayAgain(now time.Duration) unix.PollFd {
	unanswered++
	s.tries++
	require.Less(must, s.tries, tries, "%s does not answer", s.exchanges[s.at].with)
	return s.say(now)
}

// hear reads a datagram into b, and tells whether it is the answer, and the last of its exchanges has now been made.
func (s *speaker) hear(fd int32, b []byte) (heard, last bool) {
	n, err := unix.Read(int(fd), b)
	require.NoError(must, err, s.exchanges[s.at].with)
	if !s.exchanges[s.at].hear(b[:n]) {
		return false, false
	}
	s.tries = 0
	s.at = (s.at + 1) % len(s.exchanges)
	return true, s.at == 0
}

// converse makes all exchanges over and over, side by side, until one has made them n times or the time is up. It
// returns how many milliseconds each time took, and how long a speaker conversed on average. One thread does that, which
// costs the least: it need not be woken where another answer is there already.
func converse(all [][]exchange, n int, limit time.Duration) (took []float64, conversed time.Duration) {
	took = make([]float64, 0, n*len(all))
	speakers, waiting := make([]speaker, len(all)), make([]unix.PollFd, len(all))
	start := time.Now()
	for i, exchanges := range all {
		speakers[i] = speaker{exchanges: exchanges}
		waiting[i] = speakers[i].say(0)
	}
	b := make([]byte, 1024)
	for speaking, over := len(all), false; speaking > 0; {
		wait(waiting)
		now := time.Since(start)
		for i := range speakers {
			s, w := &speakers[i], &waiting[i]
			if w.Revents == 0 {
				if w.Fd >= 0 && now > s.said+patience {
					*w = s.sayAgain(now)
				}
				continue
			}
			heard, last := s.hear(w.Fd, b)
			if !heard {
				continue
			}
			now = time.Since(start)
			if last {
				took = append(took, milliseconds(now-s.began))
				s.began = now
				s.rounds++
				over = over || s.rounds == n || now > limit
				if over {
					w.Fd = -1
					speaking--
					conversed += now / time.Duration(len(all))
					continue
				}
			}
			*w = s.say(now)
		}
	}
	return took, conversed
}

// wait returns when one of the sockets can be read, or the time is up.
func wait(sockets []unix.PollFd) {
	_, err := unix.Poll(sockets, int(patience.Milliseconds()))
	for errors.Is(err, unix.EINTR) { // by a signal of Go's runtime
		_, err = unix.Poll(sockets, int(patience.Milliseconds()))
	}
	require.NoError(must, err)
}

// A socket is that of one client, connected to its peer.
type socket int

// sources counts the addresses of clients whose peer knows a session by its address.
var sources int

func connect(p peer) socket {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(must, err)
	if p.neverForgets {
		sources++
		own := [4]byte{127, 1 + byte(sources>>16), byte(sources >> 8), byte(sources)}
		require.NoError(must, unix.Bind(fd, &unix.SockaddrInet4{Addr: own}))
	}
	to := netip.MustParseAddrPort(p.addr)
	require.NoError(must, unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}), p.name)
	return socket(fd)
}

func (s socket) close() { unix.Close(int(s)) }
