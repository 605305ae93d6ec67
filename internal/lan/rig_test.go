package lan

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

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/bmc"
	serialLine "github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/serial"
	"github.com/shipmi/shipmi/internal/session"
	"github.com/shipmi/shipmi/test/console"
)

// A rig is a BMC in virtual time, with a socket in memory and scripts whose
// end the test decides. After a kill or a stop it can start again with its files.
type rig struct {
	t         *testing.T
	bmc       *bmc.BMC
	machine   *machine.Machine
	ipmi      *ipmi.BMC
	sessions  *session.Table
	port      *serial.Port
	terminal  *fakeTerminal   // of the console script that was started last
	kept      serial.Terminal // of the process before
	breaks    atomic.Int32
	connects  int           // console scripts that were started
	noConsole atomic.Bool   // none can be started
	starting  time.Duration // how long it takes to start a console script
	always    bool          // the console script runs without a client
	actions   *actionlog.Log
	status    string // what the operator was told last
	answer    time.Duration
	conn      *memoryNetwork
	scripts   *fakeScripts
	dir       string
	idle      time.Duration
	hostBoot  string
	restore   bool
	watched   time.Duration // bmc.Config.AliveEvery
	lives     atomic.Int32  // calls of bmc.Config.Alive
	hangs     atomic.Bool   // Status blocks, with the lock held
	slow      atomic.Bool   // the disk: saving the state takes 3 s
	begin     time.Time
	cancel    context.CancelFunc
	ended     chan error
	end       []func() // of every BMC that was started
	log       *slog.Logger
}

const (
	password = "correct horse"
	rqSeqs   = 64 // request sequence numbers
)

func newRig(t *testing.T) *rig {
	r := &rig{
		t: t, dir: t.TempDir(), idle: time.Hour, answer: 2 * time.Second, hostBoot: "first", begin: time.Now(),
		scripts: newFakeScripts(t), log: slog.New(slog.DiscardHandler),
	}
	r.start()
	return r
}

// clock is an hour ahead of the virtual time at which the rig was made.
func (r *rig) clock() time.Duration { return time.Hour + time.Since(r.begin) }

func (r *rig) start() {
	r.t.Helper()
	table, err := session.NewTable(r.dir, session.Config{
		Users: []session.User{
			{ID: 2, Name: "admin", Limit: rmcp.Administrator, Password: func() []byte { return []byte(password) }},
		},
		Kg:      func() []byte { return nil },
		GUID:    [16]byte{1, 2, 3},
		Suites:  []rmcp.Suite{rmcp.Suite3, rmcp.Suite17},
		Timeout: time.Minute,
		Random:  rand.NewChaCha8([32]byte{byte(r.clock())}),
		Log:     r.log,
	}, r.clock())
	require.NoError(r.t, err)
	file := r.stateFile()
	state, err := file.Load()
	require.NoError(r.t, err)

	r.sessions = table
	r.actions = &actionlog.Log{Dir: filepath.Join(r.dir, "actions"), HostBoot: r.hostBoot}
	r.machine = &machine.Machine{State: state, HostBoot: r.hostBoot, ActionLimit: 5 * time.Minute, Log: r.log}
	r.bmc = bmc.New(bmc.Config{
		Machine: r.machine,
		Scripts: r.scripts,
		Actions: r.actions,
		Save: func(s machine.State) error {
			if r.slow.Load() {
				time.Sleep(3 * time.Second)
			}
			return file.Save(s)
		},
		Clock:   r.clock,
		Idle:    r.idle,
		Answer:  r.answer,
		Query:   15 * time.Second,
		Action:  5 * time.Minute,
		Media:   30 * time.Minute,
		Logins:  media.Logins{Dir: r.dir},
		Restore: r.restore,
		Status:  r.hang,
		Upgrade: UpgradeAction,
		Log:     r.log,

		Alive:      func() { r.lives.Add(1) },
		AliveEvery: r.watched,
	})
	r.ipmi = &ipmi.BMC{
		Identity: ipmi.Identity{GUID: [16]byte{1, 2, 3}, Suites: table.Suites},
		Machine:  r.machine,
		Users:    r,
		Log:      r.log,

		KeepReservations: func(ipmi.Reservations) {},
	}
	r.conn = newMemoryNetwork()
	r.port = serial.Open(serial.Config{
		Dir: r.dir, Kept: r.kept, Always: r.always, Settings: serialLine.DefaultSettings, Connect: r.connect,
		Break: func(context.Context) error { r.breaks.Add(1); return nil },
		Later: r.bmc.Later, Now: r.bmc.Uptime, Expires: time.Minute, Log: r.log,
	}, r.clock())
	front := newServer(r.conn, r.bmc, table, r.ipmi, r.port)
	ctx, cancel := context.WithCancel(context.Background())
	served, ended := r.bmc, make(chan error, 1)
	r.cancel, r.ended = cancel, ended
	go func() { ended <- served.Run(ctx, front) }()
	r.end = append(r.end, func() {
		cancel()
		ended <- <-ended
	})
	synctest.Wait()
}

// Credentials implements ipmi.Users.
func (r *rig) Credentials() instance.Credentials {
	return instance.Credentials{Users: []instance.User{
		{ID: 2, Name: "admin", Password: instance.Hide(password), Privilege: instance.PrivilegeAdministrator},
	}}
}

// Change implements ipmi.Users.
func (r *rig) Change(func(*instance.Credentials) error) (func() []uint32, error) {
	return nil, errors.New("not in this test")
}

