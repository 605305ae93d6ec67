package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// maxOutput is how many bytes of a query's answer are kept.
const maxOutput = 4096

// pipeGrace is how long a query waits for the end of its standard output after the script has
// ended, because a process that the script left in the background may keep it open.
const pipeGrace = 250 * time.Millisecond

// Query runs the script of a verb that asks the managed machine: [provider.Status],
// [provider.BootGet], [provider.FRUGet], [provider.MediaGet], [provider.SensorsGet], that of an IPMI command that changes
// nothing, or the hook [provider.EventsAdded], which has no answer. Of another verb, and of one without a script, the reading holds only Has. A wrong answer is an error, also if the script succeeds. Errors are
// a [*provider.Error].
//
// When ctx ends, the process group of the script is killed. A script that cannot be killed (a
// process in state D, or one that has changed its user) is left behind: Query returns between
// one and two killGrace after the end of ctx.
func (r *Runner) Query(ctx context.Context, v provider.Verb, args provider.Args) machine.Reading {
	reading := machine.Reading{Has: r.Has(v)}
	if !reading.Has || !v.Asks() && v != provider.EventsAdded {
		return reading
	}
	answer, err := r.query(ctx, v, args)
	if err != nil {
		reading.Err = err
		return reading
	}
	if v.IsCommand() {
		if reading.Response, err = provider.ParseResponse(answer); err != nil {
			reading.Err = &provider.Error{Verb: v, Err: err}
		}
		return reading
	}
	if parse, asks := answers[v]; asks {
		reading.Err = parse(r, answer, &reading)
	}
	return reading
}

// answers parses what the scripts of queries print.
var answers = map[provider.Verb]func(*Runner, string, *machine.Reading) error{
	provider.Status: func(_ *Runner, answer string, r *machine.Reading) error {
		r.On = answer == "on"
		if answer != "on" && answer != "off" {
			return unclear(provider.Status, answer, `"on" or "off"`)
		}
		return nil
	},
	provider.BootGet: func(_ *Runner, answer string, r *machine.Reading) error {
		var known bool
		if r.Device, known = provider.ParseDevice(answer); !known {
			return unclear(provider.BootGet, answer, "a boot device")
		}
		return nil
	},
	provider.FRUGet: func(_ *Runner, answer string, r *machine.Reading) (err error) {
		if r.FRU, err = parseFRU(answer); err != nil {
			return &provider.Error{Verb: provider.FRUGet, Output: answer, Err: err}
		}
		return nil
	},
	provider.MediaGet: func(_ *Runner, answer string, r *machine.Reading) error {
		if !utf8.ValidString(answer) || strings.ContainsFunc(answer, unicode.IsControl) {
			return unclear(provider.MediaGet, answer, "the URL or the name of an image in one line, or nothing")
		}
		r.Media = answer
		return nil
	},
	provider.SensorsGet: func(runner *Runner, answer string, r *machine.Reading) (err error) {
		if r.Values, err = parseReadings(answer, runner.Sensors()); err != nil {
			return &provider.Error{Verb: provider.SensorsGet, Err: err}
		}
		return nil
	},
}

func unclear(v provider.Verb, answer, want string) error {
	return &provider.Error{Verb: v, Err: fmt.Errorf("printed %.200q, want %s", answer, want)}
}

// printed is how the process of a query ended, and what it printed.
type printed struct {
	text head
	exit int // -1: none
	err  error
}

// query runs the script of v and returns what it printed, without white space around it.
func (r *Runner) query(ctx context.Context, v provider.Verb, args provider.Args) (string, error) {
	p := r.run(ctx, v, args)
	if errors.Is(p.err, errLeft) {
		r.warn("query left behind: its process cannot be killed", v)
		return "", &provider.Error{Verb: v, Err: ended(ctx)}
	}
	if r.Answered != nil {
		r.Answered(string(p.text), p.exit)
	}
	answer := strings.TrimSpace(string(p.text))
	failure := &provider.Error{Verb: v, Err: p.err}
	var exit *exec.ExitError
	switch {
	case p.err == nil:
		if len(p.text) <= maxOutput {
			return answer, nil
		}
		failure.Err = fmt.Errorf("more than %d bytes", maxOutput)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		failure.Err = provider.ErrTimeout
	case errors.As(p.err, &exit) && exit.Exited():
		failure = provider.ExitError(v, exit.ExitCode())
	}
	failure.Output = answer
	return "", failure
}

// errLeft means that the process of a query was killed and has not ended.
var errLeft = errors.New("left behind")

// run runs the script of a query to its end. The goroutine waits in poll(2), for the output and for the end of the process
// at once. With the goroutines and the network poller of package os/exec, a status would take a tenth longer.
func (r *Runner) run(ctx context.Context, v provider.Verb, args provider.Args) printed {
	p := printed{exit: -1}
	stderr, err := r.Stderr(v)
	if err != nil {
		p.err = err
		return p
	}
	defer stderr.Close()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		p.err = fmt.Errorf("pipe: %w", err)
		return p
	}
	defer unix.Close(pipe[0])
	stdout, process := os.NewFile(uintptr(pipe[1]), "pipe"), -1
	program := r.Script(v, provider.Boot{})
	if v == provider.EventsAdded {
		program = "exec >&2\n" + program // it has no answer, so what it prints is for the journal
	}
	cmd := r.shell(v, args, r.Provider.Shell, program)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr.PidFD = stdout, stderr, &process
	err = cmd.Start()
	stdout.Close()
	if err != nil {
		p.err = err
		return p
	}
	defer unix.Close(process)
	unkill := context.AfterFunc(ctx, func() { _ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) })
	var ended bool
	if p.text, ended = read(ctx, pipe[0], process); !ended {
		go cmd.Wait() //nolint:errcheck // only to reap it
		p.err = errLeft
		return p
	}
	unkill() // before the number of the process can belong to another one
	p.err = cmd.Wait()
	p.exit = cmd.ProcessState.ExitCode()
	return p
}

// read reads a pipe until its writers have closed it, or pipeGrace after the end of a process, a pidfd. If the process has
// not ended killGrace after the end of ctx, read returns false.
func read(ctx context.Context, pipe, process int) (text head, ended bool) {
	polled := []unix.PollFd{{Fd: int32(pipe), Events: unix.POLLIN}, {Fd: int32(process), Events: unix.POLLIN}}
	output, exit := &polled[0], &polled[1]
	grace := killGrace
	var over <-chan time.Time // the end of grace; nil: it has not begun
	for b := make([]byte, 512); output.Fd >= 0 || exit.Fd >= 0; {
		if over == nil && (exit.Fd < 0 || ctx.Err() != nil) {
			over = time.After(grace)
		}
		n, err := unix.Poll(polled, int(grace.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) || hasEnded(over) {
			break
		}
		if n <= 0 {
			continue
		}
		if output.Revents != 0 {
			n, err := unix.Read(pipe, b)
			if err != nil || n == 0 {
				output.Fd = -1
			}
			text.add(b[:max(n, 0)])
		}
		if exit.Revents != 0 {
			exit.Fd, grace = -1, pipeGrace
		}
	}
	return text, exit.Fd < 0
}

func hasEnded(grace <-chan time.Time) bool {
	select {
	case <-grace:
		return true
	default:
		return false
	}
}

// A head keeps the first bytes that are added to it, one more than an answer may have, and drops the rest.
type head []byte

func (h *head) add(p []byte) { *h = append(*h, p[:min(len(p), maxOutput+1-len(*h))]...) }
