package bmc

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
)

// A rig is a BMC without a front. Its scripts take as long as the test says.
type rig struct {
	*BMC
	t        *testing.T
	dir      string
	mu       sync.Mutex // guards what the scripts know
	duration time.Duration
	scripts  []string      // that ran or were adopted, with the logins that they were given
	lacks    provider.Verb // has no script
	begun    time.Time
	sequence uint32
	answers  []machine.Outcome
	cancel   func()
	ended    chan error
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), begun: time.Now()}
	r.start()
	return r
}

func (r *rig) start() {
	r.make()
	r.run()
}

// make makes a BMC that does not serve yet.
func (r *rig) make() {
	file := StateFile{Dir: r.dir, HostBoot: "first"}
	state, err := file.Load()
	require.NoError(r.t, err)
	log := slog.New(slog.DiscardHandler)
	r.BMC = New(Config{
		Record:  func(machine.Entry) []byte { return nil },
		Machine: &machine.Machine{State: state, HostBoot: "first", Log: log},
		Scripts: r,
		Actions: &actionlog.Log{Dir: filepath.Join(r.dir, "actions"), HostBoot: "first"},
		Save:    file.Save,
		Clock:   func() time.Duration { return time.Hour + time.Since(r.begun) },
		Idle:    10 * time.Second, Answer: 2 * time.Second, Query: 15 * time.Second, Action: 5 * time.Minute,
		Media: 30 * time.Minute, Logins: media.Logins{Dir: r.dir},
		Status: func(string) {}, Alive: func() {}, Log: log,
	})
}

func (r *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	b, ended, front := r.BMC, make(chan error, 1), make(quietFront, 1)
	r.cancel, r.ended = cancel, ended
	go func() { ended <- b.Run(ctx, front) }()
	synctest.Wait()
}

// pass lets time pass.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// take says how long scripts take that begin from now on.
func (r *rig) take(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.duration = d
}

// ran returns the scripts that ran.
func (r *rig) ran() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.scripts)
}

// told returns what the clients were told.
func (r *rig) told() []machine.Outcome {
	r.BMC.mu.Lock()
	defer r.BMC.mu.Unlock()
	return slices.Clone(r.answers)
}

// media is what the state says of the drive.
func (r *rig) media() machine.Media {
	r.BMC.mu.Lock()
	defer r.BMC.mu.Unlock()
	return r.Machine.State.Media
}

// kill has the process end while its scripts go on.
func (r *rig) kill() {
	r.cancel()
	require.NoError(r.t, <-r.ended)
}

// asks has a client ask for an intent.
func (r *rig) asks(intent func() machine.Intent) {
	r.Enter(func() {
		r.sequence++
		request := jobs.Request{Session: r.sequence, Sequence: 1, Key: 1, At: r.Uptime()}
		answer := func(o machine.Outcome) {
			r.answers = append(r.answers, o)
			r.Answered()
		}
		r.Jobs.Submit(intent(), machine.Asker{User: "admin"}, jobs.Call[machine.Outcome]{Request: request, Answer: answer})
	})
	synctest.Wait()
}

// insert has a client ask for an image, with the password of its server if there is one.
func (r *rig) insert(url, password string) {
	r.asks(func() machine.Intent {
		image := machine.Media{URL: url}
		if password != "" {
			var err error
			image, err = r.WithLogin(image, "admin", password)
			require.NoError(r.t, err)
		}
		return machine.Intent{Verb: provider.MediaInsert, Media: image}
	})
}

func (r *rig) ask(v provider.Verb) { r.asks(func() machine.Intent { return machine.Intent{Verb: v} }) }

func (r *rig) logins() []string {
	names, err := r.Logins.Names()
	require.NoError(r.t, err)
	return names
}

// quietFront implements Front: nothing ever comes.
type quietFront chan bool

func (f quietFront) Wait(d time.Duration) error {
	select {
	case <-f:
	case <-time.After(d):
	}
	return nil
}

func (f quietFront) Wake() {
	select {
	case f <- true:
	default:
	}
}

func (quietFront) Serve()                                {}
func (quietFront) NeededUntil() time.Duration            { return 0 }
func (quietFront) Sessions() int                         { return 0 }
func (quietFront) Due(never time.Duration) time.Duration { return never }
func (quietFront) MachineStarted()                       {}

// The rig implements Scripts and Runner.
func (r *rig) Load(context.Context) (Runner, error) { return r, nil }
func (r *rig) Former() provider.Boot                { return provider.Boot{} }
func (r *rig) ForgetFormer()                        {}
func (r *rig) Has(v provider.Verb) bool             { return v != provider.MediaGet && v != r.lacks }
func (r *rig) Sensors() (none provider.Sensors)     { return none }
func (r *rig) Query(context.Context, provider.Verb, provider.Args) (none machine.Reading) {
	return none
}

