// Package activation does for one BMC, in tests, what the administrator and systemd do: it makes the files, binds the
// socket, and has the process started when a datagram waits there. It knows neither which program that is nor what
// ends it. Start reading at New, then BMC.Serve.
package activation

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A BMC is the files and the socket of one BMC.
type BMC struct {
	Dir     string       // of its files
	Env     []string     // what its unit says
	Address *net.UDPAddr // where it listens
	Socket  *os.File

	t    testing.TB
	conn *net.UDPConn // the socket, too
}

// New makes a BMC that listens on a free port of an address, which may have a zone. Of its files, "provider.conf" is its provider,
// "credentials/users" its credentials, and below "runtime" and "state" is what it keeps.
func New(t testing.TB, ip string, files map[string]string) *BMC {
	b := &BMC{Dir: t.TempDir(), t: t}
	for _, dir := range []string{"credentials", "runtime", "state"} {
		require.NoError(t, os.Mkdir(b.Path(dir), 0o700))
	}
	for file, text := range files {
		b.Write(file, text)
	}
	b.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"SHIPMI_NAME=node-0",
		"SHIPMI_PROVIDER=" + b.Path("provider.conf"),
		"CREDENTIALS_DIRECTORY=" + b.Path("credentials"),
		"RUNTIME_DIRECTORY=" + b.Path("runtime"),
		"STATE_DIRECTORY=" + b.Path("state"),
	}
	addr, err := netip.ParseAddr(ip)
	require.NoError(t, err)
	network, level, packetInfo := "udp4", unix.IPPROTO_IP, unix.IP_PKTINFO
	if addr.Is6() {
		network, level, packetInfo = "udp6", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	}
	b.conn, err = net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	require.NoError(t, err)
	b.Address = b.conn.LocalAddr().(*net.UDPAddr)
	b.Socket, err = b.conn.File()
	require.NoError(t, err)
	require.NoError(t, unix.SetsockoptInt(int(b.Socket.Fd()), level, packetInfo, 1)) // PassPacketInfo=yes
	t.Cleanup(func() {
		b.Socket.Close()
		b.conn.Close()
	})
	return b
}

// Path is where a file is.
func (b *BMC) Path(file string) string { return filepath.Join(b.Dir, file) }

// Read returns what is in a file.
func (b *BMC) Read(file string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.Path(file))
	require.NoError(b.t, err)
	return string(text)
}

// Write replaces what is in a file.
func (b *BMC) Write(file, text string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(b.Path(file), []byte(text), 0o600))
}

// Command is a process of the BMC, that has not been started.
func (b *BMC) Command(program string) *exec.Cmd { return Command(program, b.Env, b.Socket) }

// Command is a program with an environment and with sockets, as systemd passes them.
func Command(program string, env []string, sockets ...*os.File) *exec.Cmd {
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, program)
	cmd.Env = append([]string{fmt.Sprintf("LISTEN_FDS=%d", len(sockets))}, env...)
	cmd.ExtraFiles = sockets
	return cmd
}

// Serve calls run, which is to run a process to its end, whenever a datagram waits. When the test ends it calls end,
// for a process that runs by then, and waits.
func (b *BMC) Serve(run, end func()) {
	arrived := func(fd uintptr) bool {
		_, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return err == nil
	}
	raw, err := b.conn.SyscallConn()
	require.NoError(b.t, err)
	var served sync.WaitGroup
	served.Go(func() {
		for raw.Read(arrived) == nil {
			run()
		}
	})
	b.t.Cleanup(func() {
		_ = b.conn.SetReadDeadline(time.Unix(1, 0))
		end()
		served.Wait()
	})
}
