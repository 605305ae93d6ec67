package bmc

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
)

// Values that we chose.
const (
	readPause = 100 * time.Millisecond // after a front could not read
	maxLater  = 64                     // requests that wait for a lock file or the kernel
	// maxSlice is how long Run serves without a word to Go's scheduler. After 10 ms, a thread of the Go runtime would take
	// the processor of Go away during each system call, and wake another thread for it.
	maxSlice = 5 * time.Millisecond
)

// Never is a time at which nothing is ever due.
const Never = time.Duration(math.MaxInt64)

// A Front is where requests come from: the one that the goroutine of [BMC.Run] waits on.
// All methods but Wait and Wake are called with the lock held.
type Front interface {
	// Wait waits for something to serve, but not longer than d, nor after a call of Wake.
	Wait(d time.Duration) error
	// Serve serves what Wait has found, if anything.
	Serve()
	// Wake ends a Wait that runs, or the next one. Any goroutine may call it.
	Wake()
	// NeededUntil is how long the front needs the process, in time since boot.
	NeededUntil() time.Duration
	// Sessions is how many sessions are active.
	Sessions() int
	// Due is when Serve must be called, even if nothing has come; never: not at all.
	Due(never time.Duration) time.Duration
	// MachineStarted is called when an action has started the machine.
	MachineStarted()
}

// A Companion is a front that has goroutines of its own, beside the one that Run waits on. Its
// requests come in by [BMC.Enter]. The methods are called with the lock held.
type Companion interface {
	// NeededUntil is how long the front needs the process, in time since boot.
	NeededUntil() time.Duration
	// Sessions is how many sessions are active.
	Sessions() int
	// JobOver is called when a job has its outcome, also a job that ended in an earlier process.
	JobOver(*jobs.Job)
	// Leave is called when the process is about to end: from then on, Enter does nothing.
	Leave()
}

// Scripts runs the scripts of the provider.
type Scripts interface {
	// Load reads the provider's files, if they have changed.
	Load(ctx context.Context) (Runner, error)
	// Adopt waits for a script that an earlier process began, and says how it ended.
	Adopt(ctx context.Context, v provider.Verb, path string) error
	// Former returns what the managed system booted from before "boot set" set a boot device,
	// if [provider.Args.Remember] asked for it and ForgetFormer was not called since. Without
	// a device there is nothing.
	Former() provider.Boot
	ForgetFormer()
}

// A Runner runs the scripts of a provider as its files were when it was loaded.
type Runner interface {
	Has(provider.Verb) bool
	// Sensors are those that the provider has.
	Sensors() provider.Sensors
	// Query runs the script of a verb that asks for something. For another verb it says only
	// whether there is a script.
	Query(context.Context, provider.Verb, provider.Args) machine.Reading
	// Act runs the script of a verb that does something, and says how it ended.
	Act(context.Context, provider.Verb, provider.Args, *actionlog.File) error
}

// A Config is what a [BMC] takes from its caller. All fields must be set.
type Config struct {
	Machine *machine.Machine
	Scripts Scripts
	Actions *actionlog.Log
	Save    func(machine.State) error // makes the state outlast the process; may take long
	// Clock counts from the boot of the host, while it sleeps too.
	Clock   func() time.Duration
	Idle    time.Duration // without an answer, until Run returns
	Answer  time.Duration // after which an action is answered, over or not
	Query   time.Duration // time limit of a script that asks for something
	Action  time.Duration // time limit of a script that does something
	Media   time.Duration // time limit of a script that inserts an image
	Logins  media.Logins  // of the servers of images that are being inserted
	Restore bool          // the power restore policy can be carried out now
	// Record lays out an entry of the event log as IPMI has it.
	Record func(machine.Entry) []byte
	// Status tells the operator in a few words what goes on.
	Status func(string)
	// Alive tells a supervisor that the BMC works, at least once in AliveEvery; never if
	// that is 0.
	Alive      func()
	AliveEvery time.Duration
	// Upgrade translates an action file that version 1 wrote.
	Upgrade func(*actionlog.Record) error
	Log     *slog.Logger
}