func (r *rig) Act(ctx context.Context, v provider.Verb, args provider.Args, _ *actionlog.File) error {
	return r.script(ctx, v, strings.TrimSpace(string(v)+" "+args.Media.Login))
}

func (r *rig) Adopt(ctx context.Context, v provider.Verb, _ string) error {
	return r.script(ctx, v, "adopted "+string(v))
}

func (r *rig) script(ctx context.Context, v provider.Verb, text string) error {
	r.mu.Lock()
	r.scripts = append(r.scripts, text)
	takes := r.duration
	r.mu.Unlock()
	select {
	case <-time.After(takes):
		return nil
	case <-ctx.Done():
	}
	if context.Cause(ctx) == provider.ErrSuperseded {
		return &provider.Error{Verb: v, Err: provider.ErrSuperseded}
	}
	if ctx.Err() == context.DeadlineExceeded {
		return &provider.Error{Verb: v, Err: provider.ErrTimeout}
	}
	return ctx.Err()
}

// An insert has a time limit of its own, and a reset waits for its end.
func TestInsertTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.kill()
		r.take(29 * time.Minute)
		r.insert("http://h/a.iso", "")
		r.pass(3 * time.Second)
		require.Equal(t, []machine.Outcome{machine.Accepted}, r.told())
		r.pass(29*time.Minute - 3500*time.Millisecond)
		r.ask(provider.Reset)
		require.Equal(t, []string{"media insert"}, r.ran())
		r.take(time.Second)
		r.pass(time.Second)
		require.Equal(t, []string{"media insert", "power reset"}, r.ran())
		r.pass(2 * time.Second)
		require.Equal(t, []machine.Outcome{machine.Accepted, machine.Done}, r.told())
		require.Equal(t, "http://h/a.iso", r.media().URL)

		r.insert("http://h/b.iso", "")
		require.Equal(t, machine.WrongState, r.told()[2])
		require.Len(t, r.ran(), 2)

		r.ask(provider.MediaEject)
		r.take(time.Hour)
		r.pass(time.Second)
		r.insert("http://h/b.iso", "")
		r.pass(31 * time.Minute)
		require.Zero(t, r.media())
	})
}

// Two clients that ask for the same image with the same login share one insert, also if the
// process dies in between. Nothing of the password is in the file of the action or in the state.
func TestEqualInsertsAreJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.take(time.Minute)
		r.insert("http://h/a.iso", "sesame")
		r.insert("http://h/a.iso", "sesame")
		require.Len(t, r.logins(), 1)
		require.Equal(t, []string{"media insert " + r.logins()[0]}, r.ran())
		require.True(t, r.Logins.Has(r.logins()[0], "user = \"admin:sesame\"\n"))

		r.kill()
		require.Len(t, r.logins(), 1, "the script goes on")
		files, err := filepath.Glob(filepath.Join(r.dir, "actions", "action.*"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		text, err := os.ReadFile(files[0])
		require.NoError(t, err)
		require.NotContains(t, string(text), "sesame")
		require.Contains(t, string(text), "http://h/a.iso")

		r.start()
		require.Equal(t, "adopted media insert", r.ran()[1])
		r.insert("http://h/a.iso", "sesame")
		require.Len(t, r.ran(), 2)
		require.Len(t, r.logins(), 1)
		r.pass(time.Minute)
		require.Empty(t, r.logins())
		require.Equal(t, machine.Media{URL: "http://h/a.iso"}, r.media())
		r.kill()
		state, err := os.ReadFile(filepath.Join(r.dir, stateName))
		require.NoError(t, err)
		require.NotContains(t, string(state), "sesame")
	})
}

// The file of a login goes with its insert, however that ends.
func TestLoginsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.take(time.Minute)
		r.insert("http://h/a.iso", "sesame")
		r.insert("http://h/a.iso", "another")
		require.Len(t, r.logins(), 2, "another password is another request")
		r.insert("http://h/b.iso", "sesame")
		require.Len(t, r.logins(), 2, "busy: one waits already")
		require.Equal(t, []machine.Outcome{machine.Busy}, r.told())
		r.pass(3 * time.Second)
		require.Len(t, r.logins(), 1, "nobody waits for the second any more")
		r.ask(provider.MediaEject)
		synctest.Wait()
		require.Empty(t, r.logins())
		r.kill()

		stray, err := r.Logins.Create("x")
		require.NoError(t, err)
		r.start()
		require.NotContains(t, r.logins(), stray, "no action needs it")
		_, err = r.WithLogin(machine.Media{}, "a\nb", "x")
		require.Error(t, err)
		require.Empty(t, r.logins())
		r.kill()
	})
}
