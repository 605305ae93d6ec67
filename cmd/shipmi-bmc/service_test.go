package main

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/activation"
	"github.com/shipmi/shipmi/internal/lan"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// entries returns variables in the form of os.Environ.
func entries(env map[string]string) (all []string) {
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

// Every bad setting is named in the error, and systemd does not start the process again.
func TestSettings(t *testing.T) {
	for name, values := range map[string]map[string]string{
		"SHIPMI_NAME":            {"": `invalid name ""`, "../x": `invalid name "../x"`},
		"SHIPMI_PROVIDER":        {"": `"": want the name`, "dummy.conf": `"dummy.conf": want the name`, "../dummy": `"../dummy": want the name`},
		"SHIPMI_IDLE_TIMEOUT":    {"10": `"10": want a duration`, "0s": `"0s": want a duration`},
		"SHIPMI_SESSION_TIMEOUT": {"-1s": `"-1s": want a duration`},
		"SHIPMI_QUERY_TIMEOUT":   {"1ms": `"1ms": want a duration`},
		"SHIPMI_ACTION_TIMEOUT":  {"25h": `"25h": want a duration`},
		"SHIPMI_ANSWER_TIMEOUT":  {"\n": `"\n": want a duration`},
		"SHIPMI_CIPHER_SUITES":   {"0": `"0": want`, "3 3": `"3 3": want`, " ": `" ": want`},
		"SHIPMI_MEDIA_TIMEOUT":   {"1ms": `"1ms": want a duration`},
		"SHIPMI_MEDIA_URLS":      {"http://h": `"http://h": want a path`},
		"SHIPMI_MEDIA_LOCAL":     {"true": `"true": want 0 or 1`},
		"CREDENTIALS_DIRECTORY":  {"": "CREDENTIALS_DIRECTORY not set", "/nonexistent": "open /nonexistent/users: no such file"},
		"RUNTIME_DIRECTORY":      {"": "RUNTIME_DIRECTORY or STATE_DIRECTORY not set"},
		"STATE_DIRECTORY":        {"": "RUNTIME_DIRECTORY or STATE_DIRECTORY not set"},
	} {
		for value, want := range values {
			env := unit(t)
			env[name] = value
			_, err := newService(noSockets(t), nil, entries(env), func() {}, slog.New(slog.DiscardHandler))
			require.ErrorAs(t, err, &activation.SettingError{}, "%s=%q", name, value)
			require.ErrorContains(t, err, want)
			if name[:6] == "SHIPMI" {
				require.ErrorContains(t, err, name+": ")
			}
			require.NotContains(t, err.Error(), "\n")
		}
	}
}

func TestCredentials(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "credentials: EOF",
		`{"users":[]}`:             "credentials: no user",
		`{"users":[{"name":"sesa`:  "credentials: unexpected EOF",
		`{"passwords":["sesame"]}`: `unknown field: want users`,
		`{"users":[{"name":"a","password":"sesame"}]}`: `user "a" has no privilege`,
	} {
		env := unit(t)
		require.NoError(t, os.WriteFile(filepath.Join(env["CREDENTIALS_DIRECTORY"], "users"), []byte(text), 0o600))
		_, err := newService(noSockets(t), nil, entries(env), func() {}, slog.New(slog.DiscardHandler))
		require.ErrorAs(t, err, &activation.SettingError{})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "sesame")
	}
}

// A BMC that was added with a sandbox does not run outside of it. systemd ignores a link to a file that is gone.
func TestSandboxIsGone(t *testing.T) {
	env := unit(t)
	target := filepath.Join(t.TempDir(), "sandbox.conf")
	env["SHIPMI_SANDBOX"] = filepath.Join(t.TempDir(), "40-sandbox.conf")
	start := func() error {
		s, err := newService(noSockets(t), nil, entries(env), func() {}, slog.New(slog.DiscardHandler))
		if err == nil {
			s.sessions.Close()
		}
		return err
	}
	require.NoError(t, start(), "without a sandbox")
	require.NoError(t, os.Symlink(target, env["SHIPMI_SANDBOX"]))
	err := start()
	require.ErrorAs(t, err, &activation.SettingError{})
	require.EqualError(t, err, "the sandbox is missing: "+env["SHIPMI_SANDBOX"]+" is a link to "+target+", which does not exist")
	require.NoError(t, os.WriteFile(target, nil, 0o644))
	require.NoError(t, start())
}

