package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/test/qemu"

	"github.com/shipmi/shipmi/internal/activation"
)

// A guestBMC is a BMC whose guest has access, and whose process is started again when it ends.
// Like systemd, it keeps the connections.
type guestBMC struct {
	t       *testing.T
	env     map[string]string
	notify  *net.UnixConn
	kept    map[string]*os.File
	lan     *net.UDPAddr
	sockets []*os.File // for LAN, for the guest
	path    string
	process *process
}

func newGuestBMC(t *testing.T, level string) *guestBMC {
	env, dir := unit(t), t.TempDir()
	env["SHIPMI_INBAND"] = level
	env["NOTIFY_SOCKET"] = filepath.Join(dir, "notify")
	env["SHIPMI_CREDENTIALS"] = filepath.Join(env["CREDENTIALS_DIRECTORY"], "users")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: env["NOTIFY_SOCKET"], Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { notify.Close() })
	b := &guestBMC{t: t, env: env, notify: notify, kept: map[string]*os.File{}, path: filepath.Join(dir, "inband")}
	lan, socket := udp(t, "127.0.0.1:0")
	b.lan = lan
	l, err := net.Listen("unix", b.path)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	inband, err := l.(*net.UnixListener).File()
	require.NoError(t, err)
	t.Cleanup(func() { inband.Close() })
	b.sockets = []*os.File{socket, inband}
	b.start()
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(b.log())
			t.Log(string(log))
		}
		_ = b.process.cmd.Process.Kill()
		_ = b.process.cmd.Wait()
		for _, f := range b.take() {
			f.Close()
		}
	})
	return b
}

func (b *guestBMC) log() string { return filepath.Join(b.env["STATE_DIRECTORY"], "log") }

