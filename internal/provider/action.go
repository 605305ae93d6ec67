package provider

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed action.sh
var actionProgram string

// actionLine matches what action.sh writes into the action file, and what kill does.
var actionLine = regexp.MustCompile(`(?m)^action: (pid|exit|killed) (\w+)\n`)

// killed is why an action was killed, as the action file says it.
var killed = map[string]error{"timeout": ErrTimeout, "superseded": ErrSuperseded}

// Act runs the action v to its end, with args for those verbs that have some.
//
// file is the path of the action file: a regular file that the caller made for this action, with a header of its own
// in it, of whole lines that do not begin with "action:". As long as it exists, any process can learn from Adopt what
// became of the action. The file is locked while the action runs; if it is already, Act starts nothing: ErrBusy.
//
// Where "boot get" can tell what to go back to, a boot device that is not persistent holds for one successful On, Cycle
// or Reset: see oneShot. That belongs to the action and to its time, but its failure is not one of the action.
//
// When the deadline of ctx is reached, or ctx is cancelled because of ErrSuperseded, the action's process group is
// killed. When ctx is cancelled otherwise, Act returns at once and the action goes on, to be adopted. Errors are *Error.
func (r *Runner) Act(ctx context.Context, v Verb, args Args, file string) error {
	if !r.Provider.Has(v) {
		return &Error{Verb: v, Err: ErrNoScript}
	}
	args.Boot.Device = cmp.Or(args.Boot.Device, DeviceNone)
	if err := r.start(v, args, file); err != nil {
		return &Error{Verb: v, Err: err}
	}
	return Adopt(ctx, v, file)
}

// start begins an action that shares its lock on the action file with nobody, not even us: the lock belongs to the
// open file, and our descriptor of it is closed on return.
func (r *Runner) start(v Verb, args Args, file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	} else if err != nil {
		return err
	}
	stderr, err := r.Stderr(v)
	if err != nil {
		return err
	}
	defer stderr.Close()

	boot := args.Boot
	once := r.oneShot(v, boot, stderr)
	cmd := r.shell(context.Background(), v, args, actionProgram, "action", v.Identifier(),
		r.Script(Status, boot), r.Script(On, boot), r.Script(Off, boot), r.Script(v, boot),
		once.get, once.before, once.after)
	cmd.Stdout, cmd.Stderr = stderr, stderr
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() //nolint:errcheck // only to reap it: how it ended is in the action file
	return nil
}

// Adopt waits for the end of an action that this or an earlier process began with Act, and says what became of it in
// the same way. An action that left no exit status was killed, or never began: ErrLost.
func Adopt(ctx context.Context, v Verb, file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return &Error{Verb: v, Err: err}
	}
	defer f.Close() // open until the end, so that the action can be killed though its file be removed
	waits, err := os.Open(file)
	if err != nil {
		return &Error{Verb: v, Err: err}
	}
	end := make(chan error, 1)
	go func() {
		defer waits.Close()
		end <- outcome(v, waits)
	}()

	select {
	case err := <-end:
		return err
	case <-ctx.Done():
	}
	why := "timeout"
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, ErrSuperseded):
		why = "superseded"
	case !errors.Is(cause, context.DeadlineExceeded):
		return &Error{Verb: v, Err: cause}
	}
	for {
		kill(f, why)
		select {
		case err := <-end:
			return err
		case <-time.After(100 * time.Millisecond): // it had not written its pid yet
		}
	}
}

// outcome waits until nobody holds the lock on the action file and reads what became of the action.
func outcome(v Verb, f *os.File) error {
	if err := flock(f, syscall.LOCK_SH); err != nil {
		return &Error{Verb: v, Err: err}
	}
	text, err := contents(f)
	if err != nil {
		return &Error{Verb: v, Err: err}
	}
	switch exit, err := strconv.Atoi(written(text, "exit")); {
	case err != nil:
		return &Error{Verb: v, Err: cmp.Or(killed[written(text, "killed")], ErrLost)}
	case exit != 0:
		return &Error{Verb: v, Exit: exit, Err: exitMeaning[exit]}
	default:
		return nil
	}
}

// kill ends the process group of an action that runs. Why comes first, into its file: this process may die too.
func kill(f *os.File, why string) {
	if group := running(f); group != 0 {
		_, _ = fmt.Fprintf(f, "action: killed %s\n", why)
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}

// Running returns the process group of the action that file belongs to; 0 if it does not run, or has not come so far.
func Running(file string) (group int) {
	f, err := OpenAction(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	return running(f)
}

// OpenAction opens an action file to read it. At its path there may be anything, also by way of links: who asks may be
// root, and whose file it is, not. What is not a regular file is refused without being opened, because that alone has
// a pipe keep us waiting, and a device do something.
func OpenAction(file string) (*os.File, error) {
	fd, err := unix.Open(file, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: file, Err: err}
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: file, Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("action file: %s is not a regular file", file)
	}
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
}

// running is Running for a file that is open. Only the lock, held by the group's leader or for it by what runs its
// script, makes the number valid: when the action has ended, all that may be left of the group is a guest.
func running(f *os.File) (group int) {
	if !errors.Is(flock(f, syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
		return 0
	}
	text, err := contents(f)
	if err != nil {
		return 0
	}
	if group, _ = strconv.Atoi(written(text, "pid")); group == 1 {
		return 0 // to kill that group is to kill everything
	}
	return group
}

func contents(f *os.File) (string, error) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
	return string(text), err
}

// written is what the action file has under key; empty if nothing.
func written(text, key string) string {
	for _, line := range actionLine.FindAllStringSubmatch(text, -1) {
		if line[1] == key {
			return line[2]
		}
	}
	return ""
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