// A BMC is one BMC while its process runs.
type BMC struct {
	Config
	Jobs jobs.Table

	// mu guards Machine, Jobs, the fields below, and the fields of the fronts. It is never held
	// while waiting for a datagram, a script, a disk, a lock file, netlink or journald.
	mu       sync.Mutex
	front    Front
	beside   []Companion
	ended    bool            // results of workers are left to the next process
	scripts  context.Context // of all scripts
	workers  sync.WaitGroup
	now      time.Duration // when the lock was taken: asking the clock is a system call
	clock    time.Time     // of day, then
	until    time.Duration // when Run does what is due, if nothing comes before
	answered time.Duration // when something was last answered
	alive    time.Duration // when Alive was last called
	yielded  time.Duration // when Run last let the Go runtime choose what runs next
	later    int           // how many calls of Later have not ended
	store    store
	// additions are those to the event log that were told of.
	additions uint64
	hooks     hooks
	logins    []string // names of files in Logins
	aborts    map[*jobs.Job]context.CancelCauseFunc
	told      situation
	last      scriptEnd
	queries   queryLog
}

// New returns a BMC that has not begun to serve. [BMC.Enter] waits until it has: before that,
// nothing is known of earlier processes.
func New(c Config) *BMC {
	b := &BMC{Config: c, aborts: make(map[*jobs.Job]context.CancelCauseFunc), queries: make(queryLog)}
	b.Jobs = jobs.Table{
		AnswerAfter: c.Answer,
		Start:       b.start,
		Keep:        b.keep,
		Promise:     b.promise,
		Withdraw:    b.withdraw,
		Over:        b.over,
		Abort:       func(j *jobs.Job) { b.aborts[j](provider.ErrSuperseded) },
		Forget:      b.forget,
		Ask:         b.ask,
	}
	b.store.saved = c.Machine.State
	b.additions = c.Machine.State.Events.Additions
	b.mu.Lock() // for Run
	return b
}

// Now is the time at which the lock was taken.
func (b *BMC) Now() machine.Moment { return machine.Moment{Uptime: b.now, Clock: b.clock} }

// Uptime is the part of [BMC.Now] that counts from the boot of the host.
func (b *BMC) Uptime() time.Duration { return b.now }

// tick notes when the lock was taken.
func (b *BMC) tick() { b.now, b.clock = b.Clock(), time.Now() }

// Answered notes that a client was answered, which begins the idle time anew.
func (b *BMC) Answered() { b.answered = b.now }

// Run serves a front, and those beside it, once, until ctx is cancelled or the BMC is idle. Neither is an error. What
// must outlast the process is in its files at any time; an action that still runs is left to
// the next process.
func (b *BMC) Run(ctx context.Context, front Front, beside ...Companion) error {
	var cancel context.CancelFunc
	b.scripts, cancel = context.WithCancel(context.Background())
	b.front, b.beside = front, beside
	defer b.handOver()
	defer b.workers.Wait()
	defer cancel()
	defer func() {
		for _, c := range beside {
			c.Leave()
		}
		b.ended = true
		b.mu.Unlock()
	}()
	defer context.AfterFunc(ctx, front.Wake)()
	b.tick()
	b.answered, b.alive = b.now, b.now
	if err := b.adopt(); err != nil {
		return err
	}
	b.recallChanges()
	b.recallLogins()
	if b.Restore {
		b.restore()
	}
	b.serve(ctx)
	return nil
}

// serve serves until there is nothing to do, or ctx ends.
func (b *BMC) serve(ctx context.Context) {
	for {
		wait := b.settle()
		if wait <= 0 || ctx.Err() != nil {
			return
		}
		b.until = b.now + wait
		// While a job runs, another thread would otherwise have to find the worker that was just started.
		yields := b.Jobs.Busy() || b.now-b.yielded > maxSlice
		if yields {
			b.yielded = b.now
		}
		b.mu.Unlock()
		if yields {
			runtime.Gosched()
		}
		if err := b.front.Wait(wait); err != nil {
			b.Log.Warn("cannot read", "err", err)
			time.Sleep(readPause)
		}
		b.mu.Lock()
		b.tick()
		b.front.Serve()
	}
}

// Enter lets do work on everything that the lock guards, does what has become due, and wakes
// Run if it must do something sooner than it knows. It does nothing and returns false if the
// process is about to end.
func (b *BMC) Enter(do func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return false
	}
	b.tick()
	do()
	if b.now+b.settle() < b.until {
		b.front.Wake()
	}
	return true
}

// work has a worker do something without the lock, and what follows with it.
func (b *BMC) work(do func() (then func())) {
	b.workers.Go(func() { b.Enter(do()) })
}

