package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// maxOutput is how many bytes of a query's answer are kept.
const maxOutput = 4096

// straggle is how long a query that ended may keep its standard output open, through a process that it left behind.
const straggle = 250 * time.Millisecond

// Status asks whether the machine is on. Whatever is not a clear "on" or "off" from a script that succeeds is an
// error, an *Error.
func (r *Runner) Status(ctx context.Context) (on bool, err error) {
	switch answer, err := r.query(ctx, Status); {
	case err != nil:
		return false, err
	case answer == "on", answer == "off":
		return answer == "on", nil
	default:
		return false, unclear(Status, answer, `"on" or "off"`)
	}
}

// BootDevice asks what the machine boots from. Its errors are like those of Status.
func (r *Runner) BootDevice(ctx context.Context) (Device, error) {
	answer, err := r.query(ctx, BootGet)
	if err != nil {
		return "", err
	}
	device, ok := devices[answer]
	if !ok {
		return "", unclear(BootGet, answer, "a boot device")
	}
	return device, nil
}

func unclear(v Verb, answer, want string) error {
	return &Error{Verb: v, Err: fmt.Errorf("printed %.200q, want %s", answer, want)}
}

// query runs the script of v and gives what it printed, without the white space around it.
func (r *Runner) query(ctx context.Context, v Verb) (string, error) {
	if !r.Provider.Has(v) {
		return "", &Error{Verb: v, Err: ErrNoScript}
	}
	stderr, err := r.Stderr(v)
	if err != nil {
		return "", &Error{Verb: v, Err: err}
	}
	defer stderr.Close()

	var printed head
	cmd := r.shell(ctx, v, Args{}, r.Script(v, Boot{}))
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &printed, stderr, straggle
	err = cmd.Run()
	if r.Answered != nil {
		r.Answered(string(printed), cmd.ProcessState.ExitCode())
	}

	answer := strings.TrimSpace(string(printed))
	failure := &Error{Verb: v, Output: answer, Err: err}
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		if len(printed) <= maxOutput {
			return answer, nil
		}
		failure.Err = fmt.Errorf("more than %d bytes", maxOutput)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		failure.Err = ErrTimeout
	case errors.As(err, &exit) && exit.Exited():
		failure.Exit, failure.Err = exit.ExitCode(), exitMeaning[exit.ExitCode()]
	}
	return "", failure
}

// A head keeps the first bytes written to it, one more than an answer may have, and swallows the rest.
type head []byte

func (h *head) Write(p []byte) (int, error) {
	*h = append(*h, p[:min(len(p), maxOutput+1-len(*h))]...)
	return len(p), nil
}

// ReadFrom implements io.ReaderFrom. Without, io.Copy would have a buffer of 32 KB for each script.
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
