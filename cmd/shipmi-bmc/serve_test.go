package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/test/console"
	"github.com/shipmi/shipmi/test/journald"

	"github.com/shipmi/shipmi/internal/activation"
)

// ipmitool runs a command of the real ipmitool as the user admin.
func ipmitool(address *net.UDPAddr, suite, command string) (string, error) {
	args := []string{
		"-I", "lanplus", "-H", address.IP.String(), "-p", strconv.Itoa(address.Port), "-U", "admin", "-P", "sesame", "-C", suite,
	}
	out, err := exec.Command("ipmitool", append(args, strings.Fields(command)...)...).CombinedOutput()
	return string(out), err
}

// The program serves a real client on two addresses, with both cipher suites.
func TestServe(t *testing.T) {
	t.Parallel()
	env := unit(t)
	v4, one := udp(t, "127.0.0.1:0")
	v6, two := udp(t, "[::1]:0")
	p := start(t, env, one, two)

	for _, c := range []struct{ command, want string }{
		{"power status", "^Chassis Power is off\n$"},
		{"power on", "^Chassis Power Control: Up/On\n$"},
		{"power status", "^Chassis Power is on\n$"},
		{"chassis bootdev pxe options=persistent,efiboot", "^Set Boot Device to pxe\n$"},
		{"chassis bootparam get 5", "(?s)Boot parameter data: e004000000.*Boot Flag Valid.*all future boots.*EFI.*Force PXE"},
		{"power off", "^Chassis Power Control: Down/Off\n$"},
		{"chassis status", "(?m)^System Power +: off\nPower Overload +: false\n.*\n.*\nPower Control Fault +: false\nPower Restore Policy : always-off$"},
		{"power cycle", "^Chassis Power Control: Cycle\n$"},
		{"chassis bootdev none", "^Set Boot Device to none\n$"},
		{"chassis bootdev disk", "^Set Boot Device to disk\n$"},
		{"chassis bootmbox set text 343 a-text-of-more-than-one-block", "^$"},
		{"chassis bootmbox get text", `(?s): 343 .*'a-text-of-mor'\n.*'e-than-one-block'\n`},
		{"power off", "^Chassis Power Control: Down/Off\n$"},
		{"mc guid ipmi", "(?m)^System GUID +: [0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"},
		{"mc selftest", "^Selftest: passed\n$"},
		{"session info active", `(?s)user id +: 2\n.*privilege level +: ADMINISTRATOR\n.*session type +: IPMIv2/RMCP\+\n`},
	} {
		for suite, address := range map[string]*net.UDPAddr{"3": v4, "17": v6} {
			out, err := ipmitool(address, suite, c.command)
			require.NoError(t, err, "%s: %s", c.command, out)
			require.Regexp(t, c.want, out)
		}
	}
	boot, err := os.ReadFile(filepath.Join(env["STATE_DIRECTORY"], "boot"))
	require.NoError(t, err)
	require.Equal(t, "hd\n", string(boot))

	out, err := ipmitool(v4, "3", "power reset")
	require.Error(t, err)
	require.Equal(t, "Set Chassis Power Control to Reset failed: Cannot execute command, command disabled\n", out)

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	log := strings.Join(p.wait(activation.ExitOK), "\n")
	require.Regexp(t, `(?m)^<6>power on done took=\S+ user=admin peer=127\.0\.0\.1:\d+$`, log)
	require.Regexp(t, `(?m)^<6>power off done took=\S+ user=admin peer=\[::1\]:\d+$`, log)
	require.Contains(t, log, "\nit went off\n")
	require.NotContains(t, log, "sesame")
	require.NotContains(t, log, "<3>")
}

// While a provider file cannot be opened, as on a file system that hangs, requests that need the file fail within a time
// limit, and other requests are not delayed. A lease on the file makes opening it wait for lease-break-time: 45 s.
func TestServeWhileAProviderFileHangs(t *testing.T) {
	t.Parallel()
	env := unit(t)
	address, socket := udp(t, "127.0.0.1:0")
	leased, err := os.OpenFile(env["SHIPMI_PROVIDER"], os.O_RDWR, 0)
	require.NoError(t, err)
	defer leased.Close()
	_, err = unix.FcntlInt(leased.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	require.NoError(t, err)
	p := start(t, env, socket)

	out, err := ipmitool(address, "17", "power status")
	require.Error(t, err)
	require.Contains(t, out, "Timeout")
	out, err = ipmitool(address, "17", "mc selftest")
	require.NoError(t, err, out)
	_, err = unix.FcntlInt(leased.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	require.NoError(t, err)
	out, err = ipmitool(address, "17", "power status")
	require.NoError(t, err, out)

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	log := strings.Join(p.wait(activation.ExitOK), "\n")
	require.Contains(t, log, `<3>power status failed err="provider file: `+env["SHIPMI_PROVIDER"]+` cannot be read: context deadline exceeded"`)
}

// journaldAnswerTime is how soon clients get an answer while journald hangs.
const journaldAnswerTime = 50 * time.Millisecond

// The BMC stopped when journald did not read: the first line for which there was no room blocked all sessions.
func TestServeWhileJournaldHangs(t *testing.T) {
	t.Parallel()
	env := unit(t)
	address, socket := udp(t, "127.0.0.1:0")
	ours, reader := journald.Stream(t)
	journald.Fill(t, ours)
	var p process
	p.start(t, ours, env, socket)

	client, err := net.DialUDP("udp", nil, address)
	require.NoError(t, err)
	defer client.Close()
	ask := func(request []byte) []byte {
		t.Helper()
		_, err := client.Write(request)
		require.NoError(t, err)
		require.NoError(t, client.SetReadDeadline(time.Now().Add(10*time.Second)))
		response := make([]byte, 1024)
		n, err := client.Read(response)
		require.NoError(t, err, "the BMC does not answer")
		return response[:n]
	}
	session := console.New(t, 17)
	session.Password = "sesame"
	session.Login(ask)
	out, err := ipmitool(address, "17", "power on") // logs that another session is opened, and that the script is done
	require.NoError(t, err, out)

	const getDeviceID = 0x01
	var times []time.Duration
	for rqSeq := range byte(21) {
		begun := time.Now()
		_, response := session.Read(ask(session.Packet(console.Request(6, getDeviceID, rqSeq))))
		times = append(times, time.Since(begun))
		require.Zero(t, response[6], "completion code")
	}
	slices.Sort(times)
	require.Less(t, times[len(times)/2], journaldAnswerTime, "median: other programs use the processors too")

	journald.ReadAll(t, reader)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.cmd.Wait())
	require.Regexp(t, `^<4>log lines lost: standard error could not take them lines=\d+\n<6>stopped\n$`, strings.Join(journald.ReadAll(t, reader), ""))
}
