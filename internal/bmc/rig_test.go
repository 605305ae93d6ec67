package bmc

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
	"github.com/shipmi/shipmi/test/console"
)

// A rig is a server in virtual time, with a socket in memory and scripts whose
// end the test decides. Killed or stopped, it can be started again on the files
// that are there.
type rig struct {
	t        *testing.T
	server   *Server
	conn     *memoryNetwork
	scripts  *fakeScripts
	dir      string
	idle     time.Duration
	hostBoot string
	restore  bool
	watched  time.Duration // Server.AliveEvery
	lives    atomic.Int32  // calls of Server.Alive
	hangs    atomic.Bool   // the owner, when it tells its status
	begin    time.Time
	cancel   context.CancelFunc
	ended    chan error
	end      []func() // of every server that was started
}

const password = "correct horse"

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), idle: time.Hour, hostBoot: "first", begin: time.Now(), scripts: newFakeScripts(t)}
	r.start()
	return r
}

// clock is an hour ahead of the virtual time at which the rig was made.
func (r *rig) clock() time.Duration { return time.Hour + time.Since(r.begin) }

func (r *rig) start() {
	r.t.Helper()
	log := slog.New(slog.DiscardHandler)
	table, err := session.NewTable(r.dir, session.Config{
		Users: []session.User{
			{ID: 2, Name: "admin", Limit: rmcp.Administrator, Password: func() []byte { return []byte(password) }},
		},
		Kg:      func() []byte { return nil },
		GUID:    [16]byte{1, 2, 3},
		Suites:  []rmcp.Suite{rmcp.Suite3, rmcp.Suite17},
		Timeout: time.Minute,
		Random:  rand.NewChaCha8([32]byte{byte(r.clock())}),
		Log:     log,
	}, r.clock())
	require.NoError(r.t, err)
	state, err := LoadState(r.dir)
	require.NoError(r.t, err)

	r.conn = newMemoryNetwork()
	r.server = &Server{
		Sockets:  r.conn,
		Sessions: table,
		BMC: &ipmi.BMC{
			Identity: ipmi.Identity{GUID: [16]byte{1, 2, 3}, Suites: table.Suites, HostBoot: r.hostBoot},
			State:    state,
			Save:     func(s ipmi.State) error { return SaveState(r.dir, s) },
			Log:      log,
		},
		Scripts: r.scripts,
		Actions: &Actions{Dir: filepath.Join(r.dir, "actions"), HostBoot: r.hostBoot},
		Idle:    r.idle,
		Answer:  2 * time.Second,
		Restore: r.restore,
		Clock:   r.clock,
		Status:  r.hang,
		Log:     log,

		Alive:      func() { r.lives.Add(1) },
		AliveEvery: r.watched,
	}
	ctx, cancel := context.WithCancel(context.Background())
	server, ended := r.server, make(chan error, 1)
	r.cancel, r.ended = cancel, ended
	go func() { ended <- server.Run(ctx) }()
	r.end = append(r.end, func() {
		cancel()
		ended <- <-ended
	})
	synctest.Wait()
}

// hang keeps the owner, once the test wants it to hang.
func (r *rig) hang(string) {
	if r.hangs.Load() {
		time.Sleep(time.Hour)
	}
}

// stop has the server end as systemd does.
func (r *rig) stop() {
	r.t.Helper()
	r.cancel()
	require.NoError(r.t, r.outcome())
	require.NoError(r.t, r.server.Sessions.Close())
}

// outcome waits until the server has ended.
func (r *rig) outcome() error {
	err := <-r.ended
	r.ended <- err
	return err
}

// kill goes on with a copy of the files as they are this instant. What the old
// server does from now on, nobody sees.
func (r *rig) kill() {
	r.t.Helper()
	from := r.dir
	r.dir = r.t.TempDir()
	require.NoError(r.t, os.CopyFS(r.dir, os.DirFS(from)))
	r.cancel()
	r.start()
}

// send delivers a datagram and returns all answers that come without delay.
func (r *rig) send(b []byte) [][]byte {
	r.conn.in <- b
	return r.answers()
}

func (r *rig) answers() (all [][]byte) {
	synctest.Wait()
	for len(r.conn.out) > 0 {
		all = append(all, <-r.conn.out)
	}
	return all
}

// one is send for a datagram that has one answer.
func (r *rig) one(b []byte) []byte {
	r.t.Helper()
	all := r.send(b)
	require.Len(r.t, all, 1)
	return all[0]
}

// login opens a session at administrator level.
func (r *rig) login() *console.Console {
	r.t.Helper()
	c := console.New(r.t, 17)
	c.Login(r.one)
	require.Equal(r.t, "00 04", r.ask(c, 0x06, 0x3B, 0, 4))
	return c
}

