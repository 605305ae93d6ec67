package https

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/redfish"
)

const (
	// tasksNote is the note of the state that holds the tasks, a JSON list of [redfish.Task].
	tasksNote = "redfish tasks"
	maxTasks  = 16
	// taskLife is how long a task is kept after its end.
	taskLife = time.Hour
)

// tasks are the actions that clients were told of before their ends. They implement
// [redfish.Tasks], and are kept in the state.
type tasks struct {
	bmc  *bmc.BMC
	name string         // of the BMC
	all  []redfish.Task // the state has a copy for the next process, unless it cannot be saved
}

// List implements [redfish.Tasks].
func (t *tasks) List() []redfish.Task {
	all := slices.Clone(t.all)
	for i := range all {
		if all[i].Outcome != "" {
			continue
		}
		switch j := t.job(all[i].ID); {
		case j == nil: // its end is not known
			all[i].Outcome, all[i].Ended = machine.Failed, all[i].Began
		default:
			all[i].Outcome, all[i].Running = j.Outcome, j.State > jobs.Queued
		}
	}
	return all
}

// load reads the tasks that an earlier process left.
func (t *tasks) load() { _ = json.Unmarshal(t.bmc.Machine.State.Notes[tasksNote], &t.all) }

// keep replaces the tasks, also in the state.
func (t *tasks) keep(all []redfish.Task) {
	note, err := json.Marshal(all)
	if err != nil {
		panic("internal error: " + err.Error()) // every task can be written as JSON
	}
	t.all = all
	t.bmc.Machine.SetNote(tasksNote, note)
}

// job is the job of a task; nil: it has ended, and is forgotten.
func (t *tasks) job(id string) *jobs.Job {
	_, file, _ := strings.Cut(id, redfish.TaskMark)
	return t.bmc.Jobs.At(filepath.Join(t.bmc.Actions.Dir, "action."+file))
}

// idOf is the ID of the task of a job: the name of the BMC, so that a gateway knows whose task it
// is, and that of the action file.
func (t *tasks) idOf(j *jobs.Job) string {
	_, file, _ := strings.Cut(filepath.Base(j.Path), ".")
	return t.name + redfish.TaskMark + file
}

// add makes the job of an exchange a task.
func (t *tasks) add(x *exchange) redfish.Task {
	now, id := t.bmc.Now(), t.idOf(x.job)
	all := slices.DeleteFunc(slices.Clone(t.all), func(o redfish.Task) bool {
		return o.Outcome != "" && now.Clock.Sub(o.Ended) >= taskLife
	})
	if i := slices.IndexFunc(all, func(o redfish.Task) bool { return o.ID == id }); i >= 0 {
		all[i].Running = x.job.State > jobs.Queued
		return all[i]
	}
	task := redfish.Task{
		ID: id, Verb: x.job.Intent.Verb, Method: x.asked.Method, Path: redfish.CleanPath(x.asked.Path), User: x.asker.User,
		Began: now.Clock.Add(x.job.Asked - now.Uptime).UTC().Truncate(time.Second),
	}
	t.keep(append(all[max(0, len(all)+1-maxTasks):], task))
	task.Running = x.job.State > jobs.Queued
	return task
}

// over notes the outcome of a job that is a task.
func (t *tasks) over(j *jobs.Job) {
	all := slices.Clone(t.all)
	i := slices.IndexFunc(all, func(o redfish.Task) bool { return o.Outcome == "" && j.Path != "" && o.ID == t.idOf(j) })
	if i < 0 {
		return
	}
	now := t.bmc.Now()
	all[i].Outcome = j.Outcome
	all[i].Ended = now.Clock.Add(j.Ended - now.Uptime).UTC().Truncate(time.Second)
	t.keep(all)
}
