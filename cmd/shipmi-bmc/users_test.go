package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/activation"
)

// A real client adds a user, logs in as the user, and disables the user. Each change takes effect immediately and is
// written to the file.
func TestUsers(t *testing.T) {
	t.Parallel()
	env := unit(t)
	kept := filepath.Join(t.TempDir(), "node-0")
	original, err := os.ReadFile(filepath.Join(env["CREDENTIALS_DIRECTORY"], "users"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(kept, original, 0o600))
	env["SHIPMI_CREDENTIALS"] = kept
	address, socket := udp(t, "127.0.0.1:0")
	p := start(t, env, socket)

	do := func(command string) {
		t.Helper()
		out, err := ipmitool(address, "17", command)
		require.NoError(t, err, "%s: %s", command, out)
	}
	refuse := func(command string) {
		t.Helper()
		out, err := ipmitool(address, "17", command)
		require.Error(t, err, "%s: %s", command, out)
	}
	const asMaas = "-L OPERATOR -U maas -P hush-hush "
	refuse(asMaas + "power status")
	do("user set name 3 maas")
	do("user set password 3 hush-hush")
	do("channel setaccess 1 3 callin=on ipmi=on link=on privilege=3")
	refuse(asMaas + "power status")
	do("user enable 3")
	do(asMaas + "power status")
	refuse("-U maas -P hush-hush power status")
	out, err := ipmitool(address, "17", "user list 1")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^2 +admin +true +false +true +ADMINISTRATOR\n3 +maas +true +false +true +OPERATOR\n4 +true +false +false +NO ACCESS$`, out)
	require.Equal(t, 17, strings.Count(out, "\n"))
	do("user test 3 16 hush-hush")
	refuse("user test 3 16 hush")
	refuse(asMaas + "user set password 2 mine")
	refuse("user disable 2")
	text, err := os.ReadFile(kept)
	require.NoError(t, err)
	require.Equal(t, `{"users":[{"id":2,"name":"admin","password":"sesame","privilege":"administrator"},`+
		`{"id":3,"name":"maas","password":"hush-hush","privilege":"operator"}]}`+"\n", string(text))

	// The password of a user changes while the user's session is open, and changes back.
	out, err = ipmitool(address, "17", "user set password 2 sesame2")
	require.NoError(t, err, out)
	refuse("power status")
	do("-P sesame2 user set password 2 sesame")
	do("user disable 3")
	refuse(asMaas + "power status")

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	log := strings.Join(p.wait(activation.ExitOK), "\n")
	require.Regexp(t, `(?m)^<6>user changed id=3 name=maas by=admin peer=127\.0\.0\.1:\d+$`, log)
	require.Contains(t, log, `<4>user not changed id=2 err="no administrator would be left"`+"\n")
	require.NotContains(t, log, "sesame")
	require.NotContains(t, log, "hush")
}

// A change that cannot be written to the file is refused.
func TestUsersThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":                    `<3>user not changed id=2 err="SHIPMI_CREDENTIALS not set"`,
		"/proc/shipmi/node-0": `<3>user not changed id=2 err="mkdir /proc/shipmi: no such file or directory"`,
	} {
		env := unit(t)
		env["SHIPMI_CREDENTIALS"] = path
		address, socket := udp(t, "127.0.0.1:0")
		p := start(t, env, socket)
		out, err := ipmitool(address, "17", "user set password 2 other")
		require.Error(t, err)
		require.Contains(t, out, "Unspecified error")
		out, err = ipmitool(address, "17", "user list 1")
		require.NoError(t, err, out)
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		require.Contains(t, p.wait(activation.ExitOK), want)
	}
}
