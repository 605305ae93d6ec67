package lan

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/serial"
	"github.com/shipmi/shipmi/test/console"
)

// A fakeTerminal is a console script whose output the test decides.
type fakeTerminal struct {
	mu    sync.Mutex
	out   []byte // printed and not read
	in    []byte // typed
	over  bool   // the script has ended by itself
	ended bool   // End was called
}

func (*fakeTerminal) Fd() int { return 0 }

func (f *fakeTerminal) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := copy(b, f.out)
	f.out = f.out[n:]
	switch {
	case n > 0:
		return n, nil
	case f.over:
		return 0, io.EOF
	}
	return 0, unix.EAGAIN
}

func (f *fakeTerminal) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.in = append(f.in, b...)
	return len(b), nil
}

func (f *fakeTerminal) End() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	return "exit status 1"
}

// connect starts a console script.
func (r *rig) connect(context.Context) (serial.Terminal, error) {
	if r.noConsole.Load() {
		return nil, errors.New("no such domain")
	}
	time.Sleep(r.starting)
	r.terminal = &fakeTerminal{}
	r.connects++
	return r.terminal, nil
}

// prints has the console script print something, and returns the packets that follow.
func (r *rig) prints(c *console.Console, text string) []string {
	r.terminal.mu.Lock()
	r.terminal.out = append(r.terminal.out, text...)
	r.terminal.mu.Unlock()
	return r.wakes(c)
}

func (r *rig) exits(c *console.Console) []string {
	r.terminal.mu.Lock()
	r.terminal.over = true
	r.terminal.mu.Unlock()
	return r.wakes(c)
}

func (r *rig) wakes(c *console.Console) []string {
	r.conn.wake()
	return r.serialPackets(c)
}

func (r *rig) serialPackets(c *console.Console) (all []string) {
	for _, b := range r.answers() {
		all = append(all, c.ReadSOL(b))
	}
	return all
}

// types sends a console packet and returns the packets that follow.
func (r *rig) types(c *console.Console, packet string) (all []string) {
	for _, b := range r.send(c.SOL(packet)) {
		all = append(all, c.ReadSOL(b))
	}
	return all
}

const consoleOpened = "00 00 00 00 00 ff 00 ff  00 6f 02 ff ff"

func (r *rig) opens(c *console.Console) {
	require.Equal(r.t, consoleOpened, r.ask(c, 0x06, 0x48, 1, 1, 1, 0xC6, 0, 0, 0))
	synctest.Wait()
}

// Keystrokes reach the script, and its output reaches the client.
func TestConsoleBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		c := r.login()
		r.opens(c)
		require.Equal(t, []string{"\x00\x01\x03\x00"}, r.types(c, "\x01\x00\x00\x00ls\r"))
		require.Equal(t, "ls\r", string(r.terminal.in))
		r.prints(c, "file\r\n")
		pass(60 * time.Millisecond)
		require.Equal(t, []string{"\x01\x00\x00\x00file\r\n"}, r.serialPackets(c))
		require.Empty(t, r.types(c, "\x00\x01\x06\x00"))

		require.Equal(t, "00", r.ask(c, 0x06, 0x49, 2, 1, 1, 0, 0, 0, 0))
		require.Equal(t, []string{"\x00\x00\x00\x10"}, r.types(c, "\x02\x00\x00\x00x"), "it has no console any more")
		require.Empty(t, r.types(c, "\x03\x00\x00\x00x"), "and was told so")
	})
}

