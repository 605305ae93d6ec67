package redfish

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A form reads an object of a request body, property by property, and collects what is wrong.
// A property that is absent is not wrong.
type form struct {
	values map[string]json.RawMessage
	known  map[string]bool // the properties that were asked for
	action string          // the values are parameters of this action; empty: properties
	path   string          // of the object in the body: "" or "Boot/"
	wrong  *[]Message
}

// newForm reads the body of a request. If the values are the parameters of an action, the body
// may be empty.
func newForm(r *Request, action string) (*form, *Answer) {
	f := &form{known: make(map[string]bool), action: action, wrong: new([]Message)}
	body := bytes.TrimSpace(r.Body)
	if len(body) == 0 && action != "" {
		return f, nil
	}
	if content := r.Header.ContentType; content != "" {
		if kind, _, err := mime.ParseMediaType(content); err != nil || kind != "application/json" {
			refused := failure(http.StatusUnsupportedMediaType, message("HeaderInvalid", "Content-Type: "+content))
			return nil, &refused
		}
	}
	if err := json.Unmarshal(body, &f.values); err != nil || f.values == nil {
		refused := bad(message("MalformedJSON"))
		return nil, &refused
	}
	return f, nil
}

// value reads a property into a variable. It returns false if there is no such property, or if
// it has another type.
func (f *form) value(name string, into any) bool {
	f.known[name] = true
	raw, there := f.values[name]
	if !there {
		return false
	}
	if string(raw) == "null" || json.Unmarshal(raw, into) != nil {
		f.refuse("ValueTypeError", name)
		return false
	}
	return true
}

func (f *form) text(name string) (value string, right bool) {
	right = f.value(name, &value)
	return value, right
}

func (f *form) flag(name string) (value, right bool) {
	right = f.value(name, &value)
	return value, right
}

// number reads a whole number between two limits.
func (f *form) number(name string, least, most int) (value int, right bool) {
	if !f.value(name, &value) {
		return 0, false
	}
	if value < least || value > most {
		f.refuse("ValueOutOfRange", name)
		return 0, false
	}
	return value, true
}

// choice reads one of several words.
func (f *form) choice(name string, allowed []string) (value string, right bool) {
	value, right = f.text(name)
	if right && !slices.Contains(allowed, value) {
		f.refuse("ValueNotInList", name)
		return "", false
	}
	return value, right
}

// object reads an object; nil if there is none.
func (f *form) object(name string) *form {
	inner := &form{known: make(map[string]bool), action: f.action, path: f.path + name + "/", wrong: f.wrong}
	if !f.value(name, &inner.values) {
		return nil
	}
	return inner
}

// refuse notes that the value of a property is wrong, by the part of a message's key that
// properties and parameters have in common. Secrets are not repeated.
func (f *form) refuse(kind, name string) {
	if strings.HasSuffix(name, "Password") {
		kind = "ValueError"
	}
	var args []string
	if kind != "ValueError" {
		value := string(f.values[name])
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		args = []string{value}
	}
	args = append(args, f.path+name)
	if f.action != "" {
		f.add("ActionParameter"+kind, name, append(args, f.action)...)
		return
	}
	f.add("Property"+kind, name, args...)
}

// add notes a message about a property.
func (f *form) add(key, name string, args ...string) {
	*f.wrong = append(*f.wrong, about(message(key, args...), f.path+pointer.Replace(name)))
}

// pointer writes a name as a part of a JSON pointer (RFC 6901 §3).
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

// require notes those properties that are missing.
func (f *form) require(names ...string) {
	for _, name := range names {
		switch _, there := f.values[name]; {
		case there:
		case f.action != "":
			f.add("ActionParameterMissing", name, f.action, name)
		default:
			f.add("PropertyMissing", name, f.path+name)
		}
	}
}

// finish notes the properties that no other method has read. It skips OData annotations. A
// property that the type of the resource has is read-only, any other is unknown.
func (f *form) finish(resource any) {
	for name := range f.values {
		switch {
		case f.known[name] || strings.Contains(name, "@"):
		case f.action != "":
			f.add("ActionParameterUnknown", name, f.action, name)
		case hasProperty(reflect.TypeOf(resource), name):
			f.add("PropertyNotWritable", name, f.path+name)
		default:
			f.add("PropertyUnknown", name, f.path+name)
		}
	}
	slices.SortFunc(*f.wrong, func(a, b Message) int { return strings.Compare(a.Related[0], b.Related[0]) })
}

// hasProperty reports whether a struct has a property of that name in JSON.
func hasProperty(t reflect.Type, name string) bool {
	return slices.ContainsFunc(reflect.VisibleFields(t), func(field reflect.StructField) bool {
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		return tag == name || tag == "" && field.Name == name
	})
}

// refused is the answer of a request of which nothing can be done: something is wrong, or
// nothing is asked for.
func (f *form) refused() Answer {
	if len(*f.wrong) == 0 {
		return bad(message("NoOperation"))
	}
	return bad(*f.wrong...)
}

// A change is a property, or several that belong together, which a PATCH writes.
type change struct {
	property string
	// script is set if the change may need a script. One answer waits for one script, so such
	// a change is made alone.
	script bool
	// make makes the change, or returns the intent that makes it.
	make func() Answer
}

// patch writes what is right in a form, and has the resource for an answer, with messages
// about what is wrong. After an error nothing has changed.
func (f *form) patch(changes []change, get func() Answer) Answer {
	if len(changes) == 0 {
		return f.refused()
	}
	if len(changes) > 1 {
		for i, c := range changes {
			if c.script {
				other := changes[(i+1)%len(changes)].property
				return bad(about(message("PropertyValueConflict", other, c.property), other))
			}
		}
	}
	written := func() Answer { return get().finally(f.annotate) }
	for _, c := range changes {
		a := c.make()
		switch {
		case a.Intent != nil:
			a.Then = written
			return a
		case a.Status != 0:
			return a
		}
	}
	return Answer{Stored: true, Then: written}
}

// annotate adds what is wrong to a resource that has been written.
func (f *form) annotate(a Answer) Answer {
	if len(*f.wrong) == 0 || a.Status != http.StatusOK {
		return a
	}
	info := make(map[string][]Message)
	for _, m := range *f.wrong {
		property, _, _ := strings.Cut(strings.TrimPrefix(m.Related[0], "#/"), "/")
		info[property] = append(info[property], m)
	}
	a.Body = annotated{a.Body, info}
	return a
}
