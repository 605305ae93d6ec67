package instance

import (
	"bytes"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCredentials(t *testing.T) {
	const file = `{"users":[{"id":2,"name":"admin","password":"pass\"wörd","privilege":"administrator"},` +
		`{"id":3,"name":"viewer","password":"x","privilege":"user","enabled":false},` +
		`{"id":16,"name":"new","password":"","privilege":"none","messaging":false}],"kg":"twenty bytes exactly"}` + "\n"

	c, err := ParseCredentials([]byte(file))
	require.NoError(t, err)
	require.Len(t, c.Users, 3)
	for i, want := range []struct {
		User
		password string
		login    bool
	}{
		{User{ID: 2, Name: "admin", Privilege: PrivilegeAdministrator}, `pass"wörd`, true},
		{User{ID: 3, Name: "viewer", Privilege: PrivilegeUser, Disabled: true}, "x", false},
		{User{ID: 16, Name: "new", Privilege: PrivilegeNone, NoMessaging: true}, "", false},
	} {
		got := c.Users[i]
		require.Equal(t, want.password, got.Password.Reveal())
		require.Equal(t, want.login, got.CanLogIn())
		got.Password = Secret{}
		require.Equal(t, want.User, got)
	}
	require.Equal(t, "twenty bytes exactly", string(c.Key()))
	require.Equal(t, file, string(c.Marshal()))
}

func TestCanLogIn(t *testing.T) {
	able := User{Name: "admin", Password: Hide("x"), Privilege: PrivilegeUser}
	require.True(t, able.CanLogIn())
	for name, lacks := range map[string]func(*User){
		"password":  func(u *User) { u.Password = Secret{} },
		"privilege": func(u *User) { u.Privilege = PrivilegeNone },
		"enabled":   func(u *User) { u.Disabled = true },
		"messaging": func(u *User) { u.NoMessaging = true },
	} {
		u := able
		lacks(&u)
		require.False(t, u.CanLogIn(), name)
	}
}

// Users without an ID get one, and keep it when other users are removed.
func TestUserIDs(t *testing.T) {
	const user = `"password":"x","privilege":"user"}`
	c, err := ParseCredentials([]byte(`{"users":[{"name":"c",` + user + `,{"id":3,"name":"b",` + user + `,{"name":"d",` + user + `]}`))
	require.NoError(t, err)
	require.Equal(t, "2c 3b 4d", idsOf(c))

	all := c
	c.Remove(2)
	require.Equal(t, "2c 3b 4d", idsOf(all), "Remove must not change a copy")
	require.Equal(t, "3b 4d", idsOf(c))
	c, err = ParseCredentials(c.Marshal())
	require.NoError(t, err)
	require.Equal(t, "3b 4d", idsOf(c))
	require.NoError(t, c.Add(User{Name: "e", Privilege: PrivilegeUser}))
	require.Equal(t, "2e 3b 4d", idsOf(c))
	c.Put(User{ID: 3, Name: "f", Privilege: PrivilegeUser})
	require.Equal(t, "2e 3f 4d", idsOf(c))
	for id := range byte(12) {
		require.NoError(t, c.Add(User{Name: fmt.Sprint(id), Privilege: PrivilegeUser}))
	}
	require.NoError(t, c.Check())
	require.Equal(t, byte(16), c.Users[14].ID)
	require.EqualError(t, c.Add(User{Name: "too", Privilege: PrivilegeUser}), "no free user ID: the maximum is 15 users")

	u, ok := c.User(3)
	require.True(t, ok)
	require.Equal(t, "f", u.Name)
	u, ok = c.Named("d")
	require.True(t, ok)
	require.Equal(t, byte(4), u.ID)
	_, ok = c.Named("b")
	require.False(t, ok)
}

func idsOf(c Credentials) string {
	var all []string
	for _, u := range c.Users {
		all = append(all, fmt.Sprint(u.ID, u.Name))
	}
	return strings.Join(all, " ")
}

func TestKey(t *testing.T) {
	for kg, want := range map[string]string{
		"":                              "",
		"some text":                     "some text",
		"0x30ff":                        "0\xff",
		"0x3000":                        "0",
		"0x0000":                        "",
		"0x" + strings.Repeat("41", 20): strings.Repeat("A", 20),
		"30ff":                          "30ff",
		"twenty bytes exactly":          "twenty bytes exactly",
	} {
		c := Credentials{Users: []User{{ID: 2, Name: "admin", Privilege: PrivilegeUser}}, Kg: Hide(kg)}
		require.NoError(t, c.Check(), kg)
		require.Equal(t, want, string(c.Key()), kg)
	}
}

func TestBadCredentials(t *testing.T) {
	const good = `"name":"admin","password":"p4ssw0rd","privilege":"user"`
	tests := map[string]struct{ file, want string }{
		"empty":              {``, `EOF`},
		"no JSON":            {`admin:p4ssw0rd`, `invalid character 'a'`},
		"no user":            {`{"users":[]}`, `no user`},
		"unknown key":        {`{"user":[]}`, `unknown field: want users and kg`},
		"secret as a key":    {`{"users":[],"p4ssw0rd":""}`, `unknown field`},
		"trailing text":      {`{"users":[{` + good + `}]} x`, `unexpected text after the closing brace`},
		"same name twice":    {`{"users":[{` + good + `},{` + good + `}]}`, `user "admin" exists twice`},
		"no name":            {`{"users":[{"password":"p4ssw0rd","privilege":"user"}]}`, `user name has 0 bytes, want 1 to 16`},
		"long name":          {`{"users":[{"name":"seventeen letters","password":"p4ssw0rd","privilege":"user"}]}`, `user name has 17 bytes, want 1 to 16: "seventeen letters"`},
		"long password":      {`{"users":[{"name":"admin","password":"p4ssw0rdp4ssw0rdp4ssw","privilege":"user"}]}`, `password has 21 bytes`},
		"newline in it":      {`{"users":[{"name":"admin","password":"p4ssw0rd\n","privilege":"user"}]}`, `password contains a control character`},
		"newline in name":    {`{"users":[{"name":"ad\nmin","password":"p4ssw0rd","privilege":"user"}]}`, `user name contains a control character: "ad\nmin"`},
		"no privilege":       {`{"users":[{"name":"admin","password":"p4ssw0rd"}]}`, `user "admin" has no privilege`},
		"unknown privilege":  {`{"users":[{"name":"admin","password":"p4ssw0rd","privilege":"root"}]}`, `privilege "root": want user, operator, administrator or none`},
		"long Kg":            {`{"users":[{` + good + `}],"kg":"p4ssw0rdp4ssw0rdp4ssw"}`, `Kg has 21 bytes, want 0 to 20`},
		"odd Kg":             {`{"users":[{` + good + `}],"kg":"0xp4ssw0rd"}`, `want pairs of hex digits behind 0x in Kg`},
		"long hex Kg":        {`{"users":[{` + good + `}],"kg":"0x` + strings.Repeat("41", 21) + `"}`, `Kg has 21 bytes, want 0 to 20`},
		"line break in Kg":   {`{"users":[{` + good + `}],"kg":"p4ssw0rd\n"}`, `Kg contains a control character`},
		"the null user":      {`{"users":[{"id":1,` + good + `}]}`, `user "admin" has the ID 1, want 2 to 16`},
		"too high an ID":     {`{"users":[{"id":17,` + good + `}]}`, `user "admin" has the ID 17, want 2 to 16`},
		"same ID twice":      {`{"users":[{"id":2,` + good + `},{"id":2,"name":"b","privilege":"user"}]}`, `user "b" has the ID 2 of another user`},
		"too many":           {`{"users":[` + strings.Repeat(`{`+good+`},`, 15) + `{` + good + `}]}`, `no free user ID: the maximum is 15 users`},
		"password no string": {`{"users":[{"name":"admin","password":["p4ssw0rd"],"privilege":"user"}]}`, `cannot unmarshal array`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCredentials([]byte(tt.file))
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "p4ssw0rd")
		})
	}

	invalid := Credentials{Users: []User{{Name: "admin", Password: Hide("\xff")}}}
	require.EqualError(t, invalid.Check(), `password is not valid UTF-8 (user "admin")`)
}

