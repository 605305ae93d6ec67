package instance

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCredentials(t *testing.T) {
	const file = `{"users":[{"name":"admin","password":"pass\"wörd","privilege":"administrator"},` +
		`{"name":"viewer","password":"x","privilege":"user"}],"kg":"twenty bytes exactly"}` + "\n"

	c, err := ParseCredentials([]byte(file))
	require.NoError(t, err)
	require.Len(t, c.Users, 2)
	require.Equal(t, "admin", c.Users[0].Name)
	require.Equal(t, `pass"wörd`, c.Users[0].Password.Reveal())
	require.Equal(t, PrivilegeAdministrator, c.Users[0].Privilege)
	require.Equal(t, "viewer", c.Users[1].Name)
	require.Equal(t, PrivilegeUser, c.Users[1].Privilege)
	require.Equal(t, "twenty bytes exactly", c.Kg.Reveal())
	require.Equal(t, file, string(c.Marshal()))
}

func TestBadCredentials(t *testing.T) {
	const good = `"name":"admin","password":"p4ssw0rd","privilege":"user"`
	tests := map[string]struct{ file, want string }{
		"empty":              {``, `EOF`},
		"no JSON":            {`admin:p4ssw0rd`, `invalid character 'a'`},
		"no user":            {`{"users":[]}`, `no user`},
		"unknown key":        {`{"user":[]}`, `unknown field "user"`},
		"trailing text":      {`{"users":[{` + good + `}]} x`, `something follows`},
		"same name twice":    {`{"users":[{` + good + `},{` + good + `}]}`, `user "admin" exists twice`},
		"no name":            {`{"users":[{"password":"p4ssw0rd","privilege":"user"}]}`, `user name has 0 bytes, want 1 to 16`},
		"long name":          {`{"users":[{"name":"seventeen letters","password":"p4ssw0rd","privilege":"user"}]}`, `user name has 17 bytes, want 1 to 16: "seventeen letters"`},
		"no password":        {`{"users":[{"name":"admin","privilege":"user"}]}`, `password has 0 bytes, want 1 to 20 (user "admin")`},
		"long password":      {`{"users":[{"name":"admin","password":"p4ssw0rdp4ssw0rdp4ssw","privilege":"user"}]}`, `password has 21 bytes`},
		"newline in it":      {`{"users":[{"name":"admin","password":"p4ssw0rd\n","privilege":"user"}]}`, `password contains a control character`},
		"newline in name":    {`{"users":[{"name":"ad\nmin","password":"p4ssw0rd","privilege":"user"}]}`, `user name contains a control character: "ad\nmin"`},
		"no privilege":       {`{"users":[{"name":"admin","password":"p4ssw0rd"}]}`, `user "admin" has no privilege`},
		"unknown privilege":  {`{"users":[{"name":"admin","password":"p4ssw0rd","privilege":"root"}]}`, `privilege "root": want user, operator or administrator`},
		"long Kg":            {`{"users":[{` + good + `}],"kg":"p4ssw0rdp4ssw0rdp4ssw"}`, `Kg has 21 bytes, want 0 to 20`},
		"password no string": {`{"users":[{"name":"admin","password":["p4ssw0rd"],"privilege":"user"}]}`, `cannot unmarshal array`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCredentials([]byte(tt.file))
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "p4ssw0rd")
		})
	}

	invalid := Credentials{Users: []User{{"admin", Hide("\xff"), PrivilegeUser}}}
	require.EqualError(t, invalid.Check(), `password is not valid UTF-8 (user "admin")`)
}

// A secret must not be printed by any verb, wherever it hides.
func TestSecretsAreNotPrinted(t *testing.T) {
	c := Credentials{Users: []User{{"admin", Hide("p4ssw0rd"), PrivilegeUser}}, Kg: Hide("p4ssw0rd")}
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
}
