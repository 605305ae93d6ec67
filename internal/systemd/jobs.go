package systemd

import (
	"context"
	"errors"
	"fmt"

	godbus "github.com/godbus/dbus/v5"
)

// errJob means that systemd accepted a job and the job failed.
var errJob = errors.New("the systemd job did not succeed")

// errLost means that the connection ended before the jobs did.
var errLost = errors.New("the connection to systemd was lost")

// ordersAtOnce is how many orders wait for their answers at the same time. systemd handles
// one after the other, and need not wait for the next.
const ordersAtOnce = 64

const jobRemoved = "org.freedesktop.systemd1.Manager.JobRemoved"

// batch calls a method of systemd's manager that begins a job, such as StartUnit, for many
// units, and waits for all jobs. It returns why units failed.
func (s *Manager) batch(ctx context.Context, method string, units []string) map[string]error {
	b := batch{
		answers: make(chan *godbus.Call, ordersAtOnce),
		signals: make(chan *godbus.Signal, ordersAtOnce),
		waiting: make(map[godbus.ObjectPath]string),
		ended:   make(map[godbus.ObjectPath]string),
		failed:  make(map[string]error),
	}
	s.bus.Signal(b.signals)
	defer s.bus.RemoveSignal(b.signals)
	manager := s.bus.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
	sent, unanswered := 0, 0
	for done := 0; done < len(units); {
		for ; sent < len(units) && unanswered < ordersAtOnce; sent++ {
			manager.GoWithContext(ctx, "org.freedesktop.systemd1.Manager."+method, 0, b.answers, units[sent], "replace")
			unanswered++
		}
		select {
		case call := <-b.answers:
			unanswered--
			b.answered(call)
		case signal, open := <-b.signals:
			if !open {
				return b.abandon(units, errLost)
			}
			b.hear(signal)
		case <-ctx.Done():
			return b.abandon(units, ctx.Err())
		}
		for ; done < len(b.finished); done++ {
			if s.Progress != nil {
				s.Progress(done+1, len(units))
			}
		}
	}
	return b.failed
}

// A batch is jobs that have begun together.
type batch struct {
	answers  chan *godbus.Call
	signals  chan *godbus.Signal
	waiting  map[godbus.ObjectPath]string // units by their jobs, which have not ended
	ended    map[godbus.ObjectPath]string // results of jobs that ended before systemd's answer was read
	finished []string                     // units
	failed   map[string]error
}

// answered reads the answer to an order: the path of the job.
func (b *batch) answered(call *godbus.Call) {
	unit, _ := call.Args[0].(string)
	var job godbus.ObjectPath
	if err := call.Store(&job); err != nil {
		b.end(unit, err)
		return
	}
	b.waiting[job] = unit
	if result, ended := b.ended[job]; ended {
		delete(b.ended, job)
		b.remove(job, result)
	}
}

// hear reads a signal. JobRemoved has the number of a job, its path, its unit and its
// result.
func (b *batch) hear(signal *godbus.Signal) {
	if signal.Name != jobRemoved || len(signal.Body) != 4 {
		return
	}
	job, _ := signal.Body[1].(godbus.ObjectPath)
	result, _ := signal.Body[3].(string)
	b.remove(job, result)
}

func (b *batch) remove(job godbus.ObjectPath, result string) {
	unit, isOurs := b.waiting[job]
	if !isOurs {
		b.ended[job] = result
		return
	}
	delete(b.waiting, job)
	switch result {
	case "done":
		b.end(unit, nil)
	case "canceled":
		b.end(unit, errors.New("another systemd job replaced it"))
	default:
		b.end(unit, fmt.Errorf("%w: result %q", errJob, result))
	}
}

func (b *batch) end(unit string, err error) {
	b.finished = append(b.finished, unit)
	if err != nil {
		b.failed[unit] = err
	}
}

// abandon gives all units that have not finished an error.
func (b *batch) abandon(units []string, err error) map[string]error {
	finished := make(map[string]bool)
	for _, unit := range b.finished {
		finished[unit] = true
	}
	for _, unit := range units {
		if !finished[unit] {
			b.failed[unit] = err
		}
	}
	return b.failed
}
