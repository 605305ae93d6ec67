package redfish

import (
	"net/http"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
)

const (
	tasksURI    = root + "/TaskService/Tasks"
	monitorsURI = root + "/TaskService/TaskMonitors"
)

// A taskService says how tasks behave (TaskService).
type taskService struct {
	resource
	ServiceEnabled                  bool
	Status                          status
	DateTime                        string
	CompletedTaskOverWritePolicy    string
	LifeCycleEventOnTaskStateChange bool
	Tasks                           *link
}

func getTaskService(_ *Service, r *Request) Answer {
	return done(taskService{
		resource:                     newResource(root+"/TaskService", "TaskService.v1_3_0", "TaskService", "Task Service"),
		ServiceEnabled:               true,
		Status:                       enabled,
		DateTime:                     dateTime(r.Now.Clock),
		CompletedTaskOverWritePolicy: "Oldest",
		Tasks:                        linkTo(tasksURI),
	})
}

// A taskBody is a task (Task). The progress of the task is not known.
type taskBody struct {
	resource
	TaskState   string
	TaskStatus  string
	StartTime   string
	EndTime     *string
	TaskMonitor string
	Messages    []Message
	Payload     taskPayload
}

// A taskPayload is the request that a task is for.
type taskPayload struct {
	TargetURI     string `json:"TargetUri"`
	HTTPOperation string `json:"HttpOperation"`
}

func taskOf(t Task) taskBody {
	body := taskBody{
		resource:    newResource(tasksURI+"/"+t.ID, "Task.v1_7_4", t.ID, "Task "+string(t.Verb)),
		TaskState:   "Pending",
		TaskStatus:  ok,
		StartTime:   dateTime(t.Began),
		TaskMonitor: monitorsURI + "/" + t.ID,
		Messages:    []Message{},
		Payload:     taskPayload{t.Path, t.Method},
	}
	if t.Running {
		body.TaskState = "Running"
	}
	if t.Outcome == "" {
		return body
	}
	body.EndTime = text(dateTime(t.Ended))
	switch t.Outcome {
	case machine.Done:
		body.TaskState, body.Messages = "Completed", []Message{message("Success")}
		return body
	case machine.Superseded:
		body.TaskState, body.TaskStatus = "Cancelled", warning
	default:
		body.TaskState, body.TaskStatus = "Exception", critical
	}
	if e, failed := respond(t.Verb, t.Outcome).Body.(errorBody); failed {
		body.Messages = e.Error.Info
	}
	return body
}

// Accepted is the answer to a request whose action goes on.
func Accepted(t Task) Answer {
	body := taskOf(t)
	return Answer{
		Status: http.StatusAccepted,
		Header: AnswerHeader{Location: body.TaskMonitor, RetryAfter: retryAfter},
		Body:   body,
	}
}

func getTasks(s *Service, _ *Request) Answer {
	var ids []string
	for _, t := range s.Tasks.List() {
		ids = append(ids, t.ID)
	}
	return done(collection(tasksURI, "TaskCollection", "Tasks", ids...))
}

func (s *Service) task(r *Request) (found Task, exists bool) {
	all := s.Tasks.List()
	i := slices.IndexFunc(all, func(t Task) bool { return t.ID == r.id[0] })
	if i < 0 {
		return Task{}, false
	}
	return all[i], true
}

func getTask(s *Service, r *Request) Answer {
	t, exists := s.task(r)
	if !exists {
		return notFound(r)
	}
	return done(taskOf(t))
}

// getMonitor answers what the request of the task would have been answered, had its client
// waited: some clients read the resource that they have changed from there.
func getMonitor(s *Service, r *Request) Answer {
	t, exists := s.task(r)
	switch {
	case !exists:
		return notFound(r)
	case t.Outcome == "":
		return Accepted(t)
	case t.Outcome != machine.Done:
		return respond(t.Verb, t.Outcome)
	case t.Method != http.MethodPatch:
		return carriedOut()
	}
	route, id := s.route(r.routes, t.Path)
	get, exists := route.method(http.MethodGet)
	if !exists {
		return notFound(r)
	}
	changed := *r
	changed.id = id
	return get.handle(s, &changed)
}
