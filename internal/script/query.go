package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// maxOutput is how many bytes of a query's answer are kept.
const maxOutput = 4096

// pipeGrace is how long a query waits for the end of its standard output after the script has
// ended, because a process that the script left in the background may keep it open.
const pipeGrace = 250 * time.Millisecond

// Query runs the script of a verb that asks the managed machine: [provider.Status],
// [provider.BootGet] or [provider.FRUGet]. Of another verb, and of one without a script, the
// reading holds only Has. A wrong answer is an error, also if the script succeeds. Errors are
// a [*provider.Error].
//
// When ctx ends, the process group of the script is killed. A script that cannot be killed (a
// process in state D, or one that has changed its user) is left behind: Query returns
// killGrace after the end of ctx in any case.
func (r *Runner) Query(ctx context.Context, v provider.Verb) machine.Reading {
	reading := machine.Reading{Has: r.Has(v)}
	parse, asks := answers[v]
	if !reading.Has || !asks {
		return reading
	}
	answer, err := r.query(ctx, v)
	if err != nil {
		reading.Err = err
		return reading
	}
	reading.Err = parse(answer, &reading)
	return reading
}

// answers parses what the scripts of queries print.
var answers = map[provider.Verb]func(string, *machine.Reading) error{
	provider.Status: func(answer string, r *machine.Reading) error {
		r.On = answer == "on"
		if answer != "on" && answer != "off" {
			return unclear(provider.Status, answer, `"on" or "off"`)
		}
		return nil
	},
	provider.BootGet: func(answer string, r *machine.Reading) error {
		var known bool
		if r.Device, known = provider.ParseDevice(answer); !known {
			return unclear(provider.BootGet, answer, "a boot device")
		}
		return nil
	},
	provider.FRUGet: func(answer string, r *machine.Reading) (err error) {
		if r.FRU, err = parseFRU(answer); err != nil {
			return &provider.Error{Verb: provider.FRUGet, Output: answer, Err: err}
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
func (r *Runner) query(ctx context.Context, v provider.Verb) (string, error) {
	p, returned := within(ctx, func() printed { return r.run(ctx, v) })
	if !returned {
		r.warn("query left behind: its process cannot be killed, or its log cannot be opened", v)
		return "", &provider.Error{Verb: v, Err: ended(ctx)}
	}
	if r.Answered != nil {
		r.Answered(string(p.text), p.exit)
	}
	answer := strings.TrimSpace(string(p.text))
	failure := &provider.Error{Verb: v, Err: p.err}
	var exit *exec.ExitError
	switch {
	case p.err == nil, errors.Is(p.err, exec.ErrWaitDelay):
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

// run runs the script of a query to its end.
func (r *Runner) run(ctx context.Context, v provider.Verb) (p printed) {
	stderr, err := r.Stderr(v)
	if err != nil {
		return printed{exit: -1, err: err}
	}
	defer stderr.Close()
	cmd := r.shell(ctx, v, provider.Args{}, r.Provider.Shell, r.Script(v, provider.Boot{}))
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &p.text, stderr, pipeGrace
	p.err = cmd.Run()
	p.exit = cmd.ProcessState.ExitCode()
	return p
}

// A head keeps the first bytes written to it, one more than an answer may have, and drops the rest.
type head []byte

func (h *head) Write(p []byte) (int, error) {
	*h = append(*h, p[:min(len(p), maxOutput+1-len(*h))]...)
	return len(p), nil
}

// ReadFrom implements io.ReaderFrom. Without it, io.Copy would allocate a buffer of 32 KB for each script.
func (h *head) ReadFrom(r io.Reader) (n int64, err error) {
	for b := make([]byte, 512); err == nil; {
		var read int
		read, err = r.Read(b)
		n += int64(read)
		_, _ = h.Write(b[:read])
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}