// logTo has the BMC start again with another log.
func (r *rig) logTo(h slog.Handler) {
	r.stop()
	r.log = slog.New(h)
	r.start()
}

func (r *rig) stateFile() bmc.StateFile {
	return bmc.StateFile{Dir: r.dir, HostBoot: r.hostBoot, Upgrade: UpgradeState}
}

// hang keeps the lock, once the test wants that.
func (r *rig) hang(status string) {
	r.status = status
	if r.hangs.Load() {
		time.Sleep(time.Hour)
	}
}

// stop has the server end as systemd does.
func (r *rig) stop() {
	r.t.Helper()
	r.cancel()
	require.NoError(r.t, r.outcome())
	require.NoError(r.t, r.sessions.Close())
}

// outcome waits until the server has ended.
func (r *rig) outcome() error {
	err := <-r.ended
	r.ended <- err
	return err
}

// kill starts a new process with a copy of the files as they are at this instant. The old
// process no longer affects the test.
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
	peer    atomic.Pointer[netip.AddrPort] // source of datagrams; nil: here
	to      atomic.Value                   // destination of the last answer
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

// watch implements network: the test wakes the server when a script has printed.
func (n *memoryNetwork) watch(int, int16) {}

func (n *memoryNetwork) way(peer, local netip.AddrPort) address {
	return address{peer: peer, local: local}
}

func (n *memoryNetwork) wake() {
	select {
	case n.woken <- struct{}{}:
	default:
	}
}

// fakeScripts counts the scripts that were started. A script with no entry in script, and
// without others, runs until its context ends.
type fakeScripts struct {
	script map[provider.Verb]func() machine.Reading
	others func() machine.Reading
	file   string        // the provider's
	broken bool          // the file
	hangs  atomic.Bool   // Load
	reads  time.Duration // how long that takes otherwise

	mu     sync.Mutex
	ran    []provider.Verb
	args   provider.Args // of the last
	joined int

	present provider.Device // what the machine boots from, as "boot get" and "boot set" have it
	former  provider.Boot
}

func newFakeScripts(t *testing.T) *fakeScripts {
	file := filepath.Join(t.TempDir(), "all.conf")
	text := "[POWER]\nstatus=x\non=x\noff=x\nshutdown=x\nreset=x\ndiag=x\n[BOOT]\nset=x\n[CHASSIS]\nidentify=x\n[CONSOLE]\nconnect=x\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return &fakeScripts{file: file, script: make(map[provider.Verb]func() machine.Reading)}
}

// Load implements bmc.Scripts. It reads the real file; the test decides how scripts end.
func (f *fakeScripts) Load(ctx context.Context) (bmc.Runner, error) {
	if f.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	time.Sleep(f.reads)
	if f.broken {
		return nil, errors.New("the provider is broken")
	}
	p, err := provider.Load(f.file)
	return fakeRunner{p, f}, err
}

// A fakeRunner implements bmc.Runner.
type fakeRunner struct {
	*provider.Provider
	scripts *fakeScripts
}

func (f fakeRunner) Query(ctx context.Context, v provider.Verb, _ provider.Args) machine.Reading {
	if !f.Has(v) || !v.Asks() {
		return machine.Reading{Has: f.Has(v)}
	}
	r := f.scripts.run(v)(ctx)
	r.Has = true
	return r
}

func (f fakeRunner) Act(ctx context.Context, v provider.Verb, args provider.Args, _ *actionlog.File) error {
	f.scripts.mu.Lock()
	f.scripts.args = args
	if args.Remember && f.scripts.present != "" {
		f.scripts.former = provider.Boot{Device: f.scripts.present, Persistent: true}
	}
	f.scripts.mu.Unlock()
	err := f.scripts.run(v)(ctx).Err
	f.scripts.did(v, err)
	return err
}

// Adopt implements bmc.Scripts.
func (f *fakeScripts) Adopt(ctx context.Context, v provider.Verb, _ string) error {
	f.mu.Lock()
	f.joined++
	script := f.wait(v)
	f.mu.Unlock()
	err := script(ctx).Err
	f.did(v, err)
	return err
}

// did does what action.sh does at the end of "boot set". A killed process does not see it.
func (f *fakeScripts) did(v provider.Verb, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case v != provider.BootSet || errors.Is(err, context.Canceled):
	case err != nil:
		f.former = provider.Boot{}
	case f.present != "":
		f.present = f.args.Boot.Device
	}
}

// Former implements bmc.Scripts.
func (f *fakeScripts) Former() provider.Boot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.former
}

// ForgetFormer implements bmc.Scripts.
func (f *fakeScripts) ForgetFormer() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.former = provider.Boot{}
}

func (f *fakeScripts) run(v provider.Verb) func(context.Context) machine.Reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ran = append(f.ran, v)
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

func (f *fakeScripts) argsOfLast() provider.Args {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.args
}

// bootsFrom is what the machine boots from.
func (f *fakeScripts) bootsFrom() provider.Device {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.present
}

func (f *fakeScripts) wait(v provider.Verb) func(context.Context) machine.Reading {
	script, ok := f.script[v]
	if !ok {
		script = f.others
	}
	return func(ctx context.Context) machine.Reading {
		if script == nil {
			<-ctx.Done()
			return machine.Reading{Err: context.Cause(ctx)}
		}
		return script()
	}
}

// takes is a script that takes a while.
func takes(d time.Duration, r machine.Reading) func() machine.Reading {
	return func() machine.Reading {
		time.Sleep(d)
		return r
	}
}
