package jobs

import (
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// questionPatience is how long a client waits for the answer to a question: ipmitool gives
// up after 10 s.
const questionPatience = 9 * time.Second

// A Question is a run of a script that changes nothing, and all clients that wait for it.
type Question struct {
	Verb    provider.Verb
	Args    provider.Args
	Asker   machine.Asker // the first client
	Started time.Duration

	epoch int // of the table when it started
	calls calls[machine.Reading]
}

// Question has a question asked for a request. The request joins a question that waits. A
// question that runs may have begun before an action began or ended, and then does not know
// of it: the request joins it only if neither has happened since.
func (t *Table) Question(v provider.Verb, args provider.Args, asker machine.Asker, c Call[machine.Reading]) {
	if q := t.asking; q != nil && q.Verb == v && q.Args == args && q.epoch == t.epoch {
		q.calls.join(c)
		return
	}
	i := slices.IndexFunc(t.questions, func(q *Question) bool { return q.Verb == v && q.Args == args })
	if i < 0 {
		i = len(t.questions)
		t.questions = append(t.questions, &Question{Verb: v, Args: args, Asker: asker})
	}
	t.questions[i].calls.join(c)
	t.nextQuestion(c.At)
}

func (t *Table) nextQuestion(now time.Duration) {
	if t.asking != nil || len(t.questions) == 0 {
		return
	}
	q := t.questions[0]
	t.questions = t.questions[1:]
	t.asking = q
	q.Started, q.epoch = now, t.epoch
	t.Ask(q)
}

// Answered reports what the script of a question said.
func (t *Table) Answered(q *Question, r machine.Reading, now time.Duration) {
	t.asking = nil
	q.calls.answer(r)
	t.nextQuestion(now)
}

// expireQuestions answers clients that would give up. The script may still end in time for
// others.
func (t *Table) expireQuestions(now time.Duration) {
	for q := range t.unanswered() {
		late := q.calls.take(func(c Call[machine.Reading]) bool { return now-c.At >= questionPatience })
		late.answer(machine.Reading{Has: true, Err: &provider.Error{Verb: q.Verb, Err: provider.ErrTimeout}})
	}
}

func (t *Table) questionsDue(never time.Duration) time.Duration {
	due := never
	for q := range t.unanswered() {
		for _, c := range q.calls {
			due = min(due, c.At+questionPatience)
		}
	}
	return due
}

// unanswered yields the question that runs and those that wait.
func (t *Table) unanswered() func(yield func(*Question) bool) {
	return func(yield func(*Question) bool) {
		if t.asking != nil && !yield(t.asking) {
			return
		}
		for _, q := range t.questions {
			if !yield(q) {
				return
			}
		}
	}
}
