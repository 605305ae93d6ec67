package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/test/console"

	"github.com/shipmi/shipmi/internal/activation"
)

// A redfishClient is a client of a BMC that trusts its certificate.
type redfishClient struct {
	*testing.T
	http.Client
	base string
}

// withRedfish adds a certificate to the files of a BMC. It returns the socket, and a client.
func withRedfish(t *testing.T, env map[string]string) (*os.File, *redfishClient) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(env["CREDENTIALS_DIRECTORY"], name), pem.EncodeToMemory(block), 0o600))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	require.NoError(t, err)
	t.Cleanup(func() { socket.Close() })

	roots := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(certificate)
	require.NoError(t, err)
	roots.AddCert(parsed)
	c := &redfishClient{T: t, base: "https://" + l.Addr().String()}
	c.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	c.Timeout = 30 * time.Second
	return socket, c
}

// as sends a request as a user, and returns the status and the body.
func (c *redfishClient) as(user, method, path, body string) (int, string) {
	c.Helper()
	r, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	require.NoError(c, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if name, password, given := strings.Cut(user, ":"); given {
		r.SetBasicAuth(name, password)
	}
	response, err := c.Do(r)
	require.NoError(c, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	return response.StatusCode, string(text)
}

func TestRedfish(t *testing.T) {
	t.Parallel()
	env := unit(t)
	socket, client := withRedfish(t, env)
	p := start(t, env, socket)

	status, body := client.as("", "GET", "/redfish", "")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"v1":"/redfish/v1/"}`, body)
	status, _ = client.as("", "GET", "/redfish/v1/Systems", "")
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = client.as("admin:wrong", "GET", "/redfish/v1/Systems", "")
	require.Equal(t, http.StatusUnauthorized, status)

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	log := strings.Join(p.wait(activation.ExitOK), "\n")
	require.NotContains(t, log, "wrong")
	require.Contains(t, log, "login failed")
}

// activate starts a process whenever a connection waits, as systemd does, until the test ends.
// It returns how many there were.
func activate(t *testing.T, env map[string]string, socket *os.File) (processes *atomic.Int32) {
	processes = new(atomic.Int32)
	over := make(chan struct{})
	var activating sync.WaitGroup
	activating.Go(func() {
		for {
			waits := []unix.PollFd{{Fd: int32(socket.Fd()), Events: unix.POLLIN}}
			_, _ = unix.Poll(waits, 10)
			select {
			case <-over:
				return
			default:
			}
			if waits[0].Revents != 0 {
				processes.Add(1)
				_ = start(t, env, socket).cmd.Wait() // the end of the test may kill the process
			}
		}
	})
	t.Cleanup(func() {
		close(over)
		activating.Wait()
	})
	return processes
}

// With a process that ends as soon as it is idle, requests come at every moment of its life.
func TestRedfishLosesNoConnectionWhenTheProcessEnds(t *testing.T) {
	t.Parallel()
	env := unit(t)
	env["SHIPMI_IDLE_TIMEOUT"] = "100ms"
	socket, client := withRedfish(t, env)
	client.Transport.(*http.Transport).DisableKeepAlives = true
	processes := activate(t, env, socket)
	for n := range 100 {
		status, body := client.as("", "GET", "/redfish", "")
		require.Equal(t, http.StatusOK, status, body)
		time.Sleep(95*time.Millisecond + time.Duration(n)*200*time.Microsecond)
	}
	require.Greater(t, processes.Load(), int32(20), "the requests came while none was about to end")
}

// A connection that is kept alive does not keep the process.
func TestRedfishEndsWhileAConnectionIsIdle(t *testing.T) {
	t.Parallel()
	env := unit(t)
	env["SHIPMI_IDLE_TIMEOUT"] = "100ms"
	socket, client := withRedfish(t, env)
	p := start(t, env, socket)
	status, _ := client.as("", "GET", "/redfish", "")
	require.Equal(t, http.StatusOK, status)
	began := time.Now()
	p.wait(activation.ExitOK)
	require.Less(t, time.Since(began), 4*time.Second, "before the connection is closed for being idle")
}

// Clients that connect and are silent, or send a little at a time, do not keep other clients out.
func TestRedfishUnderSilentConnections(t *testing.T) {
	t.Parallel()
	env := unit(t)
	socket, client := withRedfish(t, env)
	p := start(t, env, socket)
	address := strings.TrimPrefix(client.base, "https://")
	for range 300 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
	}
	for range 40 {
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "GET /redfish HTTP/1.1\r\nHost: a\r\nX-Slow: ")
		require.NoError(t, err)
	}
	began := time.Now()
	status, _ := client.as("", "GET", "/redfish", "")
	require.Equal(t, http.StatusOK, status)
	require.Less(t, time.Since(began), time.Second)
	require.Less(t, descriptors(t, p), 64, "32 connections of one source")
}

// Clients that ask and do not read the answers do not keep other clients out. The four have an address each, so they may have
// all connections.
func TestRedfishUnderClientsThatDoNotRead(t *testing.T) {
	t.Parallel()
	env := unit(t)
	socket, client := withRedfish(t, env)
	start(t, env, socket)
	requests := strings.Repeat("GET /redfish/v1/$metadata HTTP/1.1\r\nHost: a\r\n\r\n", 500) // more than the kernel holds
	holdLittle := func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096) })
	}
	for i := range 128 {
		dialer := tls.Dialer{
			NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i%4))}, Control: holdLittle},
			Config:    &tls.Config{InsecureSkipVerify: true},
		}
		c, err := dialer.Dial("tcp", strings.TrimPrefix(client.base, "https://"))
		require.NoError(t, err)
		defer c.Close()
		go func() { _, _ = io.WriteString(c, requests) }()
	}
	time.Sleep(time.Second) // until the kernel has taken what it can
	began := time.Now()
	status, _ := client.as("", "GET", "/redfish", "")
	require.Equal(t, http.StatusOK, status)
	require.Less(t, time.Since(began), 5*time.Second)
}

// Clients that ask and go at once leave at most as many requests behind as they may have connections.
func TestRedfishUnderClientsThatGo(t *testing.T) {
	t.Parallel()
	env := unit(t)
	require.NoError(t, os.WriteFile(env["SHIPMI_PROVIDER"], []byte("[POWER]\nstatus=sleep 8; echo on\n"), 0o600))
	socket, client := withRedfish(t, env)
	client.Transport.(*http.Transport).DisableKeepAlives = true
	p := start(t, env, socket)
	served := func() bool {
		response, err := client.Get(client.base + "/redfish")
		if err == nil {
			response.Body.Close()
		}
		return err == nil
	}
	require.Eventually(t, func() bool {
		require.NoError(t, client.raw("GET", "/redfish/v1/Systems/node-0", "").Close())
		return !served()
	}, 10*time.Second, 10*time.Millisecond, "32 connections of one source")
	require.Less(t, descriptors(t, p), 32)
	require.Eventually(t, served, 20*time.Second, 100*time.Millisecond, "their requests are over")
}

func descriptors(t *testing.T, p *process) int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	require.NoError(t, err)
	return len(all)
}

// Failed logins over HTTPS and over IPMI are one budget.
func TestRedfishAndIPMIDelayGuessersTogether(t *testing.T) {
	t.Parallel()
	env := unit(t)
	datagram, one := udp(t, "127.0.0.1:0")
	socket, client := withRedfish(t, env)
	start(t, env, one, socket)
	for range 10 {
		status, body := client.as("admin:guess", "GET", "/redfish/v1/Systems", "")
		require.Equal(t, http.StatusUnauthorized, status, body)
	}
	status, body := client.as("admin:sesame", "GET", "/redfish/v1/Systems", "")
	require.Equal(t, http.StatusServiceUnavailable, status, body)
	_, err := ipmitool(datagram, "17", "mc selftest")
	require.Error(t, err)
}

func TestRedfishWithoutACertificate(t *testing.T) {
	t.Parallel()
	env := unit(t)
	socket, client := withRedfish(t, env)
	require.NoError(t, os.Remove(filepath.Join(env["CREDENTIALS_DIRECTORY"], "tls.key")))
	connecting, err := net.Dial("tcp", strings.TrimPrefix(client.base, "https://"))
	require.NoError(t, err)
	defer connecting.Close()
	p := start(t, env, socket)
	require.Contains(t, strings.Join(p.wait(activation.ExitConfig), "\n"), "bad setting: certificate: open ")
	_, err = connecting.Read(make([]byte, 1))
	require.Error(t, err, "or systemd would start the process for it again")
}

// The first steps of every client: power, and the boot device.
func TestRedfishPower(t *testing.T) {
	t.Parallel()
	env := unit(t)
	socket, client := withRedfish(t, env)
	p := start(t, env, socket)
	const system = "/redfish/v1/Systems/node-0"
	reset := func(kind string) (int, string) {
		return client.as("admin:sesame", "POST", system+"/Actions/ComputerSystem.Reset", `{"ResetType":"`+kind+`"}`)
	}
	power := func() any {
		status, body := client.as("admin:sesame", "GET", system, "")
		require.Equal(t, http.StatusOK, status, body)
		var resource map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &resource))
		return resource["PowerState"]
	}
	require.Equal(t, "Off", power())
	status, body := reset("On")
	require.Equal(t, http.StatusNoContent, status, body)
	require.Equal(t, "On", power())
	status, body = reset("ForceOff")
	require.Equal(t, http.StatusNoContent, status, body)
	status, body = client.as("admin:sesame", "PATCH", system, `{"Boot":{"BootSourceOverrideTarget":"Pxe","BootSourceOverrideEnabled":"Once"}}`)
	require.Equal(t, http.StatusOK, status, body)
	boot, err := os.ReadFile(filepath.Join(env["STATE_DIRECTORY"], "boot"))
	require.NoError(t, err)
	require.Equal(t, "network\n", string(boot))

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	log := strings.Join(p.wait(activation.ExitOK), "\n")
	require.Regexp(t, `(?m)^<6>power on done took=\S+ user=admin peer=127\.0\.0\.1:\d+$`, log)
	require.NotContains(t, log, "sesame")
	require.NotContains(t, log, "<3>")
}

// slowProvider counts what its scripts do. They take as long as the file "slow" says, in seconds.
const slowProvider = `[POWER]
status=cat "$SHIPMI_STATE_DIRECTORY/power"
on=echo on >>"$SHIPMI_STATE_DIRECTORY/runs"; sleep "$(cat "$SHIPMI_STATE_DIRECTORY/slow")"; echo on >"$SHIPMI_STATE_DIRECTORY/power"
off=echo off >>"$SHIPMI_STATE_DIRECTORY/runs"; sleep "$(cat "$SHIPMI_STATE_DIRECTORY/slow")"; echo off >"$SHIPMI_STATE_DIRECTORY/power"
[CHASSIS]
identify=echo identify >>"$SHIPMI_STATE_DIRECTORY/runs"; sleep "$(cat "$SHIPMI_STATE_DIRECTORY/slow")"
`

// A slowRig is a BMC whose scripts are slow.
type slowRig struct {
	*redfishClient
	env    map[string]string
	socket *os.File
	*process
}

func newSlowRig(t *testing.T, seconds string) *slowRig {
	r := &slowRig{env: unit(t)}
	require.NoError(t, os.WriteFile(r.env["SHIPMI_PROVIDER"], []byte(slowProvider), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(r.env["STATE_DIRECTORY"], "slow"), []byte(seconds), 0o600))
	r.socket, r.redfishClient = withRedfish(t, r.env)
	r.starts()
	return r
}

// starts begins a process, the first one or one after another.
func (r *slowRig) starts() { r.process = start(r.T, r.env, r.socket) }

func (r *slowRig) dies() {
	require.NoError(r, r.cmd.Process.Kill())
	_, _ = r.cmd.Process.Wait() // a script that goes on has the pipe of the log open
}

const slowSystem = "/redfish/v1/Systems/node-0"

func (r *slowRig) reset(kind string) (int, string) {
	return r.as("admin:sesame", "POST", slowSystem+"/Actions/ComputerSystem.Reset", `{"ResetType":"`+kind+`"}`)
}

// runs are the scripts that have begun.
func (r *slowRig) runs() string {
	text, _ := os.ReadFile(filepath.Join(r.env["STATE_DIRECTORY"], "runs"))
	return strings.Join(strings.Fields(string(text)), " ")
}

// task is the address in the Location of a 202, and the state in its body.
func (r *slowRig) task(body string) (monitor, state string) {
	var task struct{ TaskMonitor, TaskState string }
	require.NoError(r, json.Unmarshal([]byte(body), &task), body)
	return task.TaskMonitor, task.TaskState
}

func TestEqualRequestsJoin(t *testing.T) {
	t.Parallel()
	r := newSlowRig(t, "1")
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			status, body := r.reset("On")
			require.Equal(t, http.StatusNoContent, status, body)
		})
	}
	all.Wait()
	require.Equal(t, "on", r.runs())
	status, _ := r.reset("On")
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, "on on", r.runs(), "a request after the answer is a new one")
}

// An action that takes long has a task, which outlives the process.
func TestATaskOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	r := newSlowRig(t, "6")
	began := time.Now()
	status, body := r.reset("On")
	require.Equal(t, http.StatusAccepted, status, body)
	require.Less(t, time.Since(began), 3*time.Second)
	monitor, state := r.task(body)
	require.Equal(t, "Running", state)
	r.dies()
	r.starts()
	status, body = r.as("admin:sesame", "GET", monitor, "")
	require.Equal(t, http.StatusAccepted, status, body)
	again, body := r.reset("On")
	require.Equal(t, http.StatusAccepted, again, body)
	other, _ := r.task(body)
	require.Equal(t, monitor, other)
	require.Eventually(t, func() bool {
		status, body = r.as("admin:sesame", "GET", monitor, "")
		return status != http.StatusAccepted
	}, 10*time.Second, 100*time.Millisecond)
	require.Equal(t, http.StatusNoContent, status, body)
	require.Equal(t, "on", r.runs())
	r.dies()
	r.starts()
	status, _ = r.as("admin:sesame", "GET", monitor, "")
	require.Equal(t, http.StatusNoContent, status, "the state has the task")
}

// The script of the identify light may take long, as every other script.
func TestASlowIdentifyIsATask(t *testing.T) {
	t.Parallel()
	r := newSlowRig(t, "4")
	began := time.Now()
	status, body := r.as("admin:sesame", "PATCH", slowSystem, `{"LocationIndicatorActive":true}`)
	require.Equal(t, http.StatusAccepted, status, body)
	require.Less(t, time.Since(began), 3*time.Second)
	monitor, state := r.task(body)
	require.Equal(t, "Running", state)
	require.Eventually(t, func() bool {
		status, body = r.as("admin:sesame", "GET", monitor, "")
		return status != http.StatusAccepted
	}, 10*time.Second, 100*time.Millisecond)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"LocationIndicatorActive":true`)
	require.Equal(t, "identify", r.runs())
}