// ask sends a request in a session and returns completion code and data.
func (r *rig) ask(c *console.Console, netFn, cmd, rqSeq byte, data ...byte) string {
	r.t.Helper()
	return r.read(c, r.one(c.Packet(console.Request(netFn, cmd, rqSeq, data...))))
}

// read is what a response says: completion code and data in hex.
func (r *rig) read(c *console.Console, answer []byte) string {
	r.t.Helper()
	_, plain := c.Read(answer)
	return hexOf(plain[6 : len(plain)-1])
}

// waits sends a request that is not answered at once.
func (r *rig) waits(c *console.Console, netFn, cmd, rqSeq byte, data ...byte) []byte {
	r.t.Helper()
	b := c.Packet(console.Request(netFn, cmd, rqSeq, data...))
	require.Empty(r.t, r.send(b))
	return b
}

// A memoryNetwork is a network with one peer.
type memoryNetwork struct {
	peer    atomic.Pointer[netip.AddrPort] // who sends; nil: here
	to      atomic.Value                   // whom the last answer went to
	in, out chan []byte
	woken   chan struct{}
}

var (
	here      = netip.MustParseAddrPort("192.0.2.1:50000")
	elsewhere = netip.MustParseAddrPort("192.0.2.66:50000")
)

func newMemoryNetwork() *memoryNetwork {
	return &memoryNetwork{in: make(chan []byte), out: make(chan []byte, 100), woken: make(chan struct{}, 1)}
}

func (n *memoryNetwork) receive(d *datagram, wait time.Duration) (bool, error) {
	select {
	case b := <-n.in:
		d.from = address{peer: here, local: netip.MustParseAddrPort("192.0.2.9:623")}
		if p := n.peer.Load(); p != nil {
			d.from.peer = *p
		}
		d.n = copy(d.b[:], b)
		return true, nil
	case <-n.woken:
	case <-time.After(wait):
	}
	return false, nil
}

func (n *memoryNetwork) send(to *address, b []byte) error {
	n.to.Store(to.peer)
	n.out <- slices.Clone(b)
	return nil
}

func (n *memoryNetwork) wake() {
	select {
	case n.woken <- struct{}{}:
	default:
	}
}

// fakeScripts counts the scripts that were started. One that is neither in script nor
// among the others runs until its context ends.
type fakeScripts struct {
	script map[provider.Verb]func() ipmi.Result
	others func() ipmi.Result
	file   string        // the provider's
	broken bool          // the file
	hangs  atomic.Bool   // whoever reads the file
	reads  time.Duration // how long that takes otherwise

	mu     sync.Mutex
	ran    []provider.Verb
	boot   provider.Boot // of the last
	joined int
}

func newFakeScripts(t *testing.T) *fakeScripts {
	file := filepath.Join(t.TempDir(), "all.conf")
	text := "[POWER]\nstatus=x\non=x\noff=x\nshutdown=x\nreset=x\ndiag=x\n[BOOT]\nset=x\n[CHASSIS]\nidentify=x\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return &fakeScripts{file: file, script: make(map[provider.Verb]func() ipmi.Result)}
}

// look finds every script there; which is run and what comes of it is for the test to
// say.
func (f *fakeScripts) look(ctx context.Context) (*provider.Runner, error) {
	if f.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	time.Sleep(f.reads)
	if f.broken {
		return nil, errors.New("the provider is broken")
	}
	p, err := provider.Load(f.file)
	return &provider.Runner{Provider: p}, err
}

func (f *fakeScripts) query(_ *provider.Runner, v provider.Verb) func(context.Context) ipmi.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ran = append(f.ran, v)
	return f.wait(v)
}

func (f *fakeScripts) action(runner *provider.Runner, script *ipmi.Script, _ string) func(context.Context) ipmi.Result {
	f.mu.Lock()
	f.boot = script.Boot
	f.mu.Unlock()
	return f.query(runner, script.Verb)
}

func (f *fakeScripts) adopt(v provider.Verb, _ string, _ time.Duration) func(context.Context) ipmi.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.joined++
	return f.wait(v)
}

func (f *fakeScripts) started() []provider.Verb {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ran)
}

func (f *fakeScripts) adopted() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.joined
}

func (f *fakeScripts) bootOfLast() provider.Boot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.boot
}

func (f *fakeScripts) wait(v provider.Verb) func(context.Context) ipmi.Result {
	script, ok := f.script[v]
	if !ok {
		script = f.others
	}
	return func(ctx context.Context) ipmi.Result {
		if script == nil {
			<-ctx.Done()
			return ipmi.Result{Err: context.Cause(ctx)}
		}
		return script()
	}
}

// takes is a script that takes a while.
func takes(d time.Duration, r ipmi.Result) func() ipmi.Result {
	return func() ipmi.Result {
		time.Sleep(d)
		return r
	}
}
