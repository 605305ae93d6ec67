//go:build e2e

package clients

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A guest reaches its BMC by the protocol of QEMU's external BMC, which OpenIPMI has defined. These tests compare ShIPMI with
// two other implementations of the protocol: the simulator of OpenIPMI as a server, and go-ipmi as a client.

// Bytes that end a frame of the protocol.
const (
	endOfMessage = 0xA0
	endOfCommand = 0xA1
)

// How much of two responses must be the same.
type extent int

const (
	whole     extent = iota // every byte
	toCode                  // sequence number, network function, command and completion code
	toCommand               // the same without the completion code: one of the two has no such command or channel
)

// exchanges are frames and how much of the responses must be the same. Those with the sequence numbers 00 to 0c are what
// Debian's kernel 6.1 sends while it loads ipmi_si.
var exchanges = []struct {
	frame string
	equal extent
	about string
}{
	{"00 18 01 e7 a0", toCode, "Get Device ID"},
	{"01 18 2f b8 a0", whole, "Get BMC Global Enables"},
	{"02 18 2f b7 a0", whole, "Get BMC Global Enables"},
	{"03 18 2e 09 ae a0", whole, "Set BMC Global Enables: the interrupt is switched on before the response"},
	{"04 18 2f b5 a0", whole, "Get BMC Global Enables"},
	{"05 18 2e 0d a8 a0", whole, "Set BMC Global Enables: event message buffer"},
	{"06 18 30 08 aa ba a0", whole, "Clear Message Flags, checksum aa"},
	{"07 18 08 d9 a0", toCommand, "Get Device GUID"},
	{"08 18 2f b1 a0", whole, "Get BMC Global Enables, the checksum of the response is a0"},
	{"09 18 2e 0f a2 a0", whole, "Set BMC Global Enables: interrupt for events"},
	{"0a 18 35 a9 a0", whole, "Read Event Message Buffer: empty"},
	{"0b 18 01 dc a0", toCode, "Get Device ID"},
	{"0c 18 42 00 9a a0", toCommand, "Get Channel Info 0"},
	{"0d 18 42 01 98 a0", whole, "Get Channel Info 1"},
	{"1a 18 42 0e 7e a0", toCode, "Get Channel Info E"},
	{"1b 18 42 0f 7c a0", toCode, "Get Channel Info F"},

	{"20 18 31 97 a0", whole, "Get Message Flags: none"},
	{"21 18 33 94 a0", whole, "Get Message: none"},
	{"22 18 22 a4 a0", whole, "Reset Watchdog Timer before it was set"},
	{"23 18 24 04 00 00 00 aa b0 aa ba 53 a0", toCode, "Set Watchdog Timer, a count of special bytes"},
	{"24 18 25 9f a0", toCode, "Get Watchdog Timer, which returns these bytes; the simulator leaves out the present count"},
	{"25 18 24 9f a0", whole, "Set Watchdog Timer without data"},
	{"26 18 2e 94 a0", whole, "Set BMC Global Enables without data"},
	{"27 28 43 00 00 34 12 00 ff 29 a0", whole, "Get SEL Entry, which does not exist"},
	{"28 18 aa b0 aa b0 aa b1 aa ba 35 a0", whole, "an unknown command of special bytes"},
	{"29 c0 aa b1 01 75 a0", whole, "an unknown network function"},
	{"2a 00 01 d5 a0", toCode, "Get Chassis Status"},
	{"2b 28 42 6b a0", toCode, "Reserve SEL"},
	{"2c 28 44 00 00 02 00 00 00 00 aa b1 aa b0 04 aa ba 30 01 b0 b1 ba 2b a0", toCode, "Add SEL Entry, special bytes"},
	{"2d 28 22 89 a0", toCode, "Reserve SDR Repository"},
	{"2e 18 2e 08 84 a0", whole, "Set BMC Global Enables: the interrupt is switched off"},

	{"aa b0 18 2f 19 a0", whole, "sequence number a0"},
	{"aa b1 18 2f 18 a0", whole, "sequence number a1"},
	{"aa ba 18 2f 0f a0", whole, "sequence number aa"},
	{"0f 18 2f aa ba a0", whole, "checksum aa"},
	{"18 18 2f aa b1 a0", whole, "checksum a1"},
	{"19 18 2f aa b0 a0", whole, "checksum a0"},

	// A frame without a response, and then one that has a response.
	{"30 18 01 b8 a0 31 18 2f 88 a0", whole, "a wrong checksum"},
	{"32 18 01 a0 33 18 2f 86 a0", whole, "no checksum"},
	{"34 aa a0 35 18 2f 84 a0", whole, "an escaped end"},
	{"a0 37 18 2f 82 a0", whole, "an empty frame"},
	{"7f a1 39 18 2f 80 a0", whole, "a command of the protocol that is unknown"},
}

func TestInband(t *testing.T) {
	simulated, own := dial(t, simulator(t)), dial(t, inbandSocket(t))
	for _, w := range []wire{simulated, own} {
		w.ask(t, "7e 18 01 69 a0") // ShIPMI says before that there are no interrupts
	}
	for _, x := range exchanges {
		t.Run(x.frame, func(t *testing.T) {
			want, wantCommands := simulated.ask(t, x.frame)
			got, commands := own.ask(t, x.frame)
			require.Equal(t, wantCommands, commands, x.about)
			switch x.equal {
			case whole:
				require.Equal(t, want, got, x.about)
			case toCode:
				require.Equal(t, body(t, want)[:4], body(t, got)[:4], x.about)
			case toCommand:
				require.Equal(t, body(t, want)[:3], body(t, got)[:3], x.about)
			}
		})
	}
}

