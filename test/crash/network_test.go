//go:build e2e

package crash

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// enterNetwork has the test go on in a network namespace of its own, with the links that the lines for "ip -batch" make.
// Processes that it starts itself are there too, and those of a host that is told to join.
func enterNetwork(t *testing.T, links string) (join func(h *host)) {
	const ofThread = "/proc/thread-self/ns/net"
	runtime.LockOSThread()
	before, err := os.Open(ofThread)
	require.NoError(t, err)
	require.NoError(t, unix.Unshare(unix.CLONE_NEWNET))
	here, err := os.Open(ofThread)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, unix.Setns(int(before.Fd()), unix.CLONE_NEWNET))
		runtime.UnlockOSThread()
		before.Close()
		here.Close()
	})
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader("link set lo up\n" + links)
	said, err := ip.CombinedOutput()
	require.NoError(t, err, "%s", said)
	return func(h *host) {
		h.wrap(fmt.Sprintf("exec nsenter --net=/proc/%d/fd/%d %s", os.Getpid(), here.Fd(), program(t, "v1.0")))
	}
}

// A host of virtual machines has an interface for each, and more. That costs the client nothing that it would notice.
func TestLanPrintIsFastWithManyInterfaces(t *testing.T) {
	limit := time.Minute
	for _, interfaces := range []int{0, 200, 1000} {
		t.Run(strconv.Itoa(interfaces), func(t *testing.T) {
			links := &bytes.Buffer{}
			for i := range interfaces / 2 { // pairs: the kernel takes half a minute to remove a thousand bridges
				fmt.Fprintf(links, "link add guest%d type veth peer name host%[1]d\naddr add 10.%d.%d.1/24 dev host%[1]d\n", i, i/250, i%250)
			}
			fmt.Fprintf(links, "link add lan0 address 02:00:5e:10:00:01 type bridge\naddr add 192.0.2.1/24 dev lan0\nlink set lan0 up\n")
			join := enterNetwork(t, links.String())
			h := newHostAt(t, "192.0.2.1")
			join(h)
			h.stays()
			h.serve()
			newClient(t, h, false).pings() // the process has started

			var took time.Duration
			quickly(t, limit, func() time.Duration {
				ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
				defer stop()
				began := time.Now()
				lan := exec.CommandContext(ctx, "ipmitool", "-I", "lanplus", "-H", "192.0.2.1", "-p", strconv.Itoa(h.Address.Port),
					"-U", "admin", "-P", "correct horse", "lan", "print", "1")
				printed, err := lan.Output()
				took = time.Since(began)
				require.NoError(t, err, took)
				require.Contains(t, string(printed), "IP Address              : 192.0.2.1\n")
				require.Contains(t, string(printed), "Subnet Mask             : 255.255.255.0\n")
				require.Contains(t, string(printed), "MAC Address             : 02:00:5e:10:00:01\n")
				return took
			})
			if interfaces == 0 { // on a machine that is not busy otherwise, it is 40 ms
				limit = max(100*time.Millisecond, 2*took)
			}
			t.Logf("%v, and %v is the limit for more interfaces", took, limit)
		})
	}
}

// An address of a link means nothing without its zone. The log of the next process has it too.
func TestZoneOfALinkLocalClientOutlivesTheProcess(t *testing.T) {
	join := enterNetwork(t, "link add lan0 address 02:00:5e:10:00:01 type bridge\nlink set lan0 up\naddr add fe80::1/64 dev lan0 nodad\n")
	h := newHostAt(t, "fe80::1%lan0")
	join(h)
	h.stays()
	h.Env = append(h.Env, "SHIPMI_SESSION_TIMEOUT=300ms")
	c := loggedIn(t, h)
	peer := c.conn.LocalAddr().(*net.UDPAddr)
	require.Equal(t, "lan0", peer.Zone)
	h.kill(syscall.SIGKILL)
	require.Eventually(t, func() bool { return h.deaths.Load() == 1 }, 10*time.Second, time.Millisecond)
	other := newClient(t, h, false)
	require.Eventually(t, func() bool {
		other.pings()
		return strings.Contains(h.log.String(), "session timed out")
	}, 10*time.Second, 50*time.Millisecond)
	require.Regexp(t, `session timed out .*\[fe80::1%(lan0|2)\]:`+strconv.Itoa(peer.Port), h.log.String(), "the link has the number 2")
}
