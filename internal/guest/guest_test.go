package guest

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/inband"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/qemu"
)

const providerFile = "[POWER]\nstatus=x\non=x\noff=x\nreset=x\n"

// A rig is a BMC with a guest, whose scripts the test ends.
type rig struct {
	t     testing.TB
	path  string // of the socket
	bmc   *bmc.BMC
	log   synced
	ended chan error
	stop  context.CancelFunc
	ends  []uint32 // sessions that the guest has ended

	mu      sync.Mutex
	kept    []string
	dropped []string
	ran     []provider.Verb
	script  chan error // how the scripts that wait end; closed: at once, and well
}

// synced is a log that goroutines write.
type synced struct {
	mu     sync.Mutex
	b      bytes.Buffer
	silent bool
}

func (s *synced) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent {
		return len(b), nil
	}
	return s.b.Write(b)
}

// silence has it forget what is written.
func (s *synced) silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = true
}

func (s *synced) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newRig(t testing.TB) *rig {
	dir := t.TempDir()
	r := &rig{t: t, path: filepath.Join(dir, "inband"), script: make(chan error), ended: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "test.conf"), []byte(providerFile), 0o600))
	begun := time.Now()
	clock := func() time.Duration { return time.Hour + time.Since(begun) }
	managed := &machine.Machine{HostBoot: "first", ActionLimit: time.Minute, Log: log}
	r.bmc = bmc.New(bmc.Config{
		Machine: managed, Scripts: r, Actions: &actionlog.Log{Dir: filepath.Join(dir, "actions"), HostBoot: "first"},
		Save: func(machine.State) error { return nil }, Clock: clock, Idle: time.Millisecond, Answer: 50 * time.Millisecond,
		Query: time.Minute, Action: time.Minute, Status: func(string) {}, Alive: func() {}, Log: log,
	})
	commands := &ipmi.BMC{
		Machine: managed, Sessions: r, Running: r.bmc.Jobs.Acting, KeepReservations: func(ipmi.Reservations) {},
		KeepSystem: func(ipmi.SystemInterface) {}, Log: log,
	}
	s, err := NewServer(Config{
		BMC: r.bmc, Commands: commands, Level: rmcp.Administrator, Store: r, Dir: dir, AnswerTime: 300 * time.Millisecond,
		EndSessions: func(ids []uint32, _ string) { r.ends = append(r.ends, ids...) },
		Restart:     func() { t.Error("restart") }, Log: log,
	}, nil, clock())
	require.NoError(t, err)
	managed.Changed = func(before machine.State) { commands.Changed(before); s.Update() }

	l, err := net.Listen("unix", r.path)
	require.NoError(t, err)
	file, err := l.(*net.UnixListener).File()
	require.NoError(t, err)
	defer file.Close()
	t.Cleanup(func() { l.Close() })
	fd, err := unix.Dup(int(file.Fd()))
	require.NoError(t, err)
	listener, err := NewListener(fd)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	served := make(chan error, 1)
	serving, end := context.WithCancel(context.Background())
	go func() { served <- s.Serve(serving, listener) }()
	front := &idleFront{ctx: ctx, woken: make(chan struct{}, 1)}
	go func() {
		err := r.bmc.Run(ctx, front, s)
		end()
		require.NoError(t, <-served)
		r.ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		err := <-r.ended
		require.NoError(t, err)
		if t.Failed() {
			t.Log(r.log.String())
		}
	})
	return r
}

// idleFront is a front where nothing comes.
type idleFront struct {
	ctx   context.Context
	woken chan struct{}
}

func (f *idleFront) Wait(d time.Duration) error {
	select {
	case <-f.woken:
	case <-f.ctx.Done():
	case <-time.After(d):
	}
	return nil
}

func (f *idleFront) Wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

func (*idleFront) Serve()                                {}
func (*idleFront) NeededUntil() time.Duration            { return 2 * time.Hour } // until a guest has connected
func (*idleFront) Sessions() int                         { return 0 }
func (*idleFront) Due(never time.Duration) time.Duration { return never }
func (*idleFront) MachineStarted()                       {}

