package ipmi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// padded is a text in hex in a field of n bytes.
func padded(text string, n int) string {
	return strings.TrimSpace(fmt.Sprintf("% x", append([]byte(text), make([]byte, n-len(text))...)))
}

// userEntry is a user as in the credential file.
func (r *rig) userEntry(id byte) string {
	u, ok := r.users.User(id)
	require.True(r.t, ok)
	return entry(u)
}

// A new user is made the way that every guide for ipmitool says, and cannot log in
// before the last step.
func TestMakeUser(t *testing.T) {
	r := newRig(t, statusOnly)
	steps := []struct{ request, access, kept string }{
		{"06/45 05 " + padded("new", 16), "10 82 01 0f",
			`{"id":5,"name":"new","password":"","privilege":"none","enabled":false,"messaging":false}`},
		{"06/47 05 02 " + padded("secret", 16), "10 82 01 0f",
			`{"id":5,"name":"new","password":"secret","privilege":"none","enabled":false,"messaging":false}`},
		{"06/43 b1 05 03", "10 82 01 13",
			`{"id":5,"name":"new","password":"secret","privilege":"operator","enabled":false}`},
		{"06/47 05 01", "10 43 01 13", `{"id":5,"name":"new","password":"secret","privilege":"operator"}`},
	}
	for i, s := range steps {
		r.talk(step{s.request, "00"}, step{"06/44 01 05", "00 " + s.access}, step{"06/46 05", "00 " + padded("new", 16)})
		require.Equal(t, s.kept, r.userEntry(5))
		u, _ := r.users.User(5)
		require.Equal(t, i == len(steps)-1, u.CanLogIn())
	}
	require.Empty(t, r.ends)

	// Without a name there is nothing.
	r.talk(step{"06/45 05 " + padded("", 16), "00"}, step{"06/44 01 05", "00 10 82 01 0f"})
	_, ok := r.users.User(5)
	require.False(t, ok)
}

func TestUserNames(t *testing.T) {
	zeros := "00 " + padded("", 16)
	r := newRig(t, statusOnly)
	r.talk(
		step{"06/46 01", zeros},
		step{"06/46 02", "00 " + padded("admin", 16)},
		step{"06/46 10", zeros},
		step{"06/46 00", "cc"},
		step{"06/46 11", "cc"},
		step{"06/46 42", "cc"}, // reserved bits
		step{"06/46 82", "cc"},

		step{"06/45 03 " + padded("sixteen letters.", 16), "00"},
		step{"06/46 03", "00 " + padded("sixteen letters.", 16)},
		step{"06/45 03 " + padded("m\x00garbage", 16), "00"},
		step{"06/46 03", "00 " + padded("m", 16)},
		step{"06/45 03 " + padded("m", 16), "00"}, // as it is
		step{"06/45 03 " + padded("admin", 16), "cc"},
		step{"06/45 03 " + padded("\xff", 16), "cc"},
		step{"06/45 03 " + padded("a\nb", 16), "cc"},
		step{"06/45 01 " + padded("null", 16), "cc"},
		step{"06/45 01 " + padded("", 16), "00"}, // as it is
		step{"06/45 0f " + padded("", 16), "00"},
		step{"06/45 00 " + padded("x", 16), "cc"},
		step{"06/45 11 " + padded("x", 16), "cc"},
		step{"06/45 43 " + padded("x", 16), "cc"},
		step{"06/45 83 " + padded("x", 16), "cc"},
	)
	require.Equal(t, []uint32{0x55667788, 0x55667788}, r.ends, "once for each change of the name")
	require.Equal(t, `{"id":3,"name":"m","password":"a password of 20 by.","privilege":"operator"}`, r.userEntry(3))
}

func TestUserAccess(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"06/44 01 01", "00 10 82 01 0f"},
		step{"06/44 01 02", "00 10 42 01 14"},
		step{"06/44 0e 03", "00 10 42 01 13"},
		step{"06/44 01 10", "00 10 82 01 0f"},
		step{"06/44 00 02", "cc"}, // channels
		step{"06/44 02 02", "cc"},
		step{"06/44 0f 02", "cc"},
		step{"06/44 11 02", "cc"}, // reserved bits
		step{"06/44 81 02", "cc"},
		step{"06/44 01 00", "cc"}, // users
		step{"06/44 01 11", "cc"},
		step{"06/44 01 42", "cc"},
		step{"06/44 01 82", "cc"},

		step{"06/43 01 03 02", "00"}, // only the limit, whatever the bits say
		step{"06/44 01 03", "00 10 42 01 12"},
		step{"06/43 41 03 04 00", "00"},
		step{"06/44 01 03", "00 10 42 01 14"},
		step{"06/43 8e 03 0f 00", "00"}, // nothing at all
		step{"06/44 01 03", "00 10 42 01 0f"},
		step{"06/43 be 03 02", "00"}, // messaging, and link authentication, which is let through
		step{"06/44 01 03", "00 10 42 01 12"},
		step{"06/43 d1 03 02", "cc"}, // callback
		step{"06/43 90 03 02", "cc"}, // channels
		step{"06/43 92 03 02", "cc"},
		step{"06/43 91 00 02", "cc"}, // users
		step{"06/43 91 11 02", "cc"},
		step{"06/43 91 43 02", "cc"},
		step{"06/43 91 83 02", "cc"},
		step{"06/43 91 03 00", "cc"}, // limits
		step{"06/43 91 03 01", "cc"},
		step{"06/43 91 03 05", "cc"},
		step{"06/43 91 03 0e", "cc"},
		step{"06/43 91 03 12", "cc"},
		step{"06/43 91 03 82", "cc"},
		step{"06/43 91 03 02 01", "cc"}, // a limit for sessions
		step{"06/43 91 03 02 10", "cc"},
		step{"06/43 91 01 02", "cb"}, // users without a name
		step{"06/43 91 07 02", "cb"},
		step{"06/43 81 01 0f", "00"}, // as they are
		step{"06/43 81 07 0f", "00"},
		step{"06/44 01 03", "00 10 42 01 12"},
	)
}