// A client finds the task that it was told of, even if the state cannot be saved.
func TestATaskIsThereWithoutAState(t *testing.T) {
	t.Parallel()
	r := newSlowRig(t, "3")
	r.dies()
	require.NoError(t, os.RemoveAll(filepath.Join(r.env["STATE_DIRECTORY"], "state")))
	require.NoError(t, os.MkdirAll(filepath.Join(r.env["STATE_DIRECTORY"], "state", "in the way"), 0o700))
	r.starts()
	status, body := r.reset("On")
	require.Equal(t, http.StatusAccepted, status, body)
	monitor, _ := r.task(body)
	status, _ = r.as("admin:sesame", "GET", monitor, "")
	require.Equal(t, http.StatusAccepted, status)
}

// What a client was promised runs, also in the next process.
func TestAPromiseOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	r := newSlowRig(t, "6")
	status, body := r.reset("On")
	require.Equal(t, http.StatusAccepted, status, body)
	status, body = r.reset("ForceOff")
	require.Equal(t, http.StatusAccepted, status, body)
	monitor, state := r.task(body)
	require.Equal(t, "Pending", state)
	status, body = r.as("admin:sesame", "PATCH", slowSystem, `{"PowerRestorePolicy":"AlwaysOn"}`)
	require.Equal(t, http.StatusOK, status, body)
	status, body = r.reset("On")
	require.Equal(t, http.StatusServiceUnavailable, status, "one may wait: "+body)
	r.dies()
	r.starts()
	require.Equal(t, "on", r.runs())
	require.Eventually(t, func() bool {
		status, _ = r.as("admin:sesame", "GET", monitor, "")
		return status == http.StatusNoContent
	}, 20*time.Second, 100*time.Millisecond)
	require.Equal(t, "on off", r.runs())
}

