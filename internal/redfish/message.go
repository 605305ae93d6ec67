package redfish

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A Message is one entry of @Message.ExtendedInfo (Message.v1_3_0).
type Message struct {
	Type       string   `json:"@odata.type"`
	ID         string   `json:"MessageId"`
	Text       string   `json:"Message"`
	Args       []string `json:"MessageArgs"`
	Severity   string   `json:"MessageSeverity"`
	Old        string   `json:"Severity"` // deprecated, and the only one that some clients read
	Resolution string   `json:"Resolution"`
	Related    []string `json:"RelatedProperties,omitempty"` // JSON pointers (RFC 6901)
}

// maxArg is how many bytes of what a client sent a message repeats.
const maxArg = 128

// message is a message of the registry, by its key. The arguments take the places of %1, %2
// and %3 in its text.
func message(key string, args ...string) Message {
	m, known := registry[key]
	if !known || len(args) != m.args() {
		panic("internal error: message " + key)
	}
	pairs := make([]string, 0, 2*len(args))
	for i := range args {
		args[i] = strings.ToValidUTF8(args[i][:min(len(args[i]), maxArg)], "�")
		pairs = append(pairs, "%"+strconv.Itoa(i+1), args[i])
	}
	return Message{
		Type: "#Message.v1_3_0.Message", ID: registryPrefix + "." + key,
		Text: strings.NewReplacer(pairs...).Replace(m.Message), Args: append([]string{}, args...),
		Severity: m.Severity, Old: m.Severity, Resolution: m.Resolution,
	}
}

// about is a message about a property of the request body, by its path in the body, as in
// "Boot/BootSourceOverrideTarget".
func about(m Message, path string) Message {
	m.Related = []string{"#/" + path}
	return m
}

// An errorBody is the body of an error (DSP0266, error responses).
type errorBody struct {
	Error struct {
		Code    string    `json:"code"`
		Message string    `json:"message"`
		Info    []Message `json:"@Message.ExtendedInfo"`
	} `json:"error"`
}

// failure is the answer of a request that was not carried out.
func failure(status int, info ...Message) Answer {
	var body errorBody
	body.Error.Code, body.Error.Message, body.Error.Info = info[0].ID, info[0].Text, info
	return Answer{Status: status, Body: body}
}

// bad is the answer of a request whose body is wrong.
func bad(info ...Message) Answer { return failure(http.StatusBadRequest, info...) }

// retryAfter is how many seconds a client is asked to wait before it tries again.
const retryAfter = 2

// later is the answer of a request that a client may repeat in that many seconds.
func later(seconds int) Answer {
	a := failure(http.StatusServiceUnavailable, message("ServiceTemporarilyUnavailable", fmt.Sprint(seconds)))
	a.Header.RetryAfter = seconds
	return a
}

// outcomes are the errors that become of actions. A status of 409 must not come with
// ActionParameterValueConflict: some clients then repeat a request for minutes.
var outcomes = map[machine.Outcome]struct {
	status int
	key    string
}{
	machine.WrongState: {http.StatusConflict, "ResourceInUse"},
	machine.Superseded: {http.StatusConflict, "ResourceInUse"},
	machine.TimedOut:   {http.StatusInternalServerError, "OperationTimeout"},
	machine.Failed:     {http.StatusInternalServerError, "InternalError"},
}

// Respond is the answer to a request whose action had an outcome other than Done.
func Respond(o machine.Outcome) Answer { return respond("", o) }

// Otherwise is the answer if the intent of a had an outcome other than Done.
func (a Answer) Otherwise(o machine.Outcome) Answer { return respond(a.Intent.Verb, o) }

// respond is the answer to a request for a verb.
func respond(v provider.Verb, o machine.Outcome) Answer {
	switch o {
	case machine.Busy:
		return later(retryAfter)
	case machine.Unsupported, machine.Unavailable:
		return bad(unsupported(v))
	}
	row, known := outcomes[o]
	if !known {
		row = outcomes[machine.Failed]
	}
	m := message(row.key)
	if o == machine.WrongState {
		m.Resolution = cmp.Or(remedies[v], m.Resolution)
	}
	return failure(row.status, m)
}

// remedies say what a client can do about a state in which a verb is not possible.
var remedies = map[provider.Verb]string{
	provider.MediaInsert: "Eject the image that is in the drive and resubmit the request.",
	provider.Reset:       "Switch the machine on and resubmit the request.",
	provider.Shutdown:    "Switch the machine on and resubmit the request.",
	provider.Diag:        "Switch the machine on and resubmit the request.",
}

// unsupported says that the provider cannot do what a request asks for.
func unsupported(v provider.Verb) Message {
	switch v {
	case provider.BootSet:
		return about(message("PropertyValueError", "Boot"), "Boot")
	case provider.Identify:
		return about(message("PropertyValueError", "LocationIndicatorActive"), "LocationIndicatorActive")
	case provider.On, provider.Off, provider.Cycle, provider.Reset, provider.Diag, provider.Shutdown:
		return about(message("ActionParameterNotSupported", "ResetType", resetAction), "ResetType")
	case provider.MediaInsert:
		return about(message("ActionParameterNotSupported", "Image", insertAction), "Image")
	case provider.MediaEject:
		return message("ActionNotSupported", ejectAction)
	}
	return message("ActionNotSupported", "requested")
}
