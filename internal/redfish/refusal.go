package redfish

import "net/http"

// Public reports whether a request needs no credentials.
func (s *Service) Public(r *Request) bool {
	route, _ := s.route(s.table(), r.Path)
	method, known := route.method(r.Method)
	return known && method.Privilege == anyone
}

// Unauthorized is the answer to a request with credentials that are not right.
func Unauthorized() Answer { return failure(http.StatusUnauthorized, message("NoValidSession")) }

// forbidden is the answer to a user whose privilege level does not allow the request.
func forbidden() Answer { return failure(http.StatusForbidden, message("InsufficientPrivilege")) }

// Delayed is the answer to a request of a user who has failed to log in too often.
func Delayed() Answer {
	const seconds = 6 // in which one failure is forgotten
	return later(seconds)
}

// CrossOrigin is the answer to a request that a browser sends for a web page of another site.
func CrossOrigin() Answer {
	return failure(http.StatusForbidden, message("HeaderInvalid", "Origin"))
}

// TooLarge is the answer to a request whose body is too large.
func TooLarge() Answer {
	return failure(http.StatusRequestEntityTooLarge, message("PayloadTooLarge"))
}

// Reason is the ID of the message that says why a request was refused; empty if it was not.
func (a Answer) Reason() string {
	body, is := a.Body.(errorBody)
	if !is {
		return ""
	}
	return body.Error.Code
}