// List implements ipmi.Sessions.
func (r *rig) List() []ipmi.Session { return []ipmi.Session{{ID: 0x11223344}} }

// Keep implements Store.
func (r *rig) Keep(name string, fd int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if fd <= 0 {
		r.t.Errorf("descriptor %d", fd)
	}
	r.kept = append(r.kept, name)
}

// Drop implements Store.
func (r *rig) Drop(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropped = append(r.dropped, name)
}

// Load implements bmc.Scripts.
func (r *rig) Load(context.Context) (bmc.Runner, error) {
	p, err := provider.Load(filepath.Join(filepath.Dir(r.path), "test.conf"))
	return runner{p, r}, err
}

func (*rig) Adopt(context.Context, provider.Verb, string) error { return nil }
func (*rig) Former() provider.Boot                              { return provider.Boot{} }
func (*rig) ForgetFormer()                                      {}

type runner struct {
	*provider.Provider
	*rig
}

// Query implements bmc.Runner.
func (r runner) Query(ctx context.Context, v provider.Verb, _ provider.Args) machine.Reading {
	return machine.Reading{Has: true, Err: r.wait(ctx, v)}
}

// Act implements bmc.Runner.
func (r runner) Act(ctx context.Context, v provider.Verb, _ provider.Args, _ *actionlog.File) error {
	return r.wait(ctx, v)
}

func (r *rig) wait(ctx context.Context, v provider.Verb) error {
	r.mu.Lock()
	r.ran = append(r.ran, v)
	r.mu.Unlock()
	select {
	case err := <-r.script:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *rig) scripts() []provider.Verb {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ran)
}

// end ends the script that waits.
func (r *rig) end(err error) {
	r.t.Helper()
	select {
	case r.script <- err:
	case <-time.After(time.Minute):
		r.t.Fatal("no script waits")
	}
}

// A query that takes too long has no answer. The script goes on.
func TestSlowQuery(t *testing.T) {
	r := newRig(t)
	guest := qemu.Start(t, r.path)
	require.Equal(t, "c3", guest.Ask("00/01"))
	require.Contains(t, r.log.String(), "has no answer yet")
	require.Equal(t, "00 55 00", guest.Ask("06/04"), "its answer does not come late")
	r.end(nil)
	require.Equal(t, "00 55 00", guest.Ask("06/04"))
}

// An action is answered before its script ends. The same request again, under another number, joins
// it.
func TestSlowAction(t *testing.T) {
	r := newRig(t)
	guest := qemu.Start(t, r.path)
	require.Equal(t, "00", guest.Ask("00/02 03"))
	require.Equal(t, "00", guest.Ask("00/02 03"))
	r.end(nil)
	require.Equal(t, []provider.Verb{provider.Reset}, r.scripts())
}

// A frame that comes again, with the number that it had, does not run its script again.
func TestRepeatedRequest(t *testing.T) {
	r := newRig(t)
	guest := qemu.Start(t, r.path)
	first := qemu.Frame([]byte{0x77, 0x00, 0x02, 0x03})
	guest.Send(first)
	r.end(nil)
	guest.Send(first)
	require.Equal(t, "00 55 00", guest.Ask("06/04"))
	guest.Send(qemu.Frame([]byte{0x78, 0x28, 0x44, 0, 0, 2, 0, 0, 0, 0, 0x41, 0, 4, 1, 0x30, 1, 0x57, 0, 0}))
	guest.Send(qemu.Frame([]byte{0x78, 0x28, 0x44, 0, 0, 2, 0, 0, 0, 0, 0x41, 0, 4, 1, 0x30, 1, 0x57, 0, 0}))
	require.Regexp(t, "^00 51 02 00 ", guest.Ask("0a/40"), "the reset, and one record")
	require.Equal(t, []provider.Verb{provider.Reset}, r.scripts())
}

