package client

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/session"
)

func inBubble(t *testing.T, name string, test func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func TestSession(t *testing.T) {
	for _, suite := range []byte{3, 17} {
		synctest.Test(t, func(t *testing.T) {
			b := newFakeBMC(t, suite)
			b.lose = 1 // of every message
			s, err := b.open()
			require.NoError(t, err)
			b.lose = 2
			instance, ok, err := s.Free(t.Context(), 2)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, 3, instance)
			s.Close()
			require.Equal(t, []byte{setSessionPrivilege, getActivationStatus, closeSession}, b.requests)
		})
	}
}

func TestSessionIsRefused(t *testing.T) {
	inBubble(t, "by a BMC with another password", func(t *testing.T) {
		b := newFakeBMC(t, 17)
		b.codes.Password = "another"
		_, err := b.open()
		require.ErrorIs(t, err, session.ErrRefused)
	})
	inBubble(t, "because of the level", func(t *testing.T) {
		b := newFakeBMC(t, 17)
		b.answers[setSessionPrivilege] = []byte{0x81}
		_, err := b.open()
		require.ErrorIs(t, err, ErrPrivilege)
	})
	inBubble(t, "by nobody", func(t *testing.T) {
		b := newFakeBMC(t, 17)
		b.dead = true
		start := time.Now()
		_, err := b.open()
		require.ErrorIs(t, err, ErrNoAnswer)
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

func TestActivateIsRefused(t *testing.T) {
	for code, want := range map[byte]error{
		0x80: ErrOccupied, 0x81: ErrDisabled, 0xD4: ErrPrivilege, 0xFF: Code(0xFF),
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newFakeBMC(t, 17)
			b.answers[activatePayload] = []byte{code}
			s, err := b.open()
			require.NoError(t, err)
			_, err = s.Activate(t.Context(), 1)
			require.ErrorIs(t, err, want)
			s.Close()
		})
	}
}

// An instance that is not open is closed already.
func TestDeactivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBMC(t, 17)
		s, err := b.open()
		require.NoError(t, err)
		require.NoError(t, s.Deactivate(t.Context(), 1))
		b.answers[deactivatePayload] = []byte{0x80}
		require.NoError(t, s.Deactivate(t.Context(), 1))
		b.answers[deactivatePayload] = []byte{0xD4}
		require.ErrorIs(t, s.Deactivate(t.Context(), 1), ErrPrivilege)
		s.Close()
	})
}

// A session that ends closes its console, unless another client has done so.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBMC(t, 17)
		s, err := b.open()
		require.NoError(t, err)
		_, err = s.Activate(t.Context(), 1)
		require.NoError(t, err)
		s.Close()
		require.Equal(t, []byte{setSessionPrivilege, activatePayload, deactivatePayload, closeSession}, b.requests)

		b = newFakeBMC(t, 17)
		s, err = b.open()
		require.NoError(t, err)
		c, err := s.Activate(t.Context(), 1)
		require.NoError(t, err)
		b.prints(0, 0, 0, 0x10, "")
		require.ErrorIs(t, c.Run(t.Context(), nil, io.Discard), ErrDeactivated)
		s.Close()
		require.Equal(t, []byte{setSessionPrivilege, activatePayload, closeSession}, b.requests)
	})
}

