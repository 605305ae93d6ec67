package instance

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/media"
)

func TestFromEnv(t *testing.T) {
	got, err := FromEnv([]string{"SHIPMI_NAME=node-0", "SHIPMI_PROVIDER=/etc/shipmi/providers/qm.conf"})
	require.NoError(t, err)
	require.Equal(t, Instance{
		Name:         "node-0",
		Provider:     "/etc/shipmi/providers/qm.conf",
		Timeouts:     Timeouts{10 * time.Second, time.Minute, 15 * time.Second, 5 * time.Minute, 2 * time.Second, 30 * time.Minute},
		CipherSuites: []byte{3, 17},
	}, got)
	require.Equal(t, []string{"SHIPMI_PROVIDER=/etc/shipmi/providers/qm.conf"}, got.Environ())
}

func TestEnvironRoundTrip(t *testing.T) {
	env := []string{
		"SHIPMI_PROVIDER=/p/a b%.conf",
		"SHIPMI_IDLE_TIMEOUT=100ms",
		"SHIPMI_SESSION_TIMEOUT=1m30s",
		"SHIPMI_QUERY_TIMEOUT=1s",
		"SHIPMI_ACTION_TIMEOUT=24h0m0s",
		"SHIPMI_ANSWER_TIMEOUT=500ms",
		"SHIPMI_MEDIA_TIMEOUT=1h0m0s",
		"SHIPMI_CONSOLE_LOG=always",
		"SHIPMI_CONSOLE_REPLAY=no",
		"SHIPMI_ADVERTISE=192.0.2.1:623",
		"SHIPMI_CIPHER_SUITES=17",
		"SHIPMI_INBAND=administrator",
		"SHIPMI_MEDIA_URLS=http://10.0.0.5/ https://images.example.org/iso/",
		"SHIPMI_MEDIA_LOCAL=1",
		"SHIPMI_PARAM_HOST=",
		"SHIPMI_PARAM_VM_ID=a=b c",
	}
	want := Instance{
		Name:         "a",
		Provider:     "/p/a b%.conf",
		Timeouts:     Timeouts{100 * time.Millisecond, 90 * time.Second, time.Second, 24 * time.Hour, 500 * time.Millisecond, time.Hour},
		CipherSuites: []byte{17},
		Console:      Console{LogAlways: true, NoReplay: true},
		Advertise:    netip.MustParseAddrPort("192.0.2.1:623"),
		Media:        media.Rule{URLs: []string{"http://10.0.0.5/", "https://images.example.org/iso/"}, Local: true},
		Inband:       PrivilegeAdministrator,
		Parameters:   map[string]string{"vm_id": "a=b c", "host": ""},
	}

	got, err := FromEnv(append([]string{"SHIPMI_NAME=b"}, append(env, "SHIPMI_NAME=a")...))
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, env, got.Environ())
	require.Equal(t, []string{"SHIPMI_PROVIDER=/p/a b%.conf", "SHIPMI_PARAM_HOST=", "SHIPMI_PARAM_VM_ID=a=b c"}, got.Provided())
}

func TestFromEnvNamesEveryBadValue(t *testing.T) {
	_, err := FromEnv([]string{
		"SHIPMI_NAME=a b",
		"SHIPMI_PROVIDER=qm.conf",
		"SHIPMI_IDLE_TIMEOUT=10",
		"SHIPMI_SESSION_TIMEOUT=99ms",
		"SHIPMI_QUERY_TIMEOUT=-1s",
		"SHIPMI_ACTION_TIMEOUT=25h",
		"SHIPMI_ANSWER_TIMEOUT=soon",
		"SHIPMI_CIPHER_SUITES=3 0",
		"SHIPMI_CONSOLE_LOG=yes",
		"SHIPMI_CONSOLE_REPLAY=always",
		"SHIPMI_ADVERTISE=623",
		"SHIPMI_MEDIA_URLS=http://10.0.0.5/ nfs://10.0.0.5/",
		"SHIPMI_MEDIA_LOCAL=yes",
		"SHIPMI_INBAND=none",
	})
	require.EqualError(t, err, strings.Join([]string{
		`SHIPMI_NAME: invalid name "a b": use letters, digits, "_", "." and "-", a letter or digit first, 63 at most`,
		`SHIPMI_PROVIDER: "qm.conf": want the name of a built-in provider, or the absolute path of a provider file`,
		`SHIPMI_IDLE_TIMEOUT: "10": want a duration like 90s or 5m, from 100ms to 24h`,
		`SHIPMI_SESSION_TIMEOUT: "99ms": want a duration like 90s or 5m, from 100ms to 24h`,
		`SHIPMI_QUERY_TIMEOUT: "-1s": want a duration like 90s or 5m, from 100ms to 24h`,
		`SHIPMI_ACTION_TIMEOUT: "25h": want a duration like 90s or 5m, from 100ms to 24h`,
		`SHIPMI_ANSWER_TIMEOUT: "soon": want a duration like 90s or 5m, from 100ms to 24h`,
		`SHIPMI_CONSOLE_LOG: "yes": want watched or always`,
		`SHIPMI_CONSOLE_REPLAY: "always": want yes or no`,
		`SHIPMI_ADVERTISE: "623": want a port, and an address before it if clients use another one, such as :6230, 192.0.2.1:623 or [2001:db8::1]:623`,
		`SHIPMI_CIPHER_SUITES: "3 0": want each of "3 17" once at most`,
		`SHIPMI_MEDIA_URLS: "nfs://10.0.0.5/": the URL must begin with http:// or https://`,
		`SHIPMI_MEDIA_LOCAL: "yes": want 0 or 1`,
		`SHIPMI_INBAND: "none": want user, operator or admin`,
	}, "; "))

	_, err = FromEnv(nil)
	require.ErrorContains(t, err, "SHIPMI_NAME")
	require.ErrorContains(t, err, "SHIPMI_PROVIDER")

	_, err = FromEnv([]string{"SHIPMI_NAME=a", "SHIPMI_PROVIDER=/a\nb"})
	require.EqualError(t, err, `SHIPMI_PROVIDER: "/a\nb" contains a control character`)
}

func TestSetRefusesAnUnknownTimeout(t *testing.T) {
	timeouts := Default().Timeouts
	require.EqualError(t, timeouts.Set("idel", "10s"), `"idel": want idle, session, query, action, answer or media`)
	require.Equal(t, Default().Timeouts, timeouts)
}

func TestParseCipherSuites(t *testing.T) {
	for text, want := range map[string][]byte{"3": {3}, "17": {17}, "17 3": {17, 3}, " 3\t17 ": {3, 17}} {
		got, err := ParseCipherSuites(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", " ", "0", "3 3", "3,17", "-3", "259", "three"} {
		_, err := ParseCipherSuites(text)
		require.Error(t, err, text)
	}
}

func TestParseInband(t *testing.T) {
	for text, want := range map[string]Privilege{
		"user": PrivilegeUser, "operator": PrivilegeOperator, "admin": PrivilegeAdministrator, "administrator": PrivilegeAdministrator,
	} {
		got, err := ParseInband(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "off", "Admin", "callback"} {
		_, err := ParseInband(text)
		require.Error(t, err, text)
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "0", "node-0", "Node_0.example", strings.Repeat("a", 63)} {
		require.NoError(t, CheckName(name), name)
	}
	for _, name := range []string{"", "../x", "a b", "-x", ".x", "_x", "node/0", "node\\0", "a@b", "a%b", "a\n", "ä", strings.Repeat("a", 64)} {
		require.ErrorContains(t, CheckName(name), "invalid name", name)
	}
}
