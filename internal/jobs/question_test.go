package jobs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// asksFor has a session ask a question, and returns where the answer will be.
func (r *rig) asksFor(session uint32, rqSeq byte, v provider.Verb) *machine.Reading {
	said := new(machine.Reading)
	p := r.packet(session, rqSeq, other)
	r.Question(v, provider.Args{}, nobody, Call[machine.Reading]{Request: p, Answer: func(a machine.Reading) { *said = a }})
	return said
}

var isOn = machine.Reading{Has: true, On: true}

func TestQuestionsThatWaitTogetherShareARun(t *testing.T) {
	r := newRig(t)
	all := []*machine.Reading{
		r.asksFor(1, 1, provider.Status), r.asksFor(2, 1, provider.Status), r.asksFor(1, 2, provider.Status),
	}
	require.Len(t, r.asked, 1)
	r.Answered(r.asked[0], isOn, r.now)
	for _, said := range all {
		require.Equal(t, isOn, *said)
	}
	require.False(t, r.Busy())
}

func TestQuestionsOfDifferentVerbsTakeTheirTurn(t *testing.T) {
	r := newRig(t)
	r.asksFor(1, 1, provider.Status)
	r.asksFor(1, 2, provider.BootGet)
	require.Len(t, r.asked, 1)
	r.Answered(r.asked[0], isOn, r.now)
	require.Equal(t, provider.BootGet, r.asked[1].Verb)
}

// It may have looked before the action.
func TestAQuestionThatRunsIsNotJoinedIfAnActionHasBegunOrEndedSince(t *testing.T) {
	steps := map[string][]func(r *rig){
		"its turn comes":    {func(*rig) {}, func(r *rig) { r.asks(1, 1, on) }},
		"its script begins": {func(r *rig) { r.asks(1, 1, on) }, func(r *rig) { r.begin() }},
		"its script ends":   {func(r *rig) { r.asks(1, 1, on); r.begin() }, func(r *rig) { r.ScriptEnded(r.started[0]) }},
		"its outcome is saved": {
			func(r *rig) { r.asks(1, 1, on); r.begin(); r.ScriptEnded(r.started[0]) },
			func(r *rig) { r.End(r.started[0], machine.Done, r.now) },
		},
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			step[0](r)
			before := r.asksFor(2, 1, provider.Status)
			step[1](r)
			after := r.asksFor(3, 1, provider.Status)
			r.Answered(r.asked[0], machine.Reading{Has: true}, r.now)
			r.Answered(r.asked[1], isOn, r.now)
			require.False(t, before.On)
			require.True(t, after.On)
		})
	}
}

func TestAClientIsToldBeforeItGivesUpThatThereIsNoReading(t *testing.T) {
	r := newRig(t)
	early := r.asksFor(1, 1, provider.Status)
	r.after(time.Second)
	late := r.asksFor(2, 1, provider.Status)
	require.Equal(t, r.now+questionPatience-time.Second, r.Due(time.Duration(1<<62)))
	r.after(questionPatience - time.Second)
	require.ErrorIs(t, early.Err, provider.ErrTimeout)
	r.Answered(r.asked[0], isOn, r.now)
	require.Equal(t, isOn, *late)
}

// The client waits on, for the run that took too long.
func TestAnAnswerMayAskAgain(t *testing.T) {
	r := newRig(t)
	var said machine.Reading
	p := r.packet(1, 1, other)
	again := Call[machine.Reading]{Request: p, Answer: func(a machine.Reading) { said = a }}
	r.Question(provider.Status, provider.Args{}, nobody, Call[machine.Reading]{
		Request: p, Answer: func(machine.Reading) { r.Question(provider.Status, provider.Args{}, nobody, again) },
	})
	r.after(questionPatience)
	r.Answered(r.asked[0], isOn, r.now)
	require.Equal(t, isOn, said)
}

func TestASessionThatEndsHasNoQuestion(t *testing.T) {
	r := newRig(t)
	said := r.asksFor(1, 1, provider.Status)
	r.Leave(1)
	r.Answered(r.asked[0], isOn, r.now)
	require.Zero(t, *said)
}