func TestConsole(t *testing.T) {
	inBubble(t, "types and prints", func(t *testing.T) {
		r := opened(t)
		r.types("ls\r")
		require.Equal(t, "\x01\x00\x00\x00ls\r", r.next())
		r.prints(1, 1, 3, 0, "ls\r\n")
		require.Equal(t, "ls\r\n", r.reads())
		require.Equal(t, "\x00\x01\x04\x00", r.next())
		r.types("a")
		require.Equal(t, "\x02\x00\x00\x00a", r.next())
	})
	inBubble(t, "repeats", func(t *testing.T) {
		r := opened(t)
		r.types("a")
		for range 4 {
			require.Equal(t, "\x01\x00\x00\x00a", r.next())
			r.silent()
			wait(repeatInterval)
		}
		r.next()
		r.prints(0, 1, 1, 0, "")
		wait(repeatInterval)
		r.silent()
	})
	inBubble(t, "splits what is long", func(t *testing.T) {
		r := opened(t)
		r.types(strings.Repeat("x", 251) + "yz")
		require.Equal(t, "\x01\x00\x00\x00"+strings.Repeat("x", 251), r.next())
		r.prints(0, 1, 251, 0, "")
		require.Equal(t, "\x02\x00\x00\x00yz", r.next())
	})
	inBubble(t, "types the rest of what was accepted in part", func(t *testing.T) {
		r := opened(t)
		r.types("abc")
		r.next()
		r.prints(0, 1, 1, 0, "")
		require.Equal(t, "\x02\x00\x00\x00bc", r.next())
		r.prints(0, 1, 1, 0, "") // late: the packet before
		r.silent()
		r.prints(0, 2, 0, 0x40, "")
		require.Equal(t, "\x03\x00\x00\x00bc", r.next())
	})
	inBubble(t, "sends a break", func(t *testing.T) {
		r := opened(t)
		r.input <- Input{Break: true}
		require.Equal(t, "\x01\x00\x00\x10", r.next())
		r.prints(0, 1, 0, 0, "")
		r.types("a")
		require.Equal(t, "\x02\x00\x00\x00a", r.next())
	})
	inBubble(t, "prints a repetition once", func(t *testing.T) {
		r := opened(t)
		r.prints(1, 0, 0, 0, "a")
		require.Equal(t, "a", r.reads())
		require.Equal(t, "\x00\x01\x01\x00", r.next())
		r.prints(1, 0, 0, 0, "a")
		require.Equal(t, "\x00\x01\x01\x00", r.next())
		r.prints(2, 0, 0, 0, "b")
		require.Equal(t, "b", r.reads())
	})
	inBubble(t, "drops a packet that was overtaken", func(t *testing.T) {
		r := opened(t)
		late := r.wire.SOL("\x01\x00\x00\x00a")
		r.prints(1, 0, 0, 0, "a")
		require.Equal(t, "a", r.reads())
		r.next()
		r.prints(2, 0, 0, 0, "b")
		require.Equal(t, "b", r.reads())
		r.next()
		r.toClient <- late
		r.silent()
		r.prints(3, 0, 0, 0, "c")
		require.Equal(t, "c", r.reads())
	})
	inBubble(t, "acknowledges when the output is taken", func(t *testing.T) {
		r := opened(t)
		r.prints(1, 0, 0, 0, "a") // the writer has it
		r.next()
		r.prints(2, 0, 0, 0, "b")
		r.prints(2, 0, 0, 0, "b")
		r.silent()
		require.Equal(t, "a", r.reads())
		require.Equal(t, "\x00\x02\x01\x00", r.next())
		require.Equal(t, "b", r.reads())
	})
	inBubble(t, "is kept alive", func(t *testing.T) {
		r := opened(t)
		r.prepare(getPayloadInstance, "\x00\x44\x33\x22\x11\x01\x00\x00\x00\x00\x00\x00\x00")
		wait(time.Hour)
		require.NotEmpty(t, r.asked())
		require.Empty(t, r.ended)
		r.prints(1, 0, 0, 0, "a")
		require.Equal(t, "a", r.reads())
		r.dies()
		start := time.Now()
		require.ErrorIs(t, r.outcome(), ErrLost)
		require.InDelta(t, 30, time.Since(start).Seconds(), 10)
	})
	inBubble(t, "notices that another session has it", func(t *testing.T) {
		r := opened(t)
		r.prepare(getPayloadInstance, "\x00\x45\x33\x22\x11\x01\x00\x00\x00\x00\x00\x00\x00")
		require.ErrorIs(t, r.outcome(), ErrDeactivated)
	})
	inBubble(t, "is deactivated", func(t *testing.T) {
		r := opened(t)
		r.prints(1, 0, 0, 0, "[console taken by ada]")
		require.Equal(t, "[console taken by ada]", r.reads())
		r.prints(0, 0, 0, 0x10, "")
		require.ErrorIs(t, r.outcome(), ErrDeactivated)
	})
	inBubble(t, "loses the connection", func(t *testing.T) {
		r := opened(t)
		r.toClient <- []byte("no packet")
		wait(0)
		require.Empty(t, r.ended)
		r.output.Close()
		r.prints(1, 0, 0, 0, "a")
		require.ErrorContains(t, r.outcome(), "closed pipe")
	})
	inBubble(t, "leaves when everything was accepted", func(t *testing.T) {
		r := opened(t)
		r.types("exit\r")
		r.next()
		r.prints(0, 1, 2, 0, "")
		close(r.input)
		require.Equal(t, "\x02\x00\x00\x00it\r", r.next())
		require.Empty(t, r.ended)
		r.prints(0, 2, 3, 0, "")
		require.NoError(t, r.outcome())
	})
	inBubble(t, "does not leave before", func(t *testing.T) {
		r := opened(t)
		r.types("exit\r")
		r.next()
		r.dies()
		require.ErrorIs(t, r.outcome(), ErrLost)
	})
}
