package redfish

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/machine"
)

const accountsURI = root + "/AccountService/Accounts"

// An accountService says how accounts behave (AccountService).
type accountService struct {
	resource
	ServiceEnabled    bool
	Status            status
	MinPasswordLength int
	MaxPasswordLength int
	Accounts          *link
	Roles             *link
}

const minPassword = 1

func getAccountService(*Service, *Request) Answer {
	return done(accountService{
		resource:          newResource(root+"/AccountService", "AccountService.v1_18_1", "AccountService", "Account Service"),
		ServiceEnabled:    true,
		Status:            enabled,
		MinPasswordLength: minPassword,
		MaxPasswordLength: instance.MaxPassword,
		Accounts:          linkTo(accountsURI),
		Roles:             linkTo(rolesURI),
	})
}

// An account is a user (ManagerAccount). Its Id is the user ID of IPMI.
type account struct {
	resource
	UserName               string
	Password               *string // always null
	RoleID                 string  `json:"RoleId"`
	Enabled                bool
	Locked                 bool
	AccountTypes           []string
	PasswordChangeRequired bool
	Links                  accountLinks
}

type accountLinks struct {
	Role *link
}

func accountOf(u instance.User) account {
	id := strconv.Itoa(int(u.ID))
	role := roleOf(u.Privilege)
	return account{
		resource:     newResource(accountsURI+"/"+id, "ManagerAccount.v1_14_1", id, "User Account"),
		UserName:     u.Name,
		RoleID:       role,
		Enabled:      !u.Disabled && !u.NoMessaging && u.Privilege != instance.PrivilegeNone,
		AccountTypes: []string{"Redfish", "IPMI"},
		Links:        accountLinks{linkTo(rolesURI + "/" + role)},
	}
}

// etag is a weak ETag of the account as it reads. A password does not show in it.
func (a account) etag() string {
	text, err := json.Marshal(a)
	if err != nil {
		panic("internal error: " + err.Error()) // every value can be written as JSON
	}
	h := fnv.New64a()
	h.Write(text)
	return fmt.Sprintf(`W/"%016x"`, h.Sum64())
}

// matches reports whether a header If-Match names the account as it is. Clients write weak,
// strong and bare ETags, so only the text of an ETag is compared.
func (a account) matches(ifMatch string) bool {
	bare := func(etag string) string { return strings.Trim(strings.TrimPrefix(strings.TrimSpace(etag), "W/"), `"`) }
	if ifMatch == "" {
		return true
	}
	current := bare(a.etag())
	return slices.ContainsFunc(strings.Split(ifMatch, ","), func(etag string) bool {
		return bare(etag) == "*" || bare(etag) == current
	})
}

// answer is the answer of a request that has the account for an answer.
func (a account) answer(status int) Answer {
	return Answer{Status: status, Header: AnswerHeader{ETag: a.etag()}, Body: a}
}

func getAccounts(s *Service, _ *Request) Answer {
	var ids []string
	for _, u := range s.Users.Credentials().Users {
		ids = append(ids, strconv.Itoa(int(u.ID)))
	}
	return done(collection(accountsURI, "ManagerAccountCollection", "Accounts", ids...))
}

// userID is the user ID that a request names; 0: it names none.
func (r *Request) userID() byte {
	id, err := strconv.ParseUint(r.id[0], 10, 8)
	if err != nil || strconv.Itoa(int(id)) != r.id[0] {
		return 0
	}
	return byte(id)
}

// mayRead reports whether the user of a request may read the account: an administrator may
// read all, everybody else one's own.
func (r *Request) mayRead() bool {
	return r.User.Privilege >= configureUsers || r.userID() == r.User.ID
}

func getAccount(s *Service, r *Request) Answer {
	u, exists := s.Users.Credentials().User(r.userID())
	switch {
	case !r.mayRead():
		return forbidden()
	case !exists:
		return notFound(r)
	}
	return accountOf(u).answer(http.StatusOK)
}

// A wish is what a request wants of an account. A nil field stays as it is.
type wish struct {
	name, password, role *string
	enabled              *bool
}

// wish reads what can be written of an account.
func (f *form) wish() wish {
	var w wish
	if name, asked := f.text("UserName"); asked {
		if instance.CheckUserName(name) != nil {
			f.refuse("ValueFormatError", "UserName")
		} else {
			w.name = &name
		}
	}
	if password, asked := f.text("Password"); asked {
		switch {
		case len(password) < minPassword || len(password) > instance.MaxPassword:
			f.add("PasswordIncorrectLength", "Password")
		case instance.CheckText(password) != nil:
			f.refuse("ValueFormatError", "Password")
		default:
			w.password = &password
		}
	}
	if role, asked := f.choice("RoleId", roleNames()); asked {
		w.role = &role
	}
	if on, asked := f.flag("Enabled"); asked {
		w.enabled = &on
	}
	return w
}

