package main

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// newClient returns a client in a session with a BMC that is a function from requests to answers, in plain text.
func newClient(t *testing.T, answer func(request string) []string) *client {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	c := dial(peer{name: "BMC", addr: conn.LocalAddr().String()}, 17)
	t.Cleanup(c.socket.close)
	c.Console = console.New(t, 17)
	c.SIDc, c.K1, c.K2 = 0xB1B2B3B4, bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)

	bmc := console.New(t, 17)
	bmc.SIDm, bmc.SIDc, bmc.K1, bmc.K2 = c.SIDc, c.SIDm, c.K1, c.K2
	go func() {
		for b := make([]byte, 1024); ; {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return // the end of the test
			}
			_, request := bmc.Read(b[:n])
			for _, text := range answer(request) {
				_, _ = conn.WriteTo(bmc.Packet(text), from)
			}
		}
	}()
	return c
}

// deviceID is an answer to Get Device ID.
func deviceID(request string, completionCode byte) string {
	return console.Request(request[1]>>2|1, request[5], request[4]>>2, append([]byte{completionCode}, make([]byte, 11)...)...)
}

func TestTalk(t *testing.T) {
	c := newClient(t, func(request string) []string { return []string{deviceID(request, 0)} })
	d := talk{sessions: []*client{c, c}, code: getDeviceID}
	for range 3 {
		before := c.Sequence
		d.prepare(150)
		took, conversed := converse([][]exchange{d.exchanges()}, 100, time.Minute)
		require.Len(t, took, 100)
		require.Positive(t, conversed)
		require.NoError(t, d.check())
		require.Equal(t, before+100, c.Sequence, "what was not sent leaves no gap")
	}
}

func TestUnanswered(t *testing.T) {
	var withheld []string
	c := newClient(t, func(request string) []string {
		answers := append(withheld, deviceID(request, 0))
		if withheld == nil {
			withheld = answers
			return nil
		}
		return answers
	})
	d := talk{sessions: []*client{c}, code: getDeviceID}
	d.prepare(10)
	before := unanswered
	took, _ := converse([][]exchange{d.exchanges()}, 5, time.Minute)
	require.NoError(t, d.check(), "a late answer is not that to the next request")
	require.Equal(t, 1, unanswered-before)
	require.Len(t, took, 5)
	require.Greater(t, took[0], milliseconds(patience))
	require.Less(t, took[1], milliseconds(patience))
}

func TestWrongAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		wrong func(request string) string
		want  string
	}{
		"completion code": {func(r string) string { return deviceID(r, 0xC1) }, "BMC: command 0601: completion code c1"},
		"too short":       {func(r string) string { return console.Request(7, r[5], r[4]>>2, 0, 32) }, "BMC: command 0601: too short"},
		"another command": {func(r string) string { return console.Request(7, 2, r[4]>>2, make([]byte, 12)...) }, "BMC: command 0601: answer to another"},
		"a request":       {func(r string) string { return console.Request(6, 1, r[4]>>2, make([]byte, 12)...) }, "BMC: command 0601: answer to another"},
	} {
		t.Run(name, func(t *testing.T) {
			times := 0
			c := newClient(t, func(request string) []string {
				if times++; times == 7 {
					return []string{tt.wrong(request)}
				}
				return []string{deviceID(request, 0)}
			})
			d := talk{sessions: []*client{c}, code: getDeviceID}
			converse([][]exchange{d.exchanges()}, 10, time.Minute)
			require.ErrorContains(t, d.check(), tt.want)
		})
	}
}

// A failing is a test that notes that it fails, and goes on.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Helper()               {}
func (f *failing) Errorf(string, ...any) { f.failed = true }
func (f *failing) FailNow()              {}

func TestForgedAnswer(t *testing.T) {
	c := newClient(t, func(request string) []string { return []string{deviceID(request, 0)} })
	d := talk{sessions: []*client{c}, code: getDeviceID}
	converse([][]exchange{d.exchanges()}, 10, time.Minute)
	f := &failing{TB: t}
	keys := *c.Console
	c.Console = console.New(f, 17)
	c.SIDc, c.SIDm, c.K1, c.K2 = keys.SIDc, keys.SIDm, keys.K1, keys.K2

	answer := d.requests[3].answer
	answer[len(answer)-1] ^= 1
	require.NoError(t, d.check())
	require.True(t, f.failed)
}

func TestConverseSideBySide(t *testing.T) {
	var all [][]exchange
	var talks []*talk
	for range 8 {
		c := newClient(t, func(request string) []string { return []string{deviceID(request, 0)} })
		talks = append(talks, &talk{sessions: []*client{c}, code: getDeviceID})
		all = append(all, talks[len(talks)-1].exchanges())
	}
	took, conversed := converse(all, 1<<20, 50*time.Millisecond)
	require.Greater(t, len(took), 8)
	require.GreaterOrEqual(t, conversed, 50*time.Millisecond)
	for _, d := range talks {
		require.NotEmpty(t, d.requests, "nobody waits for the others")
		require.NoError(t, d.check())
	}
}

func TestBusy(t *testing.T) {
	before := busy(self)
	for busy(self) == before {
	}
	require.Less(t, busy(self)-before, time.Minute)
}
