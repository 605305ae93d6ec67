package bmc

import (
	"context"

	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
)

// ask implements [jobs.Table.Ask]: a worker asks the provider.
func (b *BMC) ask(q *jobs.Question) {
	b.work(func() func() {
		reading := b.reading(q)
		return func() {
			took := b.now - q.Started
			b.Jobs.Answered(q, reading, b.now)
			if q.Verb.Asks() { // else the question was only whether there is a script
				b.logScript(q.Verb, q.Asker, took, reading) // the client need not wait for that
			}
		}
	})
}

func (b *BMC) reading(q *jobs.Question) machine.Reading {
	runner, err := b.load(b.scripts)
	if err != nil {
		return machine.Reading{Has: true, Err: err}
	}
	ctx, cancel := context.WithTimeout(b.scripts, b.Query)
	defer cancel()
	return runner.Query(ctx, q.Verb)
}