// take takes the messages that are there, and returns the connections that are kept then.
func (b *guestBMC) take() map[string]*os.File {
	message, control := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	for {
		require.NoError(b.t, b.notify.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
		n, passed, _, _, err := b.notify.ReadMsgUnix(message, control)
		if err != nil {
			return b.kept
		}
		head, name, isNamed := strings.Cut(string(message[:n]), "\nFDNAME=")
		switch {
		case !isNamed:
		case head == "FDSTORE=1":
			all, err := unix.ParseSocketControlMessage(control[:passed])
			require.NoError(b.t, err)
			descriptors, err := unix.ParseUnixRights(&all[0])
			require.NoError(b.t, err)
			b.kept[name] = os.NewFile(uintptr(descriptors[0]), name)
		case head == "FDSTOREREMOVE=1" && b.kept[name] != nil:
			b.kept[name].Close()
			delete(b.kept, name)
		}
	}
}

func (b *guestBMC) start() {
	sockets, names := b.sockets, []string{"node-0.socket", guestName}
	for name, f := range b.take() {
		sockets, names = append(sockets, f), append(names, name)
	}
	b.env["LISTEN_FDNAMES"] = strings.Join(names, ":")
	log, err := os.OpenFile(b.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(b.t, err)
	defer log.Close()
	b.process = new(process)
	b.process.start(b.t, log, b.env, sockets...)
}

// end ends the process by a signal, and starts the next one.
func (b *guestBMC) end(signal syscall.Signal) {
	require.NoError(b.t, b.process.cmd.Process.Signal(signal))
	_ = b.process.cmd.Wait()
	b.start()
}

// power adds a script to the provider of the BMC.
func (b *guestBMC) power(script string) {
	text := strings.Replace(providerFile, "[POWER]\n", "[POWER]\n"+script+"\n", 1)
	require.NoError(b.t, os.WriteFile(b.env["SHIPMI_PROVIDER"], []byte(text), 0o600))
}

func (b *guestBMC) state(file string) string {
	text, err := os.ReadFile(filepath.Join(b.env["STATE_DIRECTORY"], file))
	require.NoError(b.t, err)
	return string(text)
}

// The guest and a client over LAN see one BMC.
func TestGuest(t *testing.T) {
	t.Parallel()
	b := newGuestBMC(t, "administrator")
	guest := qemu.Start(t, b.path)
	guest.UntilCommand(0xFF)
	require.Regexp(t, "^00 20 01 ", guest.Ask("06/01"))
	require.Equal(t, "00 08", guest.Ask("06/2f"))
	require.Equal(t, "00", guest.Ask("06/2e 0f"))
	guest.UntilCommand(0x05)
	require.Equal(t, "00 0f 0c 05 00 f2 1b 00 ff ff", guest.Ask("06/42 0e"))
	require.Equal(t, "00 11 7f 00 00 01", guest.Ask("0c/02 01 03 00 00"))
	require.Equal(t, fmt.Sprintf("00 11 %02x %02x", b.lan.Port&0xFF, b.lan.Port>>8), guest.Ask("0c/02 01 08 00 00"))
	require.Equal(t, "00 00 00 40", guest.Ask("00/01"))

	// a user that the guest makes can log in over LAN
	require.Equal(t, "00", guest.Ask("06/45 03 6d 61 61 73 00 00 00 00 00 00 00 00 00 00 00 00"))
	require.Equal(t, "00", guest.Ask("06/47 03 02 73 65 73 61 6d 65 32 00 00 00 00 00 00 00 00 00"))
	require.Equal(t, "00", guest.Ask("06/47 03 01"))
	require.Equal(t, "00", guest.Ask("06/43 91 03 04"))
	out, err := ipmitool(b.lan, "17", "-U maas -P sesame2 power on")
	require.NoError(t, err, out)
	require.Equal(t, "on\n", b.state("power"))

	// an event of the client's gets the guest's attention
	guest.UntilCommand(0x02)
	require.Equal(t, "00 02", guest.Ask("06/31"))
	require.Regexp(t, "^00 01 00 02 .* 04 1d 04 6f 00 ff ff$", guest.Ask("06/35"))
	guest.UntilCommand(0x00)
	require.Equal(t, "80", guest.Ask("06/35"))
	require.Equal(t, "00", guest.Ask("00/02 00"))
	require.Equal(t, "off\n", b.state("power"))
	require.Equal(t, "d5", guest.Ask("06/3c ff ff ff ff"))
}

func TestGuestLevels(t *testing.T) {
	t.Parallel()
	b := newGuestBMC(t, "user")
	guest := qemu.Start(t, b.path)
	for request, want := range map[string]string{
		"06/2e 0f": "00", "06/41 0f 40": "00 22 02", "00/01": "00 00 00 40",
		"00/02 01": "d4", "0a/44 00 00 02 00 00 00 00 41 00 04 01 30 01 57 00 00": "d4", "06/22": "d4",
		"06/45 03 6d 61 61 73 00 00 00 00 00 00 00 00 00 00 00 00": "d4",
	} {
		require.Equal(t, want, guest.Ask(request), request)
	}
	require.Equal(t, "off\n", b.state("power"))
	b.env["SHIPMI_INBAND"] = "operator"
	b.end(syscall.SIGTERM)
	require.Equal(t, "00", guest.Ask("00/02 01"))
	require.Equal(t, "d4", guest.Ask("06/45 03 6d 61 61 73 00 00 00 00 00 00 00 00 00 00 00 00"))
	require.Equal(t, 1, guest.Connects())
}

// A guest that asks without pause does not notice the ends of processes. Each request gets its
// answer and is handled once, and QEMU connects once.
func TestGuestWithoutPause(t *testing.T) {
	t.Parallel()
	b := newGuestBMC(t, "operator")
	guest := qemu.Start(t, b.path)
	var asked, ended atomic.Int32
	failed := make(chan string, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for id := 1; ended.Load() < 20 || id%50 != 0; id++ {
			// the IDs of records show whether one was added twice
			said := guest.Ask("0a/44 00 00 02 00 00 00 00 41 00 04 01 30 01 57 00 00")
			if want := fmt.Sprintf("00 %02x %02x", id&0xFF, id>>8); said != want {
				failed <- fmt.Sprintf("%d: %s, want %s", id, said, want)
				return
			}
			if said := guest.Ask("06/01"); !strings.HasPrefix(said, "00 20 ") {
				failed <- said
				return
			}
			asked.Add(2)
		}
	}()
	for i := range 20 {
		before := asked.Load()
		require.Eventually(t, func() bool { return asked.Load() > before+int32(i) || len(failed) > 0 }, time.Minute, time.Millisecond)
		b.end([]syscall.Signal{syscall.SIGKILL, syscall.SIGTERM}[i%2])
		ended.Add(1)
	}
	<-done
	if len(failed) > 0 {
		require.Empty(t, <-failed)
	}
	require.Equal(t, 1, guest.Connects())
	t.Log("requests:", asked.Load())
}

// A script that the guest has asked for runs once, however often the process is killed, and the
// guest gets its answer.
func TestGuestAsksOnce(t *testing.T) {
	t.Parallel()
	b := newGuestBMC(t, "operator")
	b.power(`reset=echo reset >>"$SHIPMI_STATE_DIRECTORY/resets"; sleep 1.5`)
	file := filepath.Join(b.env["STATE_DIRECTORY"], "resets")
	guest := qemu.Start(t, b.path)
	require.Equal(t, "00", guest.Ask("00/02 01"))
	for range 2 {
		said := make(chan string, 1)
		go func() { said <- guest.Ask("00/02 03") }()
		before, _ := os.ReadFile(file)
		require.Eventually(t, func() bool { now, _ := os.ReadFile(file); return len(now) > len(before) }, time.Minute, time.Millisecond)
		b.end(syscall.SIGKILL)
		require.Equal(t, "00", <-said)
		require.Equal(t, "00 20", guest.Ask("06/01")[:5])
	}
	require.Equal(t, "reset\nreset\n", b.state("resets"))
	require.Equal(t, 1, guest.Connects())
}

// A connection that an earlier process had is closed if the guest has no access any more.
func TestGuestWithoutSocket(t *testing.T) {
	t.Parallel()
	env := unit(t)
	env["LISTEN_FDNAMES"] = "node-0.socket:guest-1f"
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	ours, kept := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "kept")
	defer ours.Close()
	_, socket := udp(t, "127.0.0.1:0")
	p := start(t, env, socket, kept)
	require.NoError(t, kept.Close())
	n, _ := ours.Read(make([]byte, 1))
	require.Zero(t, n)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.wait(activation.ExitOK)
}

// The socket for the guest must be a local one. After a bad setting, the connections in it are
// closed.
func TestBadGuestSocket(t *testing.T) {
	t.Parallel()
	env := unit(t)
	env["LISTEN_FDNAMES"] = "node-0.socket:" + guestName
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer tcp.Close()
	stream, err := tcp.(*net.TCPListener).File()
	require.NoError(t, err)
	defer stream.Close()
	_, socket := udp(t, "127.0.0.1:0")
	log := start(t, env, socket, stream).wait(activation.ExitConfig)
	require.Equal(t, []string{"<3>bad setting: socket inband: want ListenStream= with a path: it is not a local one"}, log)

	env["SHIPMI_INBAND"] = "root"
	path := filepath.Join(t.TempDir(), "inband")
	local, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer local.Close()
	inband, err := local.(*net.UnixListener).File()
	require.NoError(t, err)
	defer inband.Close()
	conn, err := net.Dial("unix", path)
	require.NoError(t, err)
	defer conn.Close()
	log = start(t, env, socket, inband).wait(activation.ExitConfig)
	require.Equal(t, []string{`<3>bad setting: SHIPMI_INBAND: "root": want user, operator or admin`}, log)
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
}
