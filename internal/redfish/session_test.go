package redfish

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLogIn(t *testing.T) {
	for _, path := range []string{sessionsURI, sessionsURI + "/Members"} {
		for _, user := range []string{"", "guest"} {
			r := newRig(t, lean)
			r.as(user)
			got := r.do("POST", path, `{"UserName": "maas", "Password": "a password of 20 by."}`)
			require.Equal(t, http.StatusCreated, got.Status, got.Text)
			require.Equal(t, sessionsURI+"/3", got.Header.Location)
			require.Equal(t, "secret token", got.Header.Token)
			require.Equal(t, "maas", got.at("UserName"))
			require.Nil(t, got.at("Password"))
			require.Equal(t, sessionsURI+"/3", got.at("@odata.id"))
			require.NotContains(t, got.Text, "secret token")
			require.NotContains(t, got.Text, "password of")
		}
	}
}

// A user may end one's own sessions, and an administrator those of all.
func TestDeleteSession(t *testing.T) {
	for _, c := range []struct {
		user, session string
		status        int
	}{
		{"admin", "1", 204}, {"admin", "2", 204}, {"guest", "2", 204}, {"guest", "1", 403}, {"maas", "2", 403}, {"maas", "9", 404},
	} {
		r := newRig(t, lean)
		r.as(c.user)
		require.Equal(t, c.status, r.do("DELETE", sessionsURI+"/"+c.session, "").Status, "%v", c)
		want := 2
		if c.status == http.StatusNoContent {
			want = 1
			require.Equal(t, http.StatusNotFound, r.get(sessionsURI+"/"+c.session).Status)
		}
		require.Len(t, r.sessions, want)
	}
}

func TestSessionTimeout(t *testing.T) {
	r := newRig(t, lean)
	for _, seconds := range []string{"30", "86400"} {
		got := r.do("PATCH", "/redfish/v1/SessionService", `{"SessionTimeout": `+seconds+`}`)
		require.Equal(t, http.StatusOK, got.Status)
	}
	require.Equal(t, 24*time.Hour, r.timeout)
}
