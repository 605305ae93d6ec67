package redfish

import (
	"net/http"
	"slices"
	"time"
)

const sessionsURI = root + "/SessionService/Sessions"

// Limits of SessionTimeout in seconds (SessionService.v1_2_0).
const (
	minTimeout = 30
	maxTimeout = 86400
)

// A sessionService says how sessions behave (SessionService).
type sessionService struct {
	resource
	ServiceEnabled bool
	SessionTimeout int // seconds
	Status         status
	Sessions       *link
}

func getSessionService(s *Service, _ *Request) Answer {
	return done(sessionService{
		resource:       newResource(root+"/SessionService", "SessionService.v1_2_0", "SessionService", "Session Service"),
		ServiceEnabled: true,
		SessionTimeout: int(s.Sessions.Timeout() / time.Second),
		Status:         enabled,
		Sessions:       linkTo(sessionsURI),
	})
}

func patchSessionService(s *Service, r *Request) Answer {
	f, refused := newForm(r, "")
	if refused != nil {
		return *refused
	}
	var changes []change
	if seconds, asked := f.number("SessionTimeout", minTimeout, maxTimeout); asked {
		changes = append(changes, change{property: "SessionTimeout", make: func() Answer {
			s.Sessions.SetTimeout(time.Duration(seconds) * time.Second)
			return Answer{}
		}})
	}
	f.finish(sessionService{})
	return f.patch(changes, func() Answer { return getSessionService(s, r) })
}

// A sessionBody is a session (Session).
type sessionBody struct {
	resource
	UserName              string
	Password              *string // always null
	SessionType           string
	ClientOriginIPAddress string
	CreatedTime           string
}

func sessionOf(s Session) sessionBody {
	return sessionBody{
		resource:              newResource(sessionsURI+"/"+s.ID, "Session.v1_8_0", s.ID, "User Session"),
		UserName:              s.User,
		SessionType:           "Redfish",
		ClientOriginIPAddress: s.Peer.Addr().String(),
		CreatedTime:           dateTime(s.Created),
	}
}

func getSessions(s *Service, _ *Request) Answer {
	var ids []string
	for _, session := range s.Sessions.List() {
		ids = append(ids, session.ID)
	}
	return done(collection(sessionsURI, "SessionCollection", "Sessions", ids...))
}

func (s *Service) session(r *Request) (found Session, exists bool) {
	all := s.Sessions.List()
	i := slices.IndexFunc(all, func(session Session) bool { return session.ID == r.id[0] })
	if i < 0 {
		return Session{}, false
	}
	return all[i], true
}

func getSession(s *Service, r *Request) Answer {
	session, exists := s.session(r)
	if !exists {
		return notFound(r)
	}
	return done(sessionOf(session))
}

// postSession logs a user in. The credentials that the request itself may have do not matter.
func postSession(s *Service, r *Request) Answer {
	f, refused := newForm(r, "")
	if refused != nil {
		return *refused
	}
	name, _ := f.text("UserName")
	password, _ := f.text("Password")
	f.require("UserName", "Password")
	f.finish(sessionBody{})
	if len(*f.wrong) > 0 {
		return f.refused()
	}
	session, token, refused := s.Sessions.Login(name, password, r.Peer)
	if refused != nil {
		return *refused
	}
	body := sessionOf(session)
	return Answer{Status: http.StatusCreated, Header: AnswerHeader{Location: body.URI, Token: token}, Body: body}
}

// deleteSession ends a session. Only an administrator may end one of another user.
func deleteSession(s *Service, r *Request) Answer {
	session, exists := s.session(r)
	switch {
	case !exists:
		return notFound(r)
	case session.User != r.User.Name && r.User.Privilege < configureManager:
		return forbidden()
	}
	s.Sessions.End(session.ID)
	return carriedOut()
}