// No verb of fmt prints a secret, wherever it is.
func TestSecretsAreNotPrinted(t *testing.T) {
	c := Credentials{Users: []User{{Name: "admin", Password: Hide("p4ssw0rd")}}, Kg: Hide("p4ssw0rd")}
	hidden := struct{ c *Credentials }{&c}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%!"} {
		for _, value := range []any{c, &c, hidden, &hidden, c.Users[0], c.Kg} {
			out := fmt.Sprintf(verb, value)
			require.NotContains(t, out, "p4ssw0rd")
			require.NotContains(t, out, fmt.Sprintf("%x", "p4ssw0rd"))
		}
	}
	require.Equal(t, "***", c.Kg.String())

	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "credentials", c)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "credentials", c)
	require.NotContains(t, log.String(), "p4ssw0rd")
}

func TestTheZeroSecretIsEmpty(t *testing.T) {
	require.Empty(t, Secret{}.Reveal())
	require.True(t, reflect.DeepEqual(Secret{}, Hide("")))
}

// Credentials that parse are valid, and parse to the same credentials when they are written. An error contains no secret.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{
		`{"users":[{"name":"admin","password":"hush-hush","privilege":"administrator"}]}`,
		`{"users":[{"id":16,"name":"a","password":"hush-hush","privilege":"user","enabled":false},` +
			`{"name":"b","password":"","privilege":"none","messaging":false}],"kg":"0x686173682d68757368"}`,
		`{"users":[{"name":"a","password":"hush-hush\n","privilege":"user"}]}`,
		`{"users":[{"name":"a","password":"hush-hush","privilege":"root"}]}`,
		`{"users":[{"name":"a","password":"hush-hush"}]} {}`,
		`{"users":[],"kg":"hush-hush is longer than Kg"}`,
	} {
		f.Add([]byte(seed))
	}
	const secret = "hush-hush"
	inPlace := regexp.MustCompile(`"(password|kg)":"` + secret)
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCredentials(text)
		if len(inPlace.FindAll(text, -1)) < bytes.Count(text, []byte(secret)) {
			return // the text is also in a name or another field that errors quote
		}
		if err != nil {
			require.NotContains(t, err.Error(), secret)
			return
		}
		require.NoError(t, c.Check())
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", c, c, c), secret)
		written := c.Marshal()
		again, err := ParseCredentials(written)
		require.NoError(t, err)
		require.Equal(t, string(written), string(again.Marshal()))
	})
}

// A client may not take away the last administrator who can log in, nor use a name twice.
func TestCheckChange(t *testing.T) {
	admin := User{ID: 2, Name: "admin", Password: Hide("password"), Privilege: PrivilegeAdministrator}
	operator := User{ID: 3, Name: "maas", Password: Hide("password"), Privilege: PrivilegeOperator}
	good := Credentials{Users: []User{admin, operator}}
	require.NoError(t, good.CheckChange())
	for name, spoil := range map[string]func(*User){
		"disabled":     func(u *User) { u.Disabled = true },
		"no messaging": func(u *User) { u.NoMessaging = true },
		"no password":  func(u *User) { u.Password = Secret{} },
		"operator":     func(u *User) { u.Privilege = PrivilegeOperator },
		"none":         func(u *User) { u.Privilege = PrivilegeNone },
	} {
		changed, c := admin, good
		spoil(&changed)
		c.Put(changed)
		require.ErrorIs(t, c.CheckChange(), ErrNoAdministrator, name)
	}
	operator.Name = "admin"
	good.Put(operator)
	require.ErrorIs(t, good.CheckChange(), ErrNameTaken)
	require.ErrorIs(t, Credentials{}.CheckChange(), ErrNoAdministrator)
}