// The next process goes on under the same numbers, with the same script.
func TestConsoleSurvivesAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer func() { r.stop() }()
		c := r.login()
		r.opens(c)
		r.types(c, "\x01\x00\x00\x00one")
		r.prints(c, "printed")
		pass(60 * time.Millisecond)
		require.Equal(t, []string{"\x01\x00\x00\x00printed"}, r.serialPackets(c))
		for range 3 {
			r.kept = r.terminal
			r.kill()
			pass(2 * time.Second)
			all := r.serialPackets(c)
			require.NotEmpty(t, all)
			require.Equal(t, "\x01", all[len(all)-1][:1])
			require.Equal(t, "printed", all[len(all)-1][4:])
		}
		require.Empty(t, r.types(c, "\x00\x01\x07\x00"))
		require.Equal(t, []string{"\x00\x01\x03\x00"}, r.types(c, "\x01\x00\x00\x00one"), "a repetition")
		require.Equal(t, []string{"\x00\x02\x03\x00"}, r.types(c, "\x02\x00\x00\x00two"))
		require.Equal(t, "onetwo", string(r.terminal.in))
		require.Equal(t, 1, r.connects)
	})
}

// The process stays while the console is open, and 30 s longer, which is how long the
// script is kept.
func TestConsoleKeepsTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stop()
		r.idle = 10 * time.Second
		r.start()
		c := r.login()
		r.opens(c)
		for range 5 {
			pass(50 * time.Second)
			require.Equal(t, "00 04 01 00", r.ask(c, 0x06, 0x4A, 3, 1))
		}
		require.Equal(t, "00", r.ask(c, 0x06, 0x49, 2, 1, 1, 0, 0, 0, 0))
		closed := time.Now()
		require.NoError(t, r.outcome())
		require.Equal(t, 30*time.Second, time.Since(closed).Truncate(time.Second))
		require.True(t, r.terminal.ended)
		require.NoError(t, r.sessions.Close())
	})
}

// Without a client for a minute, the session has timed out, and so has the console.
func TestConsoleEndsWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		c := r.login()
		r.opens(c)
		pass(95 * time.Second)
		require.True(t, r.terminal.ended)
		other := r.login()
		r.opens(other)
		require.Equal(t, 2, r.connects)
		require.Equal(t, "00", r.ask(other, 0x06, 0x3C, 1, byte(other.SIDc), byte(other.SIDc>>8), byte(other.SIDc>>16), byte(other.SIDc>>24)))
		third := r.login()
		require.Equal(t, "00 04 00 00", r.ask(third, 0x06, 0x4A, 3, 1))
	})
}

// A serial port does not end when the machine is off.
func TestConsoleScriptRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		r.scripts.others = func() machine.Reading { return machine.Reading{} }
		c := r.login()
		r.opens(c)
		ack := byte(0)
		next := func() string {
			pass(60 * time.Millisecond)
			all := r.serialPackets(c)
			require.Len(t, all, 1)
			ack = all[0][0]
			require.Empty(t, r.types(c, string([]byte{0, ack, byte(len(all[0]) - 4), 0})))
			return all[0][4:]
		}
		for n, pause := range []string{"1", "2", "4", "8", "15", "15"} {
			require.Equal(t, n+1, r.connects)
			require.Empty(t, r.exits(c))
			require.Equal(t, "[console: exit status 1, again in "+pause+" s]\r\n", next())
			long, err := time.ParseDuration(pause + "s")
			require.NoError(t, err)
			pass(long - 100*time.Millisecond)
			require.Equal(t, n+1, r.connects)
			require.Len(t, r.types(c, string([]byte{byte(n + 1), 0, 0, 0, 'x'})), 1, "swallowed, with an acknowledgment")
			pass(100 * time.Millisecond)
		}
		require.Equal(t, 7, r.connects)
		require.Empty(t, r.exits(c))
		next()
		require.Equal(t, "00", r.ask(c, 0x00, 0x02, 9, 1))
		synctest.Wait()
		require.Equal(t, 8, r.connects, "at once, because the machine was switched on")
		require.Contains(t, r.scripts.started(), provider.On)
		require.Empty(t, r.terminal.in)
	})
}