// A client whose connection breaks repeats its request. It runs once, whenever the process dies.
func TestARepeatedRequestRunsOnceHoweverTheProcessDies(t *testing.T) {
	t.Parallel()
	r := newSlowRig(t, "0.3")
	r.Transport.(*http.Transport).DisableKeepAlives = true
	for n := range 16 {
		before := r.runs()
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			time.Sleep(time.Duration(n) * 28 * time.Millisecond)
			_ = r.cmd.Process.Kill()
		}()
		kind := []string{"On", "ForceOff"}[n%2]
		status, err := r.tries(kind)
		<-killed
		_, _ = r.cmd.Process.Wait()
		r.starts()
		if err != nil {
			status, err = r.tries(kind)
		}
		require.NoError(t, err)
		want := strings.TrimSpace(before + " " + []string{"on", "off"}[n%2])
		if status == http.StatusInternalServerError { // the process died between the action file and the script
			want = before
		} else {
			require.Equal(t, http.StatusNoContent, status)
		}
		require.Equal(t, want, r.runs(), "killed after %d ms", n*28)
	}
}

// tries sends a reset, and returns the error of a connection that breaks.
func (r *slowRig) tries(kind string) (int, error) {
	request, err := http.NewRequest("POST", r.base+slowSystem+"/Actions/ComputerSystem.Reset", strings.NewReader(`{"ResetType":"`+kind+`"}`))
	require.NoError(r, err)
	request.SetBasicAuth("admin", "sesame")
	request.Header.Set("Content-Type", "application/json")
	response, err := r.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func TestASessionOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	r := newSlowRig(t, "0")
	login := func() (token, location string) {
		response, err := r.Post(r.base+"/redfish/v1/SessionService/Sessions", "application/json", strings.NewReader(`{"UserName":"admin","Password":"sesame"}`))
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, http.StatusCreated, response.StatusCode)
		return response.Header.Get("X-Auth-Token"), response.Header.Get("Location")
	}
	with := func(token, method, path string) int {
		request, err := http.NewRequest(method, r.base+path, nil)
		require.NoError(t, err)
		request.Header.Set("X-Auth-Token", token)
		response, err := r.Do(request)
		require.NoError(t, err)
		response.Body.Close()
		return response.StatusCode
	}
	token, location := login()
	r.dies()
	r.starts()
	require.Equal(t, http.StatusOK, with(token, "GET", location))
	require.Equal(t, http.StatusUnauthorized, with(token+"x", "GET", location))
	for range 16 {
		login()
	}
	require.Equal(t, http.StatusUnauthorized, with(token, "GET", location), "the one that was not used for the longest time")
	token, location = login()
	require.Equal(t, http.StatusNoContent, with(token, "DELETE", location))
	require.Equal(t, http.StatusUnauthorized, with(token, "GET", location))
	files, err := os.ReadFile(filepath.Join(r.env["RUNTIME_DIRECTORY"], "redfish-sessions"))
	require.NoError(t, err)
	require.NotContains(t, string(files), token)
}

