//go:build e2e

package flood

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/test/activation"
)

// receiveBuffer is ReceiveBuffer= of the socket unit.
const receiveBuffer = 8 << 20

// A server is the real program with its sockets, as systemd starts it.
type server struct {
	addr    netip.AddrPort
	https   netip.AddrPort // of Redfish
	pid     int
	logFile string
}

const provider = `[POWER]
status=echo off
on=true
off=true
`

func start(t *testing.T) *server {
	b := activation.New(t, "0.0.0.0", map[string]string{
		"provider.conf":     provider,
		"credentials/users": `{"users":[{"name":"admin","password":"sesame","privilege":"administrator"}]}`,
	})
	https, _ := b.ListenForRedfish()
	bin := b.Path("shipmi-bmc")
	out, err := exec.Command("go", "build", "-o", bin, "../../cmd/shipmi-bmc").CombinedOutput()
	require.NoError(t, err, "%s", out)
	socket := int(b.Socket.Fd())
	require.NoError(t, unix.SetsockoptInt(socket, unix.IPPROTO_IP, unix.IP_PKTINFO, 1))
	require.NoError(t, unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer), "this takes root")

	s := &server{logFile: b.Path("log")}
	log, err := os.Create(s.logFile)
	require.NoError(t, err)
	defer log.Close()
	cmd := b.Command(bin)
	cmd.Stderr = log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s.pid = cmd.Process.Pid
	localhost := netip.MustParseAddr("127.0.0.1")
	s.addr = netip.AddrPortFrom(localhost, b.Address.AddrPort().Port())
	s.https = netip.AddrPortFrom(localhost, https.Port())
	return s
}

// port puts the ports of the server into a text.
func (s *server) port(text string) string {
	of := func(at netip.AddrPort) string { return strconv.Itoa(int(at.Port())) }
	return strings.NewReplacer("PORT", of(s.addr), "HTTPS", of(s.https)).Replace(text)
}

// memory is what the process has of it, in MiB.
type memory struct{ resident, peak float64 }

func (s *server) memory(t *testing.T) memory {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	require.NoError(t, err)
	kib := func(field string) float64 {
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); words[0] == field {
				n, err := strconv.Atoi(words[1])
				require.NoError(t, err)
				return float64(n) / 1024
			}
		}
		require.Fail(t, "no "+field)
		return 0
	}
	return memory{kib("VmRSS:"), kib("VmHWM:")}
}

// processor is the processor time that the process has used.
func (s *server) processor(t *testing.T) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	require.NoError(t, err)
	var user, system int // in ticks of 10 ms
	_, rest, _ := strings.Cut(string(text), ") ")
	_, err = fmt.Sscanf(strings.Join(strings.Fields(rest)[11:13], " "), "%d %d", &user, &system)
	require.NoError(t, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// dropped is how many datagrams the kernel did not deliver, because they were noise or the socket was full.
func (s *server) dropped(t *testing.T) int {
	text, err := os.ReadFile("/proc/net/udp")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); strings.HasSuffix(words[1], fmt.Sprintf(":%04X", s.addr.Port())) {
			n, err := strconv.Atoi(words[len(words)-1])
			require.NoError(t, err)
			return n
		}
	}
	require.Fail(t, "no such socket")
	return 0
}

// log is what the program has logged, but for what clients caused that logged in.
func (s *server) log(t *testing.T) (lines []string) {
	text, err := os.ReadFile(s.logFile)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "<6>") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
