package lan

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/serial"
	"github.com/shipmi/shipmi/internal/session"
	"github.com/shipmi/shipmi/test/console"
)

// maxAllocs is for one datagram, from the socket and back into it: one for what the
// handler answers, and one for what it may keep of the request.
const maxAllocs = 2

func TestAllocationsOfADatagram(t *testing.T) {
	for _, suite := range []byte{3, 17} {
		t.Run(fmt.Sprint("suite ", suite), func(t *testing.T) {
			const runs = 200
			c, exchange := serveOverUDP(t, suite)
			requests := deviceIDs(c, runs+1) // AllocsPerRun has one run more
			allocs := testing.AllocsPerRun(runs, func() {
				exchange(requests[0])
				requests = requests[1:]
			})
			require.LessOrEqual(t, allocs, float64(maxAllocs))
		})
	}
}

// BenchmarkDatagram is what a warm command without a script costs: the system calls of
// both ends, and all that the server does in between.
func BenchmarkDatagram(b *testing.B) {
	for _, suite := range []byte{3, 17} {
		b.Run(fmt.Sprint("suite=", suite), func(b *testing.B) {
			c, exchange := serveOverUDP(b, suite)
			requests := deviceIDs(c, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			for _, r := range requests {
				exchange(r)
			}
		})
	}
}

// deviceIDs are the next requests of a session, all Get Device ID.
func deviceIDs(c *console.Console, n int) [][]byte {
	var all [][]byte
	for i := range n {
		all = append(all, c.Packet(console.Request(0x06, 0x01, byte(i%rqSeqs))))
	}
	return all
}

// serveOverUDP serves a BMC in real time and over a real socket. It returns a console
// that has logged in, and what sends a datagram and takes one answer.
func serveOverUDP(t testing.TB, suite byte) (*console.Console, func([]byte) []byte) {
	dir, begin, log := t.TempDir(), time.Now(), slog.New(slog.DiscardHandler)
	clock := func() time.Duration { return time.Since(begin) }
	table, err := session.NewTable(dir, session.Config{
		Users:   []session.User{{ID: 2, Name: "admin", Limit: rmcp.Administrator, Password: func() []byte { return []byte(password) }}},
		Kg:      func() []byte { return nil },
		Suites:  []rmcp.Suite{rmcp.Suite3, rmcp.Suite17},
		Timeout: time.Minute,
		Random:  rand.NewChaCha8([32]byte{}),
		Log:     log,
	}, clock())
	require.NoError(t, err)
	sockets := listen(t, "127.0.0.1")
	served := bmc.New(bmc.Config{
		Machine: &machine.Machine{Log: log},
		Actions: &actionlog.Log{Dir: dir},
		Logins:  media.Logins{Dir: dir},
		Save:    func(machine.State) error { return nil },
		Idle:    time.Minute,
		Clock:   clock,
		Status:  func(string) {},
		Log:     log,
	})
	port := serial.Open(serial.Config{Dir: dir, Now: served.Uptime}, 0)
	require.NoError(t, err)
	front := NewServer(sockets, served, table, &ipmi.BMC{Machine: served.Machine, Log: log}, port)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- served.Run(ctx, front) }()

	client := dial(t, sockets.all[0])
	require.NoError(t, client.SetDeadline(time.Now().Add(time.Minute)))
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, table.Close())
	})
	answer := make([]byte, maxDatagram)
	exchange := func(request []byte) []byte {
		_, err := client.Write(request)
		if err != nil {
			t.Fatal(err)
		}
		n, err := client.Read(answer)
		if err != nil {
			t.Fatal(err)
		}
		return answer[:n]
	}
	c := console.New(t, suite)
	c.Login(exchange)
	return c, exchange
}