// A restart of the BMC ends all sessions, those of IPMI too, and the process.
func TestRedfishRestartsTheBMC(t *testing.T) {
	t.Parallel()
	env := unit(t)
	address, datagram := udp(t, "127.0.0.1:0")
	socket, client := withRedfish(t, env)
	p := start(t, env, datagram, socket)
	connection, err := net.DialUDP("udp", nil, address)
	require.NoError(t, err)
	defer connection.Close()
	session := console.New(t, 17)
	session.Password = "sesame"
	session.Login(func(request []byte) []byte {
		_, err := connection.Write(request)
		require.NoError(t, err)
		response := make([]byte, 1024)
		n, err := connection.Read(response)
		require.NoError(t, err)
		return response[:n]
	})
	status, body := client.as("admin:sesame", "POST", "/redfish/v1/Managers/node-0/Actions/Manager.Reset", `{"ResetType":"ForceRestart"}`)
	require.Equal(t, http.StatusNoContent, status, body)
	require.Regexp(t, `session closed session=\S+ user=admin peer=\S+ by=admin`, strings.Join(p.wait(activation.ExitOK), "\n"))
}

// raw sends a request on a connection of its own, without waiting for the answer.
func (c *redfishClient) raw(method, path, body string) *tls.Conn {
	c.Helper()
	connection, err := tls.Dial("tcp", strings.TrimPrefix(c.base, "https://"), c.Transport.(*http.Transport).TLSClientConfig)
	require.NoError(c, err)
	c.Cleanup(func() { connection.Close() })
	request, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	require.NoError(c, err)
	request.SetBasicAuth("admin", "sesame")
	request.Header.Set("Content-Type", "application/json")
	require.NoError(c, request.Write(connection))
	return connection
}

