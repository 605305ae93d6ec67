//go:build e2e

package chaos

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
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

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/test/activation"
	"github.com/shipmi/shipmi/test/console"
)

const (
	program  = "../../bin/shipmi-bmc"
	user     = "admin"
	observer = "observer" // of whom no datagram goes astray
	password = "sesame"
	answer   = 2 * time.Second // the BMC answers Chassis Control by then
)

// A bmc is a BMC, and the process that serves it while there is something to do.
type bmc struct {
	*activation.BMC
	t       *testing.T
	process atomic.Pointer[os.Process]

	starts, kills int
}

func newBMC(t *testing.T) *bmc { return newBMCAt(t, netip.MustParseAddrPort("127.0.0.1:0")) }

func newBMCAt(t *testing.T, at netip.AddrPort) *bmc {
	b := &bmc{t: t, BMC: activation.NewAt(t, at, map[string]string{
		"state/power": "off\n",
		"credentials/users": fmt.Sprintf(`{"users":[{"name":%q,"password":%q,"privilege":"administrator"},{"name":%q,"password":%[2]q,"privilege":"user"}]}`,
			user, password, observer),
		"runs": "",
	})}
	require.NoError(t, os.CopyFS(b.Dir, os.DirFS("testdata")))
	b.Env = append(b.Env, "SHIPMI_IDLE_TIMEOUT=150ms", "SHIPMI_ANSWER_TIMEOUT="+answer.String())
	log, err := os.OpenFile(b.Path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { log.Close() })
	b.Serve(func() { b.run(log) }, func() { b.signal(syscall.SIGTERM) })
	return b
}

// run runs a process to its end.
func (b *bmc) run(log *os.File) {
	b.starts++
	cmd := b.Command(program)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		b.t.Error(err)
		return
	}
	b.process.Store(cmd.Process)
	_ = cmd.Wait() // killed, for all we know
	b.process.Store(nil)
}

// signal sends the process a signal, if there is one.
func (b *bmc) signal(s syscall.Signal) bool {
	p := b.process.Load()
	return p != nil && p.Signal(s) == nil
}

// haunt kills the process again and again, until the function that it returns is called. Scripts live on.
func (b *bmc) haunt(random *rand.Rand) (stop func()) {
	end := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for {
			select {
			case <-time.After(time.Duration(random.Int64N(int64(time.Second)))):
			case <-end:
				return
			}
			if b.signal(syscall.SIGKILL) {
				b.kills++
			}
		}
	})
	return func() {
		close(end)
		killer.Wait()
	}
}

// rest returns when all that was sent to the BMC has been dealt with. What needs a script waits for a look at the
// provider's files, one after the other: when the power status is answered, each action that was asked for before has
// begun. Then it must have its answer in its file.
func (b *bmc) rest() {
	b.status()
	for began := time.Now(); !b.settled(); {
		require.Less(b.t, time.Since(began), time.Minute, "the BMC does not come to rest")
		time.Sleep(10 * time.Millisecond)
	}
}

// status asks for the power status.
func (b *bmc) status() {
	conn, err := net.DialUDP("udp", nil, b.Address)
	require.NoError(b.t, err)
	defer conn.Close()
	require.NoError(b.t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	ask := func(datagram []byte) []byte {
		_, err := conn.Write(datagram)
		require.NoError(b.t, err)
		answer := make([]byte, 256)
		n, err := conn.Read(answer)
		require.NoError(b.t, err)
		return answer[:n]
	}
	c := console.New(b.t, 17)
	c.Name, c.Password, c.Role = observer, password, 0x12 // of user level
	c.Login(ask)
	ask(c.Packet(console.Request(0x00, 0x01, 1)))
	ask(c.Packet(console.Request(0x06, 0x3C, 2, binary.LittleEndian.AppendUint32(nil, c.SIDc)...)))
}

func (b *bmc) settled() bool {
	files, err := filepath.Glob(b.Path(filepath.Join("state", instance.ActionDir, "*")))
	require.NoError(b.t, err)
	return !slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && !strings.Contains(string(text), "\nanswer: ")
	})
}