// A console that is always logged needs no client: the script runs, is run again, and its
// output is kept for the next client and the next process.
func TestConsoleIsAlwaysLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stop()
		r.always, r.idle = true, 10*time.Second
		r.start()
		defer func() { r.stop() }()
		pass(10 * time.Millisecond)
		require.Equal(t, 1, r.connects)
		printed := func(text string) {
			r.terminal.mu.Lock()
			defer r.terminal.mu.Unlock()
			r.terminal.out = append(r.terminal.out, text...)
		}
		printed("boot\r\n")
		r.conn.wake()
		pass(time.Hour)
		r.kept = r.terminal
		r.kill()
		printed("login: ")
		r.conn.wake()
		pass(time.Hour)
		require.Equal(t, 1, r.connects)
		r.terminal.over = true
		r.conn.wake()
		pass(time.Second)
		require.Equal(t, 2, r.connects)

		c := r.login()
		r.opens(c)
		pass(60 * time.Millisecond)
		require.Contains(t, r.serialPackets(c)[0], "boot\r\nlogin: ")
		require.Equal(t, "00", r.ask(c, 0x06, 0x49, 2, 1, 1, 0, 0, 0, 0))
		pass(time.Hour)
		require.False(t, r.terminal.ended)
		require.Equal(t, 2, r.connects)
	})
}

// The journal says who had the console, from where, for how long, and why no longer.
func TestConsoleInTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var log bytes.Buffer
		r.logTo(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		activate := console.Request(0x06, 0x48, 1, 1, 1, 0xC6, 0, 0, 0)
		deactivate := console.Request(0x06, 0x49, 2, 1, 1, 0, 0, 0, 0)

		c := r.login()
		r.send(c.Packet(activate))
		pass(20 * time.Second)
		r.send(c.Packet(deactivate))

		r.send(c.Packet(activate))
		other := r.login()
		r.conn.peer.Store(&elsewhere)
		pass(5 * time.Second)
		r.send(other.Packet(deactivate))
		r.conn.peer.Store(nil)
		pass(6 * time.Second)

		r.send(c.Packet(activate))
		pass(36 * time.Second)
		late := r.login()
		r.conn.peer.Store(&elsewhere)
		r.send(late.Packet(activate))
		pass(2 * time.Minute)
		r.answers()
		r.stop()

		var lines []string
		for line := range strings.Lines(log.String()) {
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), `level=INFO msg="console `); ok {
				lines = append(lines, text)
			}
		}
		const from, elsewhere = " instance=1 user=admin peer=192.0.2.1:50000", " instance=1 user=admin peer=192.0.2.66:50000"
		require.Equal(t, []string{
			`opened"` + from,
			`closed"` + from + " after=20s",
			`opened"` + from,
			`closed by another client"` + from + " after=5s by=admin by_peer=192.0.2.66:50000",
			`opened"` + from,
			`closed: taken over from a client that is silent"` + from + " after=36s by=admin by_peer=192.0.2.66:50000",
			`opened"` + elsewhere,
			`closed: session ended"` + elsewhere + " after=1m0s",
		}, lines)
	})
}

// A client may type before the script has started. The script gets that, unless it cannot start.
func TestConsoleTypedBeforeTheScriptRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		r.starting = time.Second
		c := r.login()
		r.opens(c)
		require.Equal(t, []string{"\x00\x01\x03\x00"}, r.types(c, "\x01\x00\x00\x00ls\r"))
		pass(time.Second)
		require.Equal(t, "ls\r", string(r.terminal.in))
	})
}

func TestConsoleScriptThatCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		r.noConsole.Store(true)
		c := r.login()
		r.opens(c)
		pass(60 * time.Millisecond)
		require.Equal(t, []string{"\x01\x00\x00\x00[console: script not started, again in 1 s]\r\n"}, r.serialPackets(c))
		require.Len(t, r.types(c, "\x01\x01\x2e\x00x"), 1)
		r.noConsole.Store(false)
		pass(time.Second)
		r.answers()
		require.Equal(t, 1, r.connects)
		require.Empty(t, r.terminal.in)
	})
}

func TestConsoleBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		c := r.login()
		r.opens(c)
		require.Equal(t, []string{"\x00\x01\x00\x00"}, r.types(c, "\x01\x00\x00\x10"))
		require.EqualValues(t, 1, r.breaks.Load())
		r.types(c, "\x01\x00\x00\x10")
		require.EqualValues(t, 1, r.breaks.Load(), "a repetition")
	})
}