// A client that closes only its half of the connection was told "200 OK" at once, whatever became of its request.
func TestAHalfClosedConnectionGetsNoSuccess(t *testing.T) {
	t.Parallel()
	r := newSlowRig(t, "1")
	connection := r.raw("POST", slowSystem+"/Actions/ComputerSystem.Reset", `{"ResetType":"ForceOff"}`)
	require.NoError(t, connection.CloseWrite())
	answer, _ := io.ReadAll(connection)
	require.Empty(t, string(answer))
	status, _ := r.reset("ForceOff")
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, "off", r.runs(), "the client repeats its request")
}

// The sessions of a user who is removed end, also if the administrator does not get the answer.
func TestARemovedUserIsLoggedOffWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	env := unit(t)
	users := filepath.Join(env["CREDENTIALS_DIRECTORY"], "users")
	env["SHIPMI_CREDENTIALS"] = users
	require.NoError(t, os.WriteFile(users, []byte(`{"users":[{"id":2,"name":"admin","password":"sesame","privilege":"administrator"},
		{"id":3,"name":"bob","password":"hunter2","privilege":"administrator"}]}`), 0o600))
	address, datagram := udp(t, "127.0.0.1:0")
	socket, client := withRedfish(t, env)
	p := start(t, env, datagram, socket)
	connection, err := net.DialUDP("udp", nil, address)
	require.NoError(t, err)
	defer connection.Close()
	bob := console.New(t, 17)
	bob.Name, bob.Password = "bob", "hunter2"
	ask := func(request []byte) []byte {
		_, err := connection.Write(request)
		require.NoError(t, err)
		response := make([]byte, 1024)
		n, err := connection.Read(response)
		require.NoError(t, err)
		return response[:n]
	}
	bob.Login(ask)
	require.NoError(t, client.raw("DELETE", "/redfish/v1/AccountService/Accounts/3", "").Close())
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(users)
		return err == nil && !strings.Contains(string(text), "bob")
	}, 5*time.Second, 10*time.Millisecond)
	status, _ := client.as("admin:sesame", "GET", "/redfish/v1/AccountService/Accounts", "") // the change has taken effect
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.Regexp(t, `session closed session=\S+ user=bob peer=\S+ by=admin`, strings.Join(p.wait(activation.ExitOK), "\n"))
}

