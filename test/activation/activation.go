// Package activation does for one BMC, in tests, what the administrator and systemd do: it makes the files, binds the
// sockets, and has the process started when a datagram or a connection waits there. It knows neither which program that is nor
// what ends it. Start reading at New, then BMC.Serve.
package activation

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/certificate"
)

// A BMC is the files and the socket of one BMC.
type BMC struct {
	Dir     string       // of its files
	Env     []string     // what its unit says
	Address *net.UDPAddr // where it listens for IPMI
	Socket  *os.File
	Redfish *os.File // nil: it has no Redfish

	t testing.TB
}

// New makes a BMC that listens on a free port of an address, which may have a zone. Of its files, "provider.conf" is its provider,
// "credentials/users" its credentials, and below "runtime" and "state" is what it keeps.
func New(t testing.TB, ip string, files map[string]string) *BMC {
	addr, err := netip.ParseAddr(ip)
	require.NoError(t, err)
	return NewAt(t, netip.AddrPortFrom(addr, 0), files)
}

// NewAt makes a BMC like New, at an address and port.
func NewAt(t testing.TB, at netip.AddrPort, files map[string]string) *BMC {
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
	network, level, packetInfo := "udp4", unix.IPPROTO_IP, unix.IP_PKTINFO
	if at.Addr().Is6() {
		network, level, packetInfo = "udp6", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
	require.NoError(t, err)
	defer conn.Close()
	b.Address = conn.LocalAddr().(*net.UDPAddr)
	b.Socket, err = conn.File()
	require.NoError(t, err)
	require.NoError(t, unix.SetsockoptInt(int(b.Socket.Fd()), level, packetInfo, 1)) // PassPacketInfo=yes
	t.Cleanup(func() { b.Socket.Close() })
	return b
}

// ListenForRedfish adds Redfish to a BMC, at another port, and makes its certificate. It returns the address, and what clients
// must trust.
func (b *BMC) ListenForRedfish() (at netip.AddrPort, trusted *x509.CertPool) {
	addr, network := b.Address.AddrPort().Addr().Unmap(), "tcp4"
	if addr.Is6() {
		network = "tcp6"
	}
	l, err := net.ListenTCP(network, net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	require.NoError(b.t, err)
	defer l.Close()
	b.Redfish, err = l.File()
	require.NoError(b.t, err)
	b.t.Cleanup(func() { b.Redfish.Close() })

	cert, key, err := certificate.Create(nil, []netip.Addr{addr}, time.Now())
	require.NoError(b.t, err)
	b.Write("credentials/tls.crt", string(cert))
	b.Write("credentials/tls.key", string(key))
	trusted = x509.NewCertPool()
	require.True(b.t, trusted.AppendCertsFromPEM(cert))
	return l.Addr().(*net.TCPAddr).AddrPort(), trusted
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
func (b *BMC) Command(program string) *exec.Cmd { return Command(program, b.Env, b.sockets()...) }

func (b *BMC) sockets() []*os.File {
	if b.Redfish == nil {
		return []*os.File{b.Socket}
	}
	return []*os.File{b.Socket, b.Redfish}
}

// Command is a program with an environment and with sockets, as systemd passes them.
func Command(program string, env []string, sockets ...*os.File) *exec.Cmd {
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, program)
	cmd.Env = append([]string{fmt.Sprintf("LISTEN_FDS=%d", len(sockets))}, env...)
	cmd.ExtraFiles = sockets
	return cmd
}

// Serve calls run, which is to run a process to its end, whenever a datagram or a connection waits. When the test ends it
// calls end, for a process that runs by then, and waits.
func (b *BMC) Serve(run, end func()) {
	var waits []unix.PollFd
	for _, socket := range b.sockets() {
		waits = append(waits, unix.PollFd{Fd: int32(socket.Fd()), Events: unix.POLLIN})
	}
	over, w, err := os.Pipe()
	require.NoError(b.t, err)
	waits = append(waits, unix.PollFd{Fd: int32(over.Fd()), Events: unix.POLLIN})
	var served sync.WaitGroup
	served.Go(func() {
		for {
			if _, err := unix.Poll(waits, -1); err != nil && err != unix.EINTR {
				panic(err)
			}
			if waits[len(waits)-1].Revents != 0 {
				return
			}
			if slices.ContainsFunc(waits, func(p unix.PollFd) bool { return p.Revents != 0 }) {
				run()
			}
		}
	})
	b.t.Cleanup(func() {
		w.Close()
		end()
		served.Wait()
		over.Close()
	})
}