// go-ipmi's client takes a command of the protocol for the beginning of a response, so it gets no commands here.
func TestInbandOfGoIPMI(t *testing.T) {
	simulated, own := withoutCommands(t, simulator(t)), withoutCommands(t, inbandSocket(t))
	ask := func(socket, request string) string {
		words := append([]string{"-socket", socket}, strings.Fields(request)...)
		out, err := exec.Command("goipmi-vmprobe", words...).CombinedOutput()
		if err != nil {
			return string(out) + err.Error()
		}
		return string(out)
	}
	for _, request := range []string{
		"-netfn 0x06 -cmd 0x2f",
		"-netfn 0x06 -cmd 0x2e -data 0x0f",
		"-netfn 0x06 -cmd 0x2f",
		"-netfn 0x06 -cmd 0x35",
		"-netfn 0x06 -cmd 0x42 -data 1",
		"-netfn 0x0a -cmd 0x43 -data 0,0,0x34,0x12,0,0xff",
		"-netfn 0x06 -cmd 0xa0 -data 0xa0,0xa1,0xaa",
	} {
		require.Equal(t, ask(simulated, request), ask(own, request), request)
	}
	require.Regexp(t, `^completion code: 0x00\nresponse \(11 bytes\): 20 01 `, ask(own, "-netfn 6 -cmd 1"))
	require.Equal(t, "completion code: 0x00\nresponse (0 bytes): \n", ask(own, "-netfn 0 -cmd 2 -data 1"))
	out, err := exec.Command("sh", "-c", ipmitoolAs+" power status").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "Chassis Power is on\n", string(out), "what the client has switched inside")
}

// inbandSocket is the address of the socket of a BMC for its guest.
func inbandSocket(t *testing.T) net.Addr {
	newBMC(t, group{Before: []string{"groupadd --system --force kvm", "shipmi set node-0 --inband=admin"}})
	return &net.UnixAddr{Net: "unix", Name: "/run/shipmi-inband/node-0.sock"}
}

// simulator starts the simulator, and returns the address at which it waits for a QEMU.
func simulator(t *testing.T) net.Addr {
	cmd := exec.Command("ipmi_sim", "-n", "-c", "testdata/ipmi_sim/lan.conf", "-f", "testdata/ipmi_sim/ipmi_sim.cmds", "-s", t.TempDir())
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9002}
}

// A wire is a connection of a QEMU to a BMC.
type wire struct {
	net.Conn
	in *bufio.Reader
}

// connect connects to a BMC, which says the version of the protocol, and says what QEMU 7.2 says then. The simulator refuses
// a connection before it is ready, and while it has another one.
func connect(address net.Addr) (w wire, err error) {
	for range 400 {
		var conn net.Conn
		if conn, err = net.Dial(address.Network(), address.String()); err == nil {
			w = wire{conn, bufio.NewReader(conn)}
			var version string
			if version, err = w.frame(); err == nil && version != "ff 01 a1" {
				err = fmt.Errorf("the first frame is %s", version)
			}
			if err == nil {
				_, err = conn.Write([]byte{0xFF, 1, endOfCommand, 8, 0x3F, endOfCommand})
				return w, err
			}
			conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return w, err
}

func dial(t *testing.T, address net.Addr) wire {
	w, err := connect(address)
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	return w
}

// frame reads a frame.
func (w wire) frame() (string, error) {
	_ = w.SetReadDeadline(time.Now().Add(20 * time.Second))
	var frame []byte
	for {
		b, err := w.in.ReadByte()
		if err != nil {
			return "", err
		}
		if frame = append(frame, b); b == endOfMessage || b == endOfCommand {
			return fmt.Sprintf("% x", frame), nil
		}
	}
}

// ask writes frames and reads the response. It also returns the commands about interrupts that came before. Commands about
// attention are left out: the simulator has an event for the guest in other situations.
func (w wire) ask(t *testing.T, frames string) (response string, interrupts []string) {
	_, err := w.Write(unhex(t, frames))
	require.NoError(t, err)
	for {
		frame, err := w.frame()
		require.NoError(t, err)
		switch frame {
		case "05 a1", "06 a1":
			interrupts = append(interrupts, frame)
		case "00 a1", "01 a1", "02 a1":
		default:
			return frame, interrupts
		}
	}
}

// body is what a frame of a message has in it.
func body(t *testing.T, frame string) []byte {
	var out []byte
	b := unhex(t, frame)
	for i := 0; i < len(b)-1; i++ {
		if b[i] == 0xAA {
			i++
			b[i] &^= 0x10
		}
		out = append(out, b[i])
	}
	require.GreaterOrEqual(t, len(out), 5, frame)
	return out
}

// withoutCommands is a socket that connects to the server at an address, and drops the commands of the server.
func withoutCommands(t *testing.T, address net.Addr) string {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := connect(address)
				if err != nil {
					return // the client says that there is no response
				}
				go func() {
					defer server.Close()
					_, _ = io.Copy(server, client)
				}()
				var frame []byte
				for {
					b, err := server.in.ReadByte()
					if err != nil {
						return
					}
					switch frame = append(frame, b); b {
					case endOfMessage:
						_, _ = client.Write(frame)
						frame = nil
					case endOfCommand:
						frame = nil
					}
				}
			}()
		}
	}()
	return path
}

func unhex(t *testing.T, text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	require.NoError(t, err, text)
	return b
}