// apply makes the user what a request wants. A user who is enabled can log in.
func (w wish) apply(u *instance.User) {
	if w.name != nil {
		u.Name = *w.name
	}
	if w.password != nil {
		u.Password = instance.Hide(*w.password)
	}
	if w.role != nil {
		u.Privilege = privilegeOf(*w.role)
	}
	if w.enabled == nil {
		return
	}
	u.Disabled = !*w.enabled
	if *w.enabled {
		u.NoMessaging = false
		if u.Privilege == instance.PrivilegeNone {
			u.Privilege = instance.PrivilegeUser
		}
	}
}

func postAccount(s *Service, r *Request) Answer {
	f, refused := newForm(r, "")
	if refused != nil {
		return *refused
	}
	w := f.wish()
	f.require("UserName", "Password", "RoleId")
	f.finish(account{})
	if len(*f.wrong) > 0 {
		return f.refused()
	}
	var made instance.User
	return s.changeUsers(r, &made, func(c *instance.Credentials) error {
		made = instance.User{}
		w.apply(&made)
		if err := c.Add(made); err != nil {
			return err
		}
		made, _ = c.Named(made.Name)
		return nil
	}, func() Answer {
		a := accountOf(made).answer(http.StatusCreated)
		a.Header.Location = accountOf(made).URI
		return a
	})
}

// patchAccount changes a user. A user who is not an administrator may change one's own
// password.
func patchAccount(s *Service, r *Request) Answer {
	if !r.mayRead() {
		return forbidden()
	}
	f, refused := newForm(r, "")
	if refused != nil {
		return *refused
	}
	w := f.wish()
	f.finish(account{})
	switch {
	case r.User.Privilege < configureUsers && (w.name != nil || w.role != nil || w.enabled != nil):
		return forbidden()
	case w == wish{}:
		return f.refused()
	}
	var changed instance.User
	return s.changeUsers(r, &changed, func(c *instance.Credentials) error {
		u, err := r.user(*c)
		if err != nil {
			return err
		}
		w.apply(&u)
		changed = u
		c.Put(u)
		return nil
	}, func() Answer { return f.annotate(accountOf(changed).answer(http.StatusOK)) })
}

func deleteAccount(s *Service, r *Request) Answer {
	var gone instance.User
	return s.changeUsers(r, &gone, func(c *instance.Credentials) (err error) {
		if gone, err = r.user(*c); err != nil {
			return err
		}
		c.Remove(gone.ID)
		return nil
	}, carriedOut)
}

// The reasons for which a request cannot change an account.
var (
	errNoAccount = errors.New("no such account")
	errOtherETag = errors.New("the account has changed")
)

// user is the user that a request wants to change, if it may be changed.
func (r *Request) user(c instance.Credentials) (instance.User, error) {
	u, exists := c.User(r.userID())
	switch {
	case !exists:
		return u, errNoAccount
	case !accountOf(u).matches(r.Header.IfMatch):
		return u, errOtherETag
	}
	return u, nil
}

// changeUsers changes the credential file, and what must hold for every user there is checked.
// User is the one that changes, once change has returned.
func (s *Service) changeUsers(
	r *Request, user *instance.User, change func(*instance.Credentials) error, then func() Answer,
) Answer {
	users := s.Users
	return Answer{Later: func() func() Answer {
		apply, err := users.Change(func(c *instance.Credentials) error {
			if err := change(c); err != nil {
				return err
			}
			return c.CheckChange()
		})
		return func() Answer {
			if err != nil {
				s.Log.Warn("user not changed", "id", user.ID, "name", user.Name, "by", r.User.Name, "peer", r.Peer, "err", err)
				return notChanged(r, *user, err)
			}
			s.Log.Info("user changed", "id", user.ID, "name", user.Name, "by", r.User.Name, "peer", r.Peer, event.User.Attr())
			ends := apply()
			a := then()
			a.EndsIPMI = ends
			return a
		}
	}}
}

// notChanged is the answer of a request that was refused, or that failed.
func notChanged(r *Request, u instance.User, err error) Answer {
	switch {
	case errors.Is(err, errNoAccount):
		return notFound(r)
	case errors.Is(err, errOtherETag):
		return failure(http.StatusPreconditionFailed, message("PreconditionFailed"))
	case errors.Is(err, instance.ErrNameTaken):
		return failure(http.StatusConflict, about(message("ResourceAlreadyExists", "ManagerAccount", "UserName", u.Name), "UserName"))
	case errors.Is(err, instance.ErrNoFreeID):
		return bad(message("CreateLimitReachedForResource"))
	case errors.Is(err, instance.ErrNoAdministrator) && r.Method == http.MethodDelete:
		return failure(http.StatusConflict, message("ResourceCannotBeDeleted"))
	case errors.Is(err, instance.ErrNoAdministrator):
		return failure(http.StatusConflict, message("AccountNotModified"))
	}
	return Respond(machine.Failed)
}