// A drop-in for all services empties LoadCredential= in many containers. As root, the process can read the file itself.
func TestCredentialsWithoutSystemd(t *testing.T) {
	env := unit(t)
	env["SHIPMI_CREDENTIALS"] = filepath.Join(env["CREDENTIALS_DIRECTORY"], "users")
	delete(env, "CREDENTIALS_DIRECTORY")
	s, err := newService(noSockets(t), nil, entries(env), func() {}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.sessions.Close()
	require.Equal(t, "admin", s.sessions.Users[0].Name)
}

// A fault of the host is not a bad setting: it may pass, and systemd tries again.
func TestHostFault(t *testing.T) {
	env := unit(t)
	env["RUNTIME_DIRECTORY"] = "/nonexistent"
	_, err := newService(noSockets(t), nil, entries(env), func() {}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "/nonexistent/sessions")
	require.NotErrorAs(t, err, &activation.SettingError{})
}

func TestNewService(t *testing.T) {
	env := unit(t)
	env["SHIPMI_CIPHER_SUITES"] = "17"
	require.NoError(t, os.WriteFile(filepath.Join(env["CREDENTIALS_DIRECTORY"], "users"), []byte(
		`{"users":[{"name":"a","password":"x","privilege":"user"},{"name":"b","password":"y","privilege":"operator"}],"kg":"z"}`), 0o600))
	s, err := newService(noSockets(t), nil, entries(env), func() {}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.sessions.Close()
	require.True(t, s.ipmi.KgSet)
	require.Equal(t, []rmcp.Suite{rmcp.Suite17}, s.ipmi.Suites)
	require.Equal(t, []rmcp.Suite{rmcp.Suite17}, s.sessions.Suites)
	require.Equal(t, s.ipmi.GUID, s.sessions.GUID)
	require.Equal(t, "z", string(s.sessions.Kg()))
	require.Equal(t, rand.Reader, s.sessions.Random)
	for i, want := range []session.User{{ID: 2, Name: "a", Limit: rmcp.User}, {ID: 3, Name: "b", Limit: rmcp.Operator}} {
		got := s.sessions.Users[i]
		require.Equal(t, "xy"[i:i+1], string(got.Password()))
		got.Password = nil
		require.Equal(t, want, got)
	}
}

// The BMC of a user is not the BMC of the host with the same name.
func TestGUIDOfAUsersBMC(t *testing.T) {
	env := unit(t)
	guids := func() (system, device [16]byte) {
		s, err := newService(noSockets(t), nil, entries(env), func() {}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer s.sessions.Close()
		require.Equal(t, s.ipmi.GUID, s.sessions.GUID)
		return s.ipmi.GUID, s.ipmi.DeviceGUID
	}
	hostSystem, hostDevice := guids()
	env["XDG_RUNTIME_DIR"] = filepath.Dir(env["RUNTIME_DIRECTORY"])
	userSystem, userDevice := guids()
	require.NotEqual(t, hostSystem, userSystem)
	require.NotEqual(t, hostDevice, userDevice)
	require.NotEqual(t, userSystem, userDevice)
}

// The boot device that "boot set" of an earlier process or an earlier version has remembered is set again. An unreadable
// file is left alone.
func TestFormerBootDevice(t *testing.T) {
	env := unit(t)
	file := filepath.Join(env["STATE_DIRECTORY"], "boot-former")
	start := func() (former provider.Boot, log string) {
		var text bytes.Buffer
		s, err := newService(noSockets(t), nil, entries(env), func() {}, slog.New(slog.NewTextHandler(&text, nil)))
		require.NoError(t, err)
		require.NoError(t, s.sessions.Close())
		return s.bmc.Machine.State.Former, text.String()
	}
	want := provider.Boot{Device: provider.DeviceHD, Persistent: true, EFI: true}
	require.NoError(t, os.WriteFile(file, []byte("hd 1\n"), 0o600))
	for range 2 { // the second time from the state
		former, log := start()
		require.Equal(t, want, former)
		require.Empty(t, log)
		require.NoFileExists(t, file)
	}

	require.NoError(t, os.WriteFile(file, []byte("network 0\n"), 0o600)) // killed before it was removed
	former, _ := start()
	require.Equal(t, want, former)

	require.NoError(t, os.WriteFile(file, []byte("usb 0\n"), 0o600))
	former, log := start()
	require.Equal(t, want, former)
	require.Contains(t, log, "former boot device ignored")
}

// A BMC serves even if its state cannot be read.
func TestTornState(t *testing.T) {
	env := unit(t)
	require.NoError(t, os.WriteFile(filepath.Join(env["STATE_DIRECTORY"], "state"), []byte(`{"boot":`), 0o600))
	var log bytes.Buffer
	s, err := newService(noSockets(t), nil, entries(env), func() {}, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	defer s.sessions.Close()
	require.Regexp(t, `^time=\S+ level=ERROR msg="state lost, starting afresh" err=".*/state: damaged: the checksum does not match"\n$`, log.String())
	require.Zero(t, s.bmc.Machine.State)
}

// noSockets are the sockets of a service that no client can reach.
func noSockets(t *testing.T) sockets {
	none, err := lan.NewSockets()
	require.NoError(t, err)
	return sockets{lan: none}
}