// A process that is stopped while a client waits for a script, or has sent half a request, has not failed.
func TestRedfishStopsWhileClientsWait(t *testing.T) {
	t.Parallel()
	env := unit(t)
	require.NoError(t, os.WriteFile(env["SHIPMI_PROVIDER"], []byte("[POWER]\nstatus=sleep 5; echo on\n"), 0o600))
	socket, client := withRedfish(t, env)
	p := start(t, env, socket)
	half, err := tls.Dial("tcp", strings.TrimPrefix(client.base, "https://"), client.Transport.(*http.Transport).TLSClientConfig)
	require.NoError(t, err)
	defer half.Close()
	_, err = io.WriteString(half, "GET /redfish HTTP/1.1\r\nHost: a\r\nX-Slow: ")
	require.NoError(t, err)
	client.raw("GET", "/redfish/v1/Systems/node-0", "")
	time.Sleep(200 * time.Millisecond) // until the script runs
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.wait(activation.ExitOK)
}

// Whatever is wrong with a request, the client is told why, nothing is done, and the journal has a line.
func TestEveryRefusalIsInTheJournal(t *testing.T) {
	t.Parallel()
	env := unit(t)
	users := filepath.Join(env["CREDENTIALS_DIRECTORY"], "users")
	env["SHIPMI_CREDENTIALS"] = users
	for path, text := range map[string]string{
		users: `{"users":[{"id":2,"name":"admin","password":"sesame","privilege":"administrator"},
			{"id":3,"name":"reader","password":"hunter2","privilege":"user"}]}`,
		env["SHIPMI_PROVIDER"]: `[POWER]
			status=echo off
			on=echo on >>"$SHIPMI_STATE_DIRECTORY/runs"
			off=echo off >>"$SHIPMI_STATE_DIRECTORY/runs"
			[MEDIA]
			insert=case $SHIPMI_MEDIA_URL in *inside*) exit 66; esac; echo "$SHIPMI_MEDIA_URL" >>"$SHIPMI_STATE_DIRECTORY/runs"
			eject=true
			`,
	} {
		require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "\t", "")), 0o600))
	}
	socket, client := withRedfish(t, env)
	p := start(t, env, socket)
	const (
		system = "/redfish/v1/Systems/node-0"
		reset  = system + "/Actions/ComputerSystem.Reset"
		insert = system + "/VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia"
		admin  = "admin:sesame"
	)
	status, body := client.as(admin, "POST", insert, `{"Image":"http://192.0.2.1/first.iso"}`)
	require.Equal(t, http.StatusNoContent, status, body)
	type refusal struct {
		user, method, path, header, body string
		status                           int
		reason                           string
	}
	for some := range slices.Chunk([]refusal{
		{admin, "PATCH", system, "", `{"Bogus":1}`, 400, "PropertyUnknown"},
		{admin, "PATCH", system, "", `{"PowerRestorePolicy":1}`, 400, "PropertyValueTypeError"},
		{admin, "PATCH", system, "", `{"PowerRestorePolicy":"x"}`, 400, "PropertyValueNotInList"},
		{admin, "PATCH", system, "", `{"PowerRestorePolicy`, 400, "MalformedJSON"},
		{admin, "PATCH", system, "", `{"AssetTag":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "PayloadTooLarge"},
		{admin, "PATCH", system, "OData-Version: 3.0", `{}`, 412, "HeaderInvalid"},
		{admin, "POST", reset, "", `{}`, 400, "ActionParameterMissing"},
		{admin, "POST", reset, "Content-Type: text/plain", `{"ResetType":"On"}`, 415, "HeaderInvalid"},
		{admin, "POST", reset, "Origin: https://other.example", `{"ResetType":"On"}`, 403, "HeaderInvalid"},
		{admin, "PATCH", "/redfish/v1/AccountService/Accounts/3", `If-Match: "other"`, `{"RoleId":"Operator"}`, 412, "PreconditionFailed"},
		{admin, "POST", "/redfish/v1/Bogus", "", `{}`, 404, "ResourceMissingAtURI"},
		{admin, "DELETE", system, "", "", 405, "OperationNotAllowed"},
		{admin, "BREW", system, "", "", 405, "OperationNotAllowed"},
		{"", "POST", reset, "", `{"ResetType":"On"}`, 401, "NoValidSession"},
		{"", "POST", reset, "X-Auth-Token: guess", `{"ResetType":"On"}`, 401, "NoValidSession"},
		{"admin:guess", "POST", reset, "", `{"ResetType":"On"}`, 401, "NoValidSession"},
		{"reader:hunter2", "POST", reset, "", `{"ResetType":"On"}`, 403, "InsufficientPrivilege"},
		{"reader:hunter2", "GET", "/redfish/v1/AccountService/Accounts/2", "", "", 403, "InsufficientPrivilege"},
		{admin, "POST", insert, "", `{"Image":"ftp://192.0.2.1/a.iso"}`, 400, "ActionParameterValueError"},
		{admin, "POST", insert, "", `{"Image":"http://me:hidden@192.0.2.1/a.iso"}`, 400, "ActionParameterValueError"},
		{admin, "POST", insert, "", `{"Image":"http://192.0.2.1/'a'.iso"}`, 400, "ActionParameterValueError"},
		{admin, "POST", insert, "", `{"Image":"http://127.0.0.1/a.iso"}`, 400, "ActionParameterValueError"},
		{admin, "POST", insert, "", `{"Image":"http://169.254.169.254/a.iso"}`, 400, "ActionParameterValueError"},
		{admin, "POST", insert, "", `{"Image":"http://192.0.2.1/second.iso"}`, 409, "ResourceInUse"},
		{admin, "POST", insert, "", `{"Image":"http://inside.example/a.iso"}`, 400, "ActionParameterNotSupported"}, // the script finds out
	}, 8) { // a flood of refusals would not be in the journal
		var want []string
		for _, c := range some {
			if strings.Contains(c.body, "inside") {
				status, body = client.as(admin, "POST", system+"/VirtualMedia/Cd/Actions/VirtualMedia.EjectMedia", "")
				require.Equal(t, http.StatusNoContent, status, body)
			}
			status, reason := client.refused(c.user, c.method, c.path, c.header, c.body)
			require.Equal(t, c.status, status, "%+v", c)
			require.Equal(t, "Base.1.22."+c.reason, reason, "%+v", c)
			want = append(want, fmt.Sprintf("<4>Redfish request refused method=%s path=%s status=%d reason=%s peer=127.0.0.1:", c.method, c.path, status, reason))
		}
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		for _, line := range p.wait(activation.ExitOK) {
			require.NotContains(t, line, "hidden")
			if strings.Contains(line, " refused ") {
				require.NotEmpty(t, want, line)
				require.True(t, strings.HasPrefix(line, want[0]), "%s\n%s", line, want[0])
				want = want[1:]
			}
		}
		require.Empty(t, want)
		client.CloseIdleConnections() // those of the process that has ended: a POST is not repeated on another one
		p = start(t, env, socket)
	}
	runs, err := os.ReadFile(filepath.Join(env["STATE_DIRECTORY"], "runs"))
	require.NoError(t, err)
	require.Equal(t, "http://192.0.2.1/first.iso\n", string(runs))
	text, err := os.ReadFile(users)
	require.NoError(t, err)
	require.NotContains(t, string(text), "operator")
}

// refused sends a request that is refused, with a header of its own. It returns the status, and why.
func (c *redfishClient) refused(user, method, path, header, body string) (status int, reason string) {
	c.Helper()
	r, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	require.NoError(c, err)
	r.Header.Set("Content-Type", "application/json")
	if name, value, given := strings.Cut(header, ": "); given {
		r.Header.Set(name, value)
	}
	if name, password, given := strings.Cut(user, ":"); given {
		r.SetBasicAuth(name, password)
	}
	response, err := c.Do(r)
	require.NoError(c, err)
	defer response.Body.Close()
	var answer struct{ Error struct{ Code string } }
	require.NoError(c, json.NewDecoder(response.Body).Decode(&answer))
	return response.StatusCode, answer.Error.Code
}