// Bytes that are no frame are dropped, and the connection stays.
func TestBadFrames(t *testing.T) {
	r := newRig(t)
	guest := qemu.Start(t, r.path)
	for _, b := range [][]byte{
		{0xA0, 0xA1, 0xA0}, // nothing in them
		{0x00, 0x18, 0x01, 0xE8, 0xA0},
		{0x00, 0xAA, 0xA0},
		{0xFF, 0xA1},
		{0x04, 0xA1}, // the guest was reset
		append(bytes.Repeat([]byte{0}, 3*inband.MaxFrame), 0xA0),
		append(bytes.Repeat([]byte{0xAA}, 64<<10), 0xA1),
	} {
		guest.Send(b)
		require.Equal(t, "00 55 00", guest.Ask("06/04"), "% .20x", b)
	}
	require.Equal(t, 1, guest.Connects())
}

// Half a frame of a program that has gone keeps nothing up.
func TestHalfFrame(t *testing.T) {
	r := newRig(t)
	conn, err := net.Dial("unix", r.path)
	require.NoError(t, err)
	_, err = conn.Write([]byte{0x00, 0x18})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	r.untilDropped(1)
}

func (r *rig) untilDropped(n int) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.dropped) == n
	}, time.Minute, time.Millisecond)
}

// Two programs may be connected, as while a guest moves. A third one takes the place of the
// first.
func TestConnections(t *testing.T) {
	r := newRig(t)
	first, second := qemu.Start(t, r.path), qemu.Start(t, r.path)
	for range 3 {
		require.Equal(t, "00 55 00", first.Ask("06/04"))
		require.Equal(t, "00 55 00", second.Ask("06/04"))
	}
	first.Stop()
	r.untilDropped(1)
	second.Stop()
	r.untilDropped(2)
	one, err := net.Dial("unix", r.path)
	require.NoError(t, err)
	defer one.Close()
	require.Equal(t, "00 55 00", qemu.Start(t, r.path).Ask("06/04"))
	require.Equal(t, "00 55 00", qemu.Start(t, r.path).Ask("06/04"))
	require.NoError(t, one.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = one.Read(make([]byte, 100))
	require.NoError(t, err, "what greeted it")
	_, err = one.Read(make([]byte, 100))
	require.Error(t, err)
	r.untilDropped(3)
}

// A program that does not read is cut off, and the BMC goes on.
func TestGuestDoesNotRead(t *testing.T) {
	r := newRig(t)
	conn, err := net.Dial("unix", r.path)
	require.NoError(t, err)
	defer conn.Close()
	for i := range 1 << 20 {
		if _, err := conn.Write(qemu.Frame([]byte{byte(i), 0x18, 0x04})); err != nil {
			break
		}
	}
	r.untilDropped(1)
	require.Equal(t, "00 55 00", qemu.Start(t, r.path).Ask("06/04"))
}

// The watchdog warns the guest, which asks what there is.
func TestWarning(t *testing.T) {
	r := newRig(t)
	guest := qemu.Start(t, r.path)
	require.Equal(t, "00", guest.Ask("06/2e 0f"))
	require.Equal(t, "00", guest.Ask("06/24 04 31 01 00 0b 00"), "reset after 1.1 s, interrupt 1 s before")
	require.Equal(t, "00", guest.Ask("06/22"))
	guest.UntilCommand(byte(inband.AttentionInterrupt))
	require.Equal(t, "00 0a", guest.Ask("06/31"), "and the event is in the buffer")
	require.Equal(t, "00", guest.Ask("06/30 0a"))
	guest.UntilCommand(byte(inband.NoAttention))
	r.end(nil)
	require.Equal(t, []provider.Verb{provider.Reset}, r.scripts())
	guest.UntilCommand(byte(inband.AttentionInterrupt))
	require.Equal(t, "00", guest.Ask("06/02"))
	guest.UntilCommand(byte(inband.DisableInterrupt))
	guest.UntilCommand(byte(inband.NoAttention))
}

// Cold Reset ends the sessions over LAN.
func TestColdReset(t *testing.T) {
	r := newRig(t)
	guest := qemu.Start(t, r.path)
	require.Equal(t, "00", guest.Ask("06/02"))
	require.Equal(t, "00 55 00", guest.Ask("06/04"))
	r.bmc.Enter(func() { require.Equal(t, []uint32{0x11223344}, r.ends) })
}