// Later has a worker do something without the lock that may take long, and what follows
// with it. If too much of that goes on, Later returns an error.
func (b *BMC) Later(do func() (then func())) error {
	if b.later >= maxLater {
		return errTooMuchLater
	}
	b.later++
	b.work(func() func() {
		then := do()
		return func() {
			b.later--
			then()
		}
	})
	return nil
}

var errTooMuchLater = errors.New("too many requests wait for a lock file or the kernel")

// settle does what is due, and returns how long nothing else will be; 0 means for ever: the
// BMC is idle.
func (b *BMC) settle() time.Duration {
	if left, warns := b.Machine.WarningLeft(b.Now()); warns && left == 0 {
		b.Machine.WatchdogWarns(b.Now())
	}
	if left, running := b.Machine.WatchdogLeft(b.Now()); running && left == 0 {
		b.watchdogExpired()
	}
	b.Jobs.Expire(b.now)
	if b.now >= b.aliveDue() {
		b.alive = b.now
		b.Alive()
	}
	b.noteEntries()
	b.store.flush(b)
	b.restart()
	b.restoreBoot()
	b.forgetLogins()
	b.report()
	return b.wait()
}

// aliveDue is when Alive must be called next.
func (b *BMC) aliveDue() time.Duration {
	if b.AliveEvery == 0 {
		return Never
	}
	return b.alive + b.AliveEvery
}

// wait is how long nothing is due; 0 if nothing ever will be. The process stays for its
// watchdog, for the end of a boot override, for what a front needs it for, while a script
// runs or the state is not saved, and as long as a client may repeat a change, which the
// next process would make again.
func (b *BMC) wait() time.Duration {
	due := Never
	if left, running := b.Machine.WatchdogLeft(b.Now()); running {
		due = b.now + left
	}
	if left, warns := b.Machine.WarningLeft(b.Now()); warns {
		due = min(due, b.now+left)
	}
	if left, known := b.Machine.FormerLeft(b.Now()); known && left > 0 {
		due = min(due, b.now+left)
	}
	until := max(b.answered+b.Idle, b.Jobs.RepeatableUntil(), b.front.NeededUntil())
	for _, c := range b.beside {
		until = max(until, c.NeededUntil())
	}
	switch {
	case due != Never:
		until = due
	case b.Jobs.Busy() || b.store.pending(b) || b.later > 0 || b.hooks.running:
		until = b.now + b.Idle
	case b.now >= until:
		return 0
	}
	return max(min(until, b.Jobs.Due(Never), b.front.Due(Never), b.aliveDue())-b.now, time.Millisecond)
}

// watchdogExpired carries out the action of the watchdog timer, once the state says that
// the timer has expired, or cannot be saved.
func (b *BMC) watchdogExpired() {
	verb := b.Machine.WatchdogExpired(b.Now())
	if verb == "" {
		return
	}
	b.Stored(func(error) { b.perform(machine.Intent{Verb: verb}, "watchdog", machine.CauseWatchdog) })
}

// restore carries out the power restore policy, once the state says so: a policy that cannot
// be saved as carried out would be carried out at every start of the process.
func (b *BMC) restore() {
	cause := b.Machine.RestoreAtBoot()
	if cause == machine.CauseUnknown {
		return
	}
	b.Stored(func(err error) {
		if err == nil {
			b.perform(machine.Intent{Verb: provider.On}, "restore policy", cause)
		}
	})
}

// restart starts the machine after a guest that was asked to shut down for a restart, once the
// state says so.
func (b *BMC) restart() {
	if b.Jobs.Acting() || b.store.pending(b) {
		return
	}
	if intent, cause, due := b.Machine.Restarts(); due {
		b.perform(intent, "restart", cause)
	}
}

// restoreBoot sets the boot device again that was there before an override that has ended,
// once the state says so. A start that comes first does it itself: see [provider.Args.Former].
func (b *BMC) restoreBoot() {
	if b.Jobs.Acting() || b.store.pending(b) {
		return
	}
	if intent, due := b.Machine.RestoreBoot(b.Now()); due {
		b.perform(intent, "boot override", machine.CauseUnknown)
	}
}

// over implements [jobs.Table.Over].
func (b *BMC) over(j *jobs.Job) {
	for _, c := range b.beside {
		c.JobOver(j)
	}
}

// perform has an intent carried out that no client asked for.
func (b *BMC) perform(i machine.Intent, user string, cause machine.Cause) {
	b.Jobs.Perform(i, machine.Asker{User: user, Via: "bmc"}, cause, b.now)
}
