package jobs

import (
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A State is how far a job has come:
//
//	queued -> starting -> running -> ending -> over
type State byte

// The states.
const (
	Queued   State = iota // another job runs
	Starting              // its script is about to begin, if there is one
	Running               // its script has begun, and its action file tells the next process of it
	Ending                // its script has ended, and its outcome is being saved
	Over                  // it has its outcome
)

// A Job is something that must be done once, and all clients that asked for it: an intent
// that a script carries out, or a change of the BMC that the front makes at once.
type Job struct {
	Intent  machine.Intent
	Asker   machine.Asker // the first client
	Cause   machine.Cause // of a start
	Own     bool          // the BMC itself asked, and waits for its turn without a limit
	State   State
	Asked   time.Duration // when the first request came
	Started time.Duration // when its turn came
	Ended   time.Duration
	Path    string // of its action file
	Accept  bool   // clients may be answered before it ends
	// Accepted is set if a client was told that the job is accepted, or if an earlier process
	// may have told a client so.
	Accepted bool
	// Yields is set if an action that does not ask the guest may cut the job short.
	Yields  bool
	Callers Callers
	Outcome machine.Outcome
	// Data is what the front answered beside the outcome of a change, in its own words.
	Data []byte

	// Promised is set if the job waits for its turn, its action file is there, and its
	// clients have been told that it is accepted, see promise.
	Promised bool

	promising bool          // its action file is being written
	begun     time.Duration // when its script was about to begin
	byRqSeq   bool
	refused   bool // nothing was done, or it could not be saved
	calls     calls[machine.Outcome]
	unkept    calls[machine.Outcome] // of callers that must be in the action file before an answer
}

// Abandoned reports whether a job need not begin any more, because no client waits for it.
func (j *Job) Abandoned() bool {
	return !j.Own && !j.Promised && !j.promising && j.State < Running && len(j.calls) == 0 && len(j.unkept) == 0
}

// supersedes returns the verb of the jobs that j makes useless. An action that does not ask the
// guest ends one that waits for the guest: the guest was asked long enough. A client that ejects
// an image does not want it inserted, and a download may take half an hour.
func (j *Job) supersedes() provider.Verb {
	switch j.Intent.Verb {
	case provider.Off, provider.Reset, provider.Cycle:
		return provider.Shutdown
	case provider.MediaEject:
		return provider.MediaInsert
	}
	return ""
}

// replaces reports whether a job that waits need not begin because of j.
func (j *Job) replaces(waits *Job) bool { return waits.Intent.Verb == j.supersedes() }

// Runs reports whether the script of a job has surely begun, and a client need not wait for its
// end.
func (j *Job) Runs(now time.Duration) bool {
	return j.State == Running && j.Accept && now >= j.begun+beginning
}

// moveOn notes that a session has sent a request for something else. A session that still
// waits for its first answer has not moved on.
func (j *Job) moveOn(r Request) {
	waits := j.calls.have(r.Session) || j.unkept.have(r.Session)
	for i := range j.Callers {
		c := &j.Callers[i]
		if c.Session == r.Session && c.Moved == 0 && !c.overtook(r) && (!waits || c.answered) {
			c.Moved = r.Sequence
		}
	}
}

// accept tells the clients that wait that the job is accepted.
func (j *Job) accept() {
	j.Accepted = j.Accepted || len(j.calls) > 0
	j.answer(machine.Accepted)
}

// answer answers the clients that wait.
func (j *Job) answer(o machine.Outcome) {
	for _, c := range j.calls {
		j.Callers.answered(c.Request)
	}
	j.calls.answer(o)
}

// keeps reports whether r need not be added to the action file before it is answered: the file
// has the caller already, the file of a queued job is written later, with all callers, and a
// change is saved with the state.
func (j *Job) keeps(r Request) bool {
	queued := j.State == Queued && !j.promising && !j.Promised
	if queued || j.State != Starting && !j.promising && j.Path == "" {
		return true
	}
	return j.Callers.find(r.Session, r.Key).keeps(r)
}

// leave drops the calls of a session that has ended, and reports whether the job is
// abandoned.
func (j *Job) leave(session uint32) bool {
	j.calls.leave(session)
	j.unkept.leave(session)
	return j.Abandoned()
}
