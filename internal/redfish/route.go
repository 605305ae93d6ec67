package redfish

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
)

// A Route is one row of the table of resources.
type Route struct {
	// Pattern is the path. {bmc} matches the name of the BMC or the UUID of the managed
	// system, and {id} any one segment.
	Pattern string
	Schema  string // namespace of the body's schema: "ComputerSystem.v1_27_0"
	Methods map[string]Method
}

// A Method is what a resource does for one method of HTTP.
type Method struct {
	Privilege instance.Privilege // the least; anyone: also without credentials
	handle    func(*Service, *Request) Answer
}

// Handle finds the resource of a request and runs its handler, after the checks that are the
// same for all resources. The route is nil if there is no such resource. Handle is called once
// for each request.
func (s *Service) Handle(r *Request) (*Route, Answer) {
	r.routes = Routes
	route, id := s.route(s.table(), r.Path)
	r.id = id
	return route, s.handle(route, r)
}

func (s *Service) handle(route *Route, r *Request) Answer {
	if r.Header.ODataVersion != "" && r.Header.ODataVersion != odataVersion {
		return failure(http.StatusPreconditionFailed, message("HeaderInvalid", "OData-Version: "+r.Header.ODataVersion))
	}
	method, known := route.method(r.Method)
	switch {
	case r.User == nil && !s.isGateway() && (!known || method.Privilege != anyone):
		return Unauthorized()
	case route == nil:
		return notFound(r)
	case !known:
		return failure(http.StatusMethodNotAllowed, message("OperationNotAllowed"))
	case r.User != nil && r.User.Privilege < method.Privilege:
		return forbidden()
	}
	for _, name := range r.Query {
		if strings.HasPrefix(name, "$") || name == "only" || name == "excerpt" {
			return failure(http.StatusNotImplemented, message("QueryParameterUnsupported", name))
		}
	}
	return method.handle(s, r)
}

// odataVersion is the value of the header OData-Version.
const odataVersion = "4.0"

// method is what the resource does for an HTTP method. HEAD is GET.
func (route *Route) method(name string) (m Method, known bool) {
	if route == nil {
		return Method{}, false
	}
	if name == http.MethodHead {
		name = http.MethodGet
	}
	m, known = route.Methods[name]
	return m, known
}

// Header completes the header of a final answer.
func (route *Route) Header(r *Request, a Answer) AnswerHeader {
	h := a.Header
	h.Challenge = a.Status == http.StatusUnauthorized
	if route == nil {
		return h
	}
	reads := r.Reads()
	if reads || a.Status == http.StatusMethodNotAllowed {
		h.Allow = route.allow()
	}
	if reads && a.Status == http.StatusOK {
		h.Schema = route.schema()
	}
	return h
}

// allow lists the methods of the resource in the order of the alphabet.
func (route *Route) allow() []string {
	all := slices.Sorted(maps.Keys(route.Methods))
	if slices.Contains(all, http.MethodGet) {
		all = append(all, http.MethodHead)
	}
	return all
}

// schema is where DMTF publishes the schema of the resource; empty if it has none.
func (route *Route) schema() string {
	if route.Schema == "" {
		return ""
	}
	return "https://redfish.dmtf.org/schemas/v1/" + route.Schema + ".json"
}

// route finds the resource of a path. A slash at the end of the path does not count, nor do
// several in a row: clients differ.
func (s *Service) route(routes []Route, path string) (*Route, []string) {
	segments := segmentsOf(path)
	for i := range routes {
		if id, ok := s.match(routes[i].Pattern, segments); ok {
			return &routes[i], id
		}
	}
	return nil, nil
}

func segmentsOf(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
}

// match reports whether a path is that of a pattern, and returns what the path has in place of
// each {…}.
func (s *Service) match(pattern string, segments []string) (id []string, ok bool) {
	wanted := segmentsOf(pattern)
	if len(wanted) != len(segments) {
		return nil, false
	}
	for i, want := range wanted {
		switch got := segments[i]; {
		case want == "{bmc}":
			if got != s.Name && !strings.EqualFold(got, s.UUID) {
				return nil, false
			}
		case want == "{id}":
			id = append(id, got)
		case want != got:
			return nil, false
		}
	}
	return id, true
}
