package redfish

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
)

func TestMakeAccount(t *testing.T) {
	for _, path := range []string{accountsURI, accountsURI + "/Members"} {
		r := newRig(t, lean)
		got := r.do("POST", path, `{"UserName": "new", "Password": "a password of 20 by.", "RoleId": "Operator"}`)
		require.Equal(t, http.StatusCreated, got.Status, got.Text)
		require.Equal(t, accountsURI+"/4", got.Header.Location)
		require.Equal(t, "new", got.at("UserName"))
		require.Nil(t, got.at("Password"))
		require.Equal(t, true, got.at("Enabled"))
		require.NotContains(t, got.Text, "password of")
		u, _ := r.users.User(4)
		require.True(t, u.CanLogIn())
		require.Equal(t, "a password of 20 by.", u.Password.Reveal())
		require.Equal(t, instance.PrivilegeOperator, u.Privilege)
		require.Equal(t, []uint32{0x1234}, r.ends)
		require.Equal(t, got.Body, r.get(accountsURI+"/4").Body)
	}
	r := newRig(t, lean)
	got := r.do("POST", accountsURI, `{"UserName": "new", "Password": "secret", "RoleId": "ReadOnly", "Enabled": false}`)
	require.Equal(t, false, got.at("Enabled"))
}

func TestTooManyAccounts(t *testing.T) {
	r := newRig(t, lean)
	for i := len(r.users.Users); i < 15; i++ {
		body := fmt.Sprintf(`{"UserName": "user%d", "Password": "secret", "RoleId": "ReadOnly"}`, i)
		require.Equal(t, http.StatusCreated, r.do("POST", accountsURI, body).Status)
	}
	got := r.do("POST", accountsURI, `{"UserName": "new", "Password": "secret", "RoleId": "ReadOnly"}`)
	require.Equal(t, http.StatusBadRequest, got.Status)
	require.Equal(t, []string{"CreateLimitReachedForResource"}, got.keys(""))
}

func TestChangeAccount(t *testing.T) {
	r := newRig(t, lean)
	got := r.do("PATCH", accountsURI+"/3", `{"UserName": "ironic", "Password": "new", "RoleId": "Administrator", "Enabled": false}`)
	require.Equal(t, http.StatusOK, got.Status, got.Text)
	require.NotEmpty(t, got.Header.ETag)
	u, _ := r.users.User(3)
	require.Equal(t, "ironic administrator true new", fmt.Sprint(u.Name, " ", u.Privilege, " ", u.Disabled, " ", u.Password.Reveal()))
	require.Equal(t, http.StatusNoContent, r.do("DELETE", accountsURI+"/3", "").Status)
	_, exists := r.users.User(3)
	require.False(t, exists)
	require.NotContains(t, r.log.String(), "Reveal")
	require.Contains(t, r.log.String(), `name=ironic by=admin peer=192.0.2.7:50000`)
}

// A user of IPMI who may not log in is not enabled. Enabled is as much as it takes.
func TestAccountsThatCannotLogIn(t *testing.T) {
	for name, spoil := range map[string]func(*instance.User){
		"disabled":     func(u *instance.User) { u.Disabled = true },
		"no messaging": func(u *instance.User) { u.NoMessaging = true },
		"no privilege": func(u *instance.User) { u.Privilege = instance.PrivilegeNone },
	} {
		r := newRig(t, lean)
		u, _ := r.users.User(3)
		spoil(&u)
		r.users.Put(u)
		require.Equal(t, false, r.get(accountsURI+"/3").at("Enabled"), name)
		require.Equal(t, true, r.do("PATCH", accountsURI+"/3", `{"Enabled": true}`).at("Enabled"), name)
		u, _ = r.users.User(3)
		require.True(t, u.CanLogIn(), name)
	}
}

// A user may read oneself and change one's own password. An administrator may do everything.
func TestOwnAccount(t *testing.T) {
	r := newRig(t, lean)
	for _, user := range []string{"maas", "guest"} {
		r.as(user)
		own := fmt.Sprint(accountsURI, "/", r.user.ID)
		require.Equal(t, http.StatusOK, r.get(own).Status)
		require.Equal(t, http.StatusForbidden, r.get(accountsURI+"/2").Status)
		require.Equal(t, http.StatusForbidden, r.get(accountsURI+"/9").Status, "nobody learns which accounts exist")
		require.Equal(t, http.StatusForbidden, r.do("PATCH", accountsURI+"/2", `{"Password": "mine"}`).Status)
		for _, body := range []string{`{"RoleId": "Administrator"}`, `{"UserName": "root"}`, `{"Enabled": true}`, `{"Password": "x", "RoleId": "Operator"}`} {
			require.Equal(t, http.StatusForbidden, r.do("PATCH", own, body).Status, body)
		}
		require.Equal(t, http.StatusOK, r.do("PATCH", own, `{"Password": "mine"}`).Status)
		u, _ := r.users.Named(user)
		require.Equal(t, "mine", u.Password.Reveal())
		require.Equal(t, http.StatusForbidden, r.do("DELETE", own, "").Status)
	}
}

// ETags are compared weakly: clients write them in each way.
func TestIfMatch(t *testing.T) {
	r := newRig(t, lean)
	path := accountsURI + "/3"
	etag := r.get(path).Header.ETag
	require.Regexp(t, `^W/"[0-9a-f]{16}"$`, etag)
	send := func(method, ifMatch string) response {
		return r.send(Request{Method: method, Path: path, Body: []byte(`{"Enabled": true}`), Header: RequestHeader{IfMatch: ifMatch}})
	}
	strong := strings.TrimPrefix(etag, "W/")
	for _, good := range []string{etag, strong, strings.Trim(strong, `"`), "*", `"other", ` + etag, ""} {
		require.Equal(t, http.StatusOK, send("PATCH", good).Status, good)
	}
	for _, wrong := range []string{`"other"`, `W/""`, `""`, ","} {
		for _, method := range []string{"PATCH", "DELETE"} {
			got := send(method, wrong)
			require.Equal(t, http.StatusPreconditionFailed, got.Status, wrong)
			require.Equal(t, []string{"PreconditionFailed"}, got.keys(""))
		}
	}
	r.do("PATCH", path, `{"Enabled": false}`)
	require.Equal(t, http.StatusPreconditionFailed, send("PATCH", etag).Status, "the account has changed")
	got := r.send(Request{Method: "POST", Path: resetPath, Body: []byte(`{"ResetType": "On"}`), Header: RequestHeader{IfMatch: `"other"`}})
	require.Equal(t, http.StatusNoContent, got.Status, "clients send it with actions")
}

// The ETag is made of the body of the answer, which has no password.
func TestETagTellsNoPassword(t *testing.T) {
	r := newRig(t, lean)
	before := r.get(accountsURI + "/3").Header.ETag
	r.do("PATCH", accountsURI+"/3", `{"Password": "another"}`)
	require.Equal(t, before, r.get(accountsURI+"/3").Header.ETag)
}
