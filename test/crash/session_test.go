//go:build e2e

package crash

import (
	"bytes"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A user with too many open sessions takes room from that user only.
func TestSessionsThatOneUserLeavesOpenKeepNobodyElseOut(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.stays()
	before := loggedIn(t, h)
	forgetful := newClient(t, h, false)
	for range 200 {
		forgetful.login("oper", "battery staple", 3)
	}
	after := newClient(t, h, false)
	after.admin()
	require.Equal(t, "\x00", before.ask(app, getDeviceID)[:1], "a session from before")
	require.Equal(t, "\x00", after.ask(app, getDeviceID)[:1])
	require.Equal(t, "\x00", forgetful.ask(app, getDeviceID)[:1], "the last of them")
}

// A client that asks for more than its user may have gets a session at the user's limit, and is told when it asks for more
// in there.
func TestSessionOfARoleAboveTheLimitHasTheLimit(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.serve()
	c := newClient(t, h, false)
	c.loginAs("oper", "battery staple", 4)
	const operator, administrator = 3, 4
	require.Equal(t, "\x81", c.ask(app, setPrivilege, administrator), "above the limit (IPMI 2.0 §22.18)")
	require.Equal(t, "\x00\x03", c.ask(app, setPrivilege, operator))
	require.Equal(t, "\xD4", c.ask(app, setPassword, userPassword(operID, newPassword)...), "insufficient privilege")
	require.True(t, c.act("power-reset", chassis, chassisControl, 3))
}

// Clients that ask for an administrator's session unless they are told otherwise.
func TestClientsOfAnOperatorThatAskForAnAdministrator(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.stays()
	h.serve()
	address, port := h.Address.IP.String(), strconv.Itoa(h.Address.Port)

	t.Run("pyghmi logs in", func(t *testing.T) {
		python := exec.Command("/usr/bin/python3", "-", address, port)
		python.Stdin = strings.NewReader(`
import sys
from pyghmi.ipmi import command
bmc = command.Command(bmc=sys.argv[1], port=int(sys.argv[2]), userid="oper", password="battery staple")
print(bmc.get_power())
print(bmc.set_power("reset"))
bmc.ipmi_session.logout()
`)
		said, err := python.CombinedOutput()
		require.NoError(t, err, "%s", said)
		require.Contains(t, string(said), "{'powerstate': 'on'}\n")
		require.Equal(t, 1, h.runs("power-reset"))
	})
	for _, client := range [][]string{
		{"ipmitool", "-I", "lanplus", "-H", address, "-p", port, "-U", "oper", "-P", "battery staple", "power", "status"},
		{"ipmi-chassis", "-D", "LAN_2_0", "-l", "ADMIN", "-h", address + ":" + port, "-u", "oper", "-p", "battery staple", "--get-chassis-status"},
	} {
		t.Run(client[0]+" says that the privilege level is the problem", func(t *testing.T) {
			said, err := exec.Command(client[0], client[1:]...).CombinedOutput()
			require.Error(t, err)
			require.Regexp(t, `(?i)privilege level`, string(said))
		})
	}
}

// A presence ping whose length field says more than there is, is damaged.
func TestPresencePingWithTooLargeALengthIsDropped(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.serve()
	c := newClient(t, h, false)
	const tag, length = 9, 11
	bad := bytes.Clone(ping)
	bad[tag], bad[length] = 1, 1
	good := bytes.Clone(ping)
	good[tag] = 2
	for _, datagram := range [][]byte{bad, good} {
		_, err := c.conn.Write(datagram)
		require.NoError(t, err)
	}
	pong := c.receive(patience * tries)
	require.NotNil(t, pong)
	require.Equal(t, good[tag], pong[tag])
}
