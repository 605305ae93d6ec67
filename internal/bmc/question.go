package bmc

import (
	"context"
	"sync"
	"time"

	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// queryPatience is how long a query may take after its time limit. It ends much earlier unless something hangs that cannot
// be killed, such as the file system of the provider file.
const queryPatience = 2 * time.Second

// ask implements [jobs.Table.Ask]: a worker asks the provider. A worker that hangs is left behind.
func (b *BMC) ask(q *jobs.Question) {
	ctx, cancel := context.WithTimeout(b.scripts, b.Query)
	var once sync.Once
	answer := func(r machine.Reading) {
		once.Do(func() {
			b.Enter(func() {
				took := b.now - q.Started
				b.Jobs.Answered(q, r, b.now)
				if q.Verb.Asks() { // else the question was only whether there is a script
					b.queryEnded(q, r, took) // the client need not wait for that
				}
			})
			b.workers.Done()
		})
	}
	b.workers.Add(1)
	returned := context.AfterFunc(ctx, func() {
		time.AfterFunc(queryPatience, func() {
			answer(machine.Reading{Has: true, Err: &provider.Error{Verb: q.Verb, Err: provider.ErrTimeout}})
		})
	})
	go func() {
		reading := b.reading(ctx, q)
		returned()
		cancel()
		answer(reading)
	}()
}

// Has says which scripts a provider has.
type Has = func(provider.Verb) bool

// Provided calls then with which scripts the provider has, or with why that cannot be read. The
// machine then has the sensors of the provider, or those that it had before. If too many requests wait for such things, Provided returns an error.
func (b *BMC) Provided(then func(has Has, err error)) error {
	return b.Later(func() func() {
		runner, err := b.load(b.scripts)
		if err != nil {
			return func() { then(nil, err) }
		}
		return func() {
			b.Machine.Declare(runner.Sensors())
			then(runner.Has, nil)
		}
	})
}

// queryEnded logs the answer of a query and the client that asked. The log has each error, and an answer if the client has not had
// the same one within the last minute.
func (b *BMC) queryEnded(q *jobs.Question, r machine.Reading, took time.Duration) {
	b.noteScript(q.Verb, q.Asker, r.Err)
	b.logScript(q.Verb, q.Asker, took, r, b.queries.logs(queryClient{q.Verb, q.Asker.User, q.Asker.Peer.Addr()}, r, b.now))
}

func (b *BMC) reading(ctx context.Context, q *jobs.Question) machine.Reading {
	runner, err := b.load(ctx)
	if err != nil {
		return machine.Reading{Has: true, Err: err}
	}
	return runner.Query(ctx, q.Verb, q.Args)
}
