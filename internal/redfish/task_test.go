package redfish

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

var reset5 = Task{ID: "5", Verb: provider.Reset, Method: "POST", Path: resetPath, User: "admin", Began: start.Clock}

// ended is a task that has ended.
func ended(t Task, o machine.Outcome) Task {
	t.Outcome, t.Ended = o, start.Clock.Add(time.Minute)
	return t
}

func TestTaskStates(t *testing.T) {
	running := reset5
	running.Running = true
	for _, c := range []struct {
		task                 Task
		state, status, about string
	}{
		{reset5, "Pending", "OK", ""},
		{running, "Running", "OK", ""},
		{ended(running, machine.Done), "Completed", "OK", "Success"},
		{ended(reset5, machine.Failed), "Exception", "Critical", "InternalError"},
		{ended(reset5, machine.TimedOut), "Exception", "Critical", "OperationTimeout"},
		{ended(reset5, machine.WrongState), "Exception", "Critical", "ResourceInUse"},
		{ended(reset5, machine.Superseded), "Cancelled", "Warning", "ResourceInUse"},
		{ended(reset5, machine.Unsupported), "Exception", "Critical", "ActionParameterNotSupported"},
	} {
		r := newRig(t, full)
		r.tasks = []Task{c.task}
		got := r.get(tasksURI + "/5")
		require.Equal(t, c.state, got.at("TaskState"))
		require.Equal(t, c.status, got.at("TaskStatus"))
		require.Equal(t, c.task.Outcome == "", got.at("EndTime") == nil)
		require.Equal(t, map[string]any{"TargetUri": resetPath, "HttpOperation": "POST"}, got.at("Payload"))
		messages := got.at("Messages").([]any)
		if c.about == "" {
			require.Empty(t, messages)
			continue
		}
		require.Equal(t, "Base.1.22."+c.about, messages[0].(map[string]any)["MessageId"])
	}
}

func TestAccepted(t *testing.T) {
	a := Accepted(reset5)
	require.Equal(t, http.StatusAccepted, a.Status)
	require.Equal(t, "/redfish/v1/TaskService/TaskMonitors/5", a.Header.Location)
	require.Equal(t, retryAfter, a.Header.RetryAfter)
	r := newRig(t, full)
	r.tasks = []Task{reset5}
	got := r.get(a.Header.Location)
	require.Equal(t, http.StatusAccepted, got.Status)
	require.Equal(t, a.Header, AnswerHeader{Location: got.Header.Location, RetryAfter: got.Header.RetryAfter})
	require.Equal(t, got.Body, r.get(tasksURI+"/5").Body)
}

// The monitor of a task that has ended answers what its request would have been answered.
func TestMonitor(t *testing.T) {
	r := newRig(t, full)
	monitor := func(task Task) response {
		r.tasks = []Task{task}
		return r.get(monitorsURI + "/5")
	}
	require.Equal(t, http.StatusNoContent, monitor(ended(reset5, machine.Done)).Status)
	got := monitor(ended(reset5, machine.WrongState))
	require.Equal(t, http.StatusConflict, got.Status)
	require.Equal(t, []string{"ResourceInUse"}, got.keys(""))

	boot := ended(Task{ID: "5", Verb: provider.BootSet, Method: "PATCH", Path: "/redfish/v1/Systems/" + bmcUUID + "/", User: "admin"}, machine.Done)
	got = monitor(boot)
	require.Equal(t, http.StatusOK, got.Status)
	require.Equal(t, r.get(systemPath).Body, got.Body, "redfishtool reads the resource")
	boot.Path = "/redfish/v1/Systems/renamed"
	require.Equal(t, http.StatusNotFound, monitor(boot).Status)
}
