//go:build e2e

package crash

import (
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// losing returns where a proxy of the BMC listens, which drops one packet: the first in a session that the BMC sends
// while lose is true.
func (h *host) losing(lose func() bool) (address string, port int) {
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: h.Address.IP})
	require.NoError(h.t, err)
	back, err := net.DialUDP("udp4", nil, h.Address)
	require.NoError(h.t, err)
	h.t.Cleanup(func() {
		front.Close()
		back.Close()
	})
	var client atomic.Pointer[netip.AddrPort]
	go func() {
		for b := make([]byte, 1024); ; {
			n, from, err := front.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			client.Store(&from)
			_, _ = back.Write(b[:n])
		}
	}()
	go func() {
		const kind, sealed = 5, 0xC0
		lost := false
		for b := make([]byte, 1024); ; {
			n, err := back.Read(b)
			if err != nil {
				return
			}
			if !lost && b[kind] == sealed && lose() {
				lost = true
				continue
			}
			_, _ = front.WriteToUDPAddrPort(b[:n], *client.Load())
		}
	}()
	to := front.LocalAddr().(*net.UDPAddr)
	return to.IP.String(), to.Port
}

// FreeIPMI changes the request sequence number of a retransmission. It can be told to wait longer for an answer than for
// its default second.
func TestFreeIPMIThatWaitsFourSecondsResetsOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.stays()
	h.Env = append(h.Env, "SHIPMI_ANSWER_TIMEOUT=10s") // not before the reset has been done
	h.serve()
	address, port := h.losing(func() bool { return h.runs("power-reset") > 0 })
	said, err := exec.Command("ipmi-chassis", "-D", "LAN_2_0", "-h", address+":"+strconv.Itoa(port), "-u", "admin", "-p", "correct horse",
		"--retransmission-timeout=4000", "--session-timeout=20000", "--chassis-control=HARD-RESET").CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Empty(t, said)
	require.Equal(t, 1, h.runs("power-reset"))
}

// A person who resets the machine a second time six seconds later means it.
func TestSameResetSixSecondsLaterIsAnother(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.stays()
	c := loggedIn(t, h)
	require.True(t, c.act("power-reset", chassis, chassisControl, 3))
	require.True(t, h.sleeps(6*time.Second))
	require.True(t, c.act("power-reset", chassis, chassisControl, 3))
}

// A person who types a command again within 5 s gets one run, because FreeIPMI's retransmissions look the same. Another
// command in between, or 6 s, make it a second one: docs/how-it-works.md says so.
func TestSameCommandTypedAgainInIpmitoolShell(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.stays()
	h.serve()
	_, stdin, said := h.shell()
	resets := 0
	types := func(command string) {
		_, err := stdin.Write([]byte(command + "\n"))
		require.NoError(t, err)
		if command == "power reset" {
			resets++
		}
		answered := func() bool { return strings.Count(said.String(), "Chassis Power Control: Reset\n") == resets }
		require.Eventually(t, answered, 10*time.Second, 10*time.Millisecond, "%s", said)
	}
	types("power reset")
	types("power reset")
	require.Equal(t, 1, h.runs("power-reset"))
	types("power status")
	types("power reset")
	require.Equal(t, 2, h.runs("power-reset"))
	require.True(t, h.sleeps(6*time.Second))
	types("power reset")
	require.Equal(t, 3, h.runs("power-reset"))
}