// A datagram that arrives twice types once and is not acknowledged twice.
func TestConsoleDuplicateDatagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		c := r.login()
		r.opens(c)
		b := c.SOL("\x01\x00\x00\x00x")
		require.Len(t, r.send(b), 1)
		require.Empty(t, r.send(b))
		require.Equal(t, "x", string(r.terminal.in))
	})
}

// Packets that are not encrypted, not authenticated, malformed, or not of the session have no effect and no answer. The
// session goes on.
func TestConsolePacketsThatAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		c, other := r.login(), r.login()
		r.opens(c)
		const typed = "\x01\x00\x00\x00x"
		stolen := func() []byte { // by a session that knows the session ID, but not the keys
			thief := *other
			thief.SIDc, thief.Sequence = c.SIDc, c.Sequence
			return thief.SOL(typed)
		}
		for name, b := range map[string][]byte{
			"neither":           console.Datagram(0x01, c.SIDc, c.Sequence+1, []byte(typed)),
			"not authenticated": console.Datagram(0x81, c.SIDc, c.Sequence+1, make([]byte, 32)),
			"not encrypted":     c.Sign(console.Datagram(0x41, c.SIDc, c.Sequence+1, []byte(typed))),
			"outside a session": console.Datagram(0x01, 0, 0, []byte(typed)),
			"other keys":        stolen(),
			"too short":         c.SOL("\x01\x00\x00"),
			"too long":          c.SOL("\x01\x00\x00\x00" + string(make([]byte, 256))),
			"without a number":  c.SOL("\x00\x00\x00\x00x"),
		} {
			require.Empty(t, r.send(b), name)
			require.Empty(t, r.terminal.in, name)
		}
		require.Equal(t, []string{"\x00\x00\x00\x10"}, r.types(other, typed), "the console of another session")
		require.Equal(t, []string{"\x00\x01\x01\x00"}, r.types(c, typed))
		require.Equal(t, "x", string(r.terminal.in))
	})
}

// An acknowledgment under another number is none, and one of more characters than were sent is one of all.
func TestConsoleWrongAcknowledgment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		c := r.login()
		r.opens(c)
		r.prints(c, "one")
		pass(60 * time.Millisecond)
		require.Equal(t, []string{"\x01\x00\x00\x00one"}, r.serialPackets(c))
		require.Empty(t, r.types(c, "\x00\x02\x03\x00"))
		require.Empty(t, r.types(c, "\x00\x0F\x03\x00"))
		pass(500 * time.Millisecond)
		require.Equal(t, []string{"\x01\x00\x00\x00one"}, r.serialPackets(c))
		require.Empty(t, r.types(c, "\x00\x01\xFF\x00"))
		r.prints(c, "two")
		pass(60 * time.Millisecond)
		require.Equal(t, []string{"\x02\x00\x00\x00two"}, r.serialPackets(c))
	})
}

// Output follows the client to another address.
func TestConsoleClientThatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		c := r.login()
		r.opens(c)
		r.types(c, "\x01\x00\x00\x00x")
		r.conn.peer.Store(&elsewhere)
		r.types(c, "\x02\x00\x00\x00y")
		r.prints(c, "z")
		pass(60 * time.Millisecond)
		require.Len(t, r.serialPackets(c), 1)
		require.Equal(t, elsewhere, r.conn.to.Load())
	})
}

// Endless output delays no other session: each datagram is answered before more output is read.
func TestConsoleFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.stop()
		c, other := r.login(), r.login()
		r.opens(c)
		r.prints(c, string(make([]byte, 1<<20)))
		require.Equal(t, "00 04 01 00", r.ask(other, 0x06, 0x4A, 3, 1))
		r.terminal.mu.Lock()
		defer r.terminal.mu.Unlock()
		require.Greater(t, len(r.terminal.out), 1<<20-128<<10, "the script waits for the client")
	})
}

// pass lets time pass, and everything happen that is due by then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
