package main

import (
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
)

// ipmitool is the time of a whole "ipmitool power status": of everybody, of ours with no process to begin with, and
// of ipmitool alone, which is what is left without the time for which it waits.
func (b *bench) ipmitool() {
	relay, waited := newRelay(b.shipmi().addr)
	for range max(1, b.activations/4) {
		for _, p := range b.peers {
			if !p.isEcho {
				b.add("ipmitool/warm", p.name, "ms", milliseconds(powerStatus(p.addr)))
			}
		}
		waited.Store(0)
		took := powerStatus(relay)
		b.add("ipmitool/alone", "ipmitool", "ms", milliseconds(took-time.Duration(waited.Load())))

		run("systemctl", "stop", "shipmi-bmc@bench.service")
		b.add("ipmitool/cold", shipmi, "ms", milliseconds(powerStatus(b.shipmi().addr)))
	}
}

// settled is how long systemd has for what is left to do of a start, or of a stop, before the next program is measured.
const settled = 100 * time.Millisecond

// powerStatus uses a cipher suite that everybody has.
func powerStatus(addr string) time.Duration {
	host, port, _ := strings.Cut(addr, ":")
	time.Sleep(settled)
	start := time.Now()
	said := run("ipmitool", "-I", "lanplus", "-C", "3", "-H", host, "-p", port, "-U", "admin", "-P", password,
		"power", "status")
	took := time.Since(start)
	require.Equal(must, "Chassis Power is on", said)
	return took
}

// newRelay stands between one client and a BMC, and adds up the time from each request to its answer.
func newRelay(to string) (addr string, waited *atomic.Int64) {
	front, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(must, err)
	back, err := net.Dial("udp", to)
	require.NoError(must, err)
	waited = new(atomic.Int64)
	go func() {
		b := make([]byte, 1024)
		for {
			n, client, err := front.ReadFrom(b)
			require.NoError(must, err)
			start := time.Now()
			_, err = back.Write(b[:n])
			require.NoError(must, err)
			n, err = back.Read(b)
			require.NoError(must, err)
			waited.Add(int64(time.Since(start)))
			_, err = front.WriteTo(b[:n], client)
			require.NoError(must, err)
		}
	}()
	return front.LocalAddr().String(), waited
}