func TestUserPasswords(t *testing.T) {
	short, long := padded("secret", 16), padded("secret", 20)
	r := newRig(t, statusOnly)
	r.talk(
		step{"06/47 02 03 " + padded("password", 16), "00"},
		step{"06/47 82 03 " + padded("password", 20), "00"},
		step{"06/47 02 03 " + padded("passwort", 16), "80"},
		step{"06/47 02 03 " + padded("", 16), "80"},
		step{"06/47 83 03 " + padded("a password of 20 by.", 20), "00"},
		step{"06/47 83 03 " + padded("a password of 20 by,", 20), "80"},
		step{"06/47 03 03 " + padded("a password of 20", 16), "81"},
		step{"06/47 01 03 " + padded("", 16), "80"}, // a user without a name or a password
		step{"06/47 07 03 " + padded("", 16), "80"},

		step{"06/47 03 02 " + short, "00"},
		step{"06/47 03 03 " + short, "00"},
		step{"06/47 83 03 " + long, "00"},
		step{"06/47 83 02 " + padded("exactly twenty bytes", 20), "00"},
		step{"06/47 83 03 " + padded("exactly twenty bytes", 20), "00"},
		step{"06/47 03 02 " + padded("a\x00b", 16), "cc"}, // not UTF-8, or with a zero inside
		step{"06/47 03 02 " + padded("\xc3", 16), "cc"},
		step{"06/47 03 02 " + padded("", 16), "00"},
		step{"06/47 03 03 " + padded("", 16), "80"},
		step{"06/47 03 01", "00"}, // enabled, and still without a password
		step{"06/44 01 03", "00 10 42 01 13"},
		step{"06/47 03 00 " + short, "00"},
		step{"06/44 01 03", "00 10 81 01 13"},
		step{"06/47 83 01 " + long, "00"},
		step{"06/44 01 03", "00 10 42 01 13"},

		step{"06/47 01 02 " + short, "cb"}, // users without a name
		step{"06/47 07 02 " + short, "cb"},
		step{"06/47 01 01", "cb"},
		step{"06/47 07 01", "cb"},
		step{"06/47 01 00", "00"}, // as they are
		step{"06/47 07 00", "00"},
		step{"06/47 07 02 " + padded("", 16), "00"},
		step{"06/47 00 00", "cc"}, // users
		step{"06/47 11 00", "cc"},
		step{"06/47 43 00", "cc"},
		step{"06/47 03 04", "cc"}, // operations
		step{"06/47 03 82", "cc"},
	)
	require.Equal(t, `{"id":3,"name":"maas","password":"","privilege":"operator"}`, r.userEntry(3))
	require.NotContains(t, r.log.String(), "secret")
}

// The sessions of a user that is changed end once the answer has left. Other sessions do
// not.
func TestChangedUsersAreLoggedOff(t *testing.T) {
	for request, ends := range map[string][]uint32{
		"06/47 02 02 " + padded("other", 16):    {0x11223344},
		"06/47 02 02 " + padded("password", 16): nil,
		"06/47 02 01":                           nil,
		"06/47 03 00":                           {0x55667788},
		"06/43 91 03 03":                        nil,
		"06/43 91 03 02":                        {0x55667788},
		"06/45 03 " + padded("", 16):            {0x55667788},
		"06/45 04 " + padded("other", 16):       nil,
	} {
		r := newRig(t, statusOnly)
		r.talk(step{request, "00"})
		require.Equal(t, ends, r.ends, request)
	}
}

// The last administrator cannot be removed.
func TestTheLastAdministrator(t *testing.T) {
	requests := []string{
		"06/47 02 00",
		"06/47 02 02 " + padded("", 16),
		"06/45 02 " + padded("", 16),
		"06/43 81 02 04",
		"06/43 91 02 03",
		"06/43 91 02 0f",
	}
	for _, request := range requests {
		r := newRig(t, statusOnly)
		before := string(r.users.Marshal())
		r.talk(step{request, "d5"})
		require.Equal(t, before, string(r.users.Marshal()))
		require.Empty(t, r.ends)
		require.Contains(t, r.log.String(), "no administrator would be left")

		r.talk(step{"06/43 91 03 04", "00"}, step{request, "00"})
	}
}

func TestUsersThatCannotBeStored(t *testing.T) {
	r := newRig(t, statusOnly)
	r.noSpace = true
	for _, s := range samples {
		if s.least == rmcp.Administrator && s.request > "06/43" && s.request < "06/48" {
			require.Equal(t, "ff", r.ask(s.request), s.request)
		}
	}
	require.Equal(t, 3, strings.Count(r.log.String(), "no space left on device"))
}
