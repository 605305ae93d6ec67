package redfish

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// A resource is what all resources begin with.
type resource struct {
	URI  string `json:"@odata.id"`
	Type string `json:"@odata.type"`
	ID   string `json:"Id"`
	Name string
}

// newResource is a resource of a schema, as in "Role.v1_3_3".
func newResource(uri, schema, id, name string) resource {
	return resource{URI: uri, Type: typeOf(schema), ID: id, Name: name}
}

// typeOf is the @odata.type of a schema: "#Role.v1_3_3.Role".
func typeOf(schema string) string {
	name, _, _ := strings.Cut(schema, ".")
	return "#" + schema + "." + name
}

// A link refers to another resource.
type link struct {
	URI string `json:"@odata.id"`
}

func linkTo(uri string) *link { return &link{uri} }

func links(uris ...string) []link {
	all := make([]link, len(uris))
	for i, uri := range uris {
		all[i] = link{uri}
	}
	return all
}

// A collectionOf is a resource with members: links, or whole resources.
type collectionOf[T any] struct {
	URI     string `json:"@odata.id"`
	Type    string `json:"@odata.type"`
	Name    string
	Members []T
	Count   int `json:"Members@odata.count"`
}

// newCollection is a collection of whole resources.
func newCollection[T any](uri, schema, name string, members []T) collectionOf[T] {
	return collectionOf[T]{uri, typeOf(schema), name, append([]T{}, members...), len(members)}
}

// collection is a collection of links to members, by their IDs.
func collection(uri, schema, name string, ids ...string) collectionOf[link] {
	var members []link
	for _, id := range ids {
		members = append(members, link{uri + "/" + id})
	}
	return newCollection(uri, schema, name, members)
}

// A status is the state and the health of a resource (Resource.Status).
type status struct {
	State  string
	Health string
}

var enabled = status{"Enabled", ok}

// An action is an entry of Actions.
type action struct {
	Target string `json:"target"`
}

// A resettable is an action that has a reset type for a parameter.
type resettable struct {
	Target  string   `json:"target"`
	Allowed []string `json:"ResetType@Redfish.AllowableValues"`
}

// text is a text that may be missing: null, not "".
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// utc is the offset of all times of the service.
const utc = "+00:00"

// dateTime writes a time as Edm.DateTimeOffset (DSP0266), in UTC.
func dateTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// done is the answer of a request that has a resource for an answer.
func done(body any) Answer { return Answer{Status: http.StatusOK, Body: body} }

// carriedOut is the answer of an action without anything to say.
func carriedOut() Answer { return Answer{Status: http.StatusNoContent} }

// notFound is the answer of a request for a resource that does not exist.
func notFound(r *Request) Answer {
	return failure(http.StatusNotFound, message("ResourceMissingAtURI", r.Path))
}

// An annotated is a resource with messages about some of its properties.
type annotated struct {
	resource any
	info     map[string][]Message // by the name of the property
}

// MarshalJSON writes the resource with one more property for each that has messages.
func (a annotated) MarshalJSON() ([]byte, error) {
	all := make(map[string][]Message)
	for name, info := range a.info {
		all[name+"@Message.ExtendedInfo"] = info
	}
	body, err := json.Marshal(a.resource)
	if err != nil {
		return nil, err
	}
	more, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return append(append(body[:len(body)-1], ','), more[1:]...), nil
}
