package ipmi

import (
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/rmcp"
)

const withSerialConsole = powerOnly + "[CONSOLE]\nconnect=.\n"

// A rigConsole is a console line that nothing moves.
type rigConsole struct {
	line     *console.Line
	settings console.Settings
	full     bool // there is no room for its file
}

func (c *rigConsole) open() *console.Line {
	if c.line == nil {
		c.line = console.New(make([]byte, console.StorageLen), console.DefaultSettings)
		c.line.Heard = func(uint32) time.Duration { return boot }
	}
	return c.line
}

// Activate implements Console.
func (c *rigConsole) Activate(instance int, by console.Client) (console.Refusal, error) {
	if c.full {
		return 0, errors.New("no space left on device")
	}
	return c.open().Activate(instance, by, boot), nil
}

// Deactivate implements Console.
func (c *rigConsole) Deactivate(instance int, by console.Client) bool {
	return c.open().Deactivate(instance, by, boot)
}

// Payloads implements Console.
func (c *rigConsole) Payloads() iter.Seq[console.Payload] { return c.open().Payloads() }

// SetSettings implements Console.
func (c *rigConsole) SetSettings(s console.Settings) { c.settings = s }

const (
	activation = "06/48 01 01 c6 00 00 00" // ipmitool's
	activated  = "00 00 00 00 00 ff 00 ff 00 56 18 ff ff"
)

func TestPayloadOpensAndCloses(t *testing.T) {
	r := newRig(t, withSerialConsole)
	r.talk(
		step{"06/4e 0e", "00 03 00 15 00 00 00 00 00"}, step{"06/4f 0e 01", "00 10"}, step{"06/4d 0e 02", "00 02 00 00 00"},
		step{"06/4a 01", "00 04 00 00"},
		step{activation, activated},
		step{activation, activated}, // the answer was lost
		step{"06/48 01 02 c6 00 00 00", "82"},
		step{"06/4a 01", "00 04 01 00"},
		step{"06/4b 01 01", "00 44 33 22 11 01 00 00 00 00 00 00 00"},
		step{"06/4b 01 02", "00 00 00 00 00 00 00 00 00 00 00 00 00"},
	)
	r.session = &r.sessions[1]
	r.talk(
		step{activation, "80"},
		step{"06/48 01 02 c2 00 00 00", activated},
		step{"06/4a 01", "00 04 03 00"},
		step{"06/49 01 01 00 00 00 00", "00"}, // of the other session
		step{"06/49 01 01 00 00 00 00", "80"},
		step{"06/48 01 05 c2 00 00 00", "cc"},
	)
}

// A client that asks for neither encryption nor authentication gets both. So does goipmi.
func TestConsoleIsEncryptedUnasked(t *testing.T) {
	r := newRig(t, withSerialConsole)
	r.talk(step{"06/48 01 01 00 00 00 00", activated})
}

func TestWhoMayOpenTheConsole(t *testing.T) {
	r := newRig(t, withSerialConsole)
	r.talk(
		step{"06/4c 0e 03 00 00 00 00", "00"}, // no payload type that there is
		step{"06/4c 0e 43 02 00 00 00", "00"}, step{"06/4d 0e 03", "00 00 00 00 00"},
	)
	u, _ := r.users.User(3)
	require.True(t, u.NoConsole)
	r.session = &r.sessions[1]
	r.talk(step{activation, "d4"}, step{"06/49 01 01 00 00 00 00", "d4"})
	r.session = &r.sessions[0]
	r.talk(step{"06/4c 0e 03 02 00 00 00", "00"}, step{"06/4c 0e 83 02 00 00 00", "cc"}, step{"06/4c 0e 00 02 00 00 00", "cc"})
	r.session = &r.sessions[1]
	r.session.Privilege = rmcp.User
	r.talk(step{activation, "d4"})
	r.session.Privilege = rmcp.Operator
	r.talk(step{activation, activated})
}

// "ipmitool sol set" announces a write, writes, commits, and ends the write.
func TestSOLConfigurationIsKept(t *testing.T) {
	r := newRig(t, withSerialConsole)
	r.talk(
		step{"0c/22 0e 01 00 00", "00 11 01"}, step{"0c/21 0e 00 01", "00"},
		step{"0c/21 0e 02 c4", "00"}, step{"0c/21 0e 03 02 ff", "00"}, step{"0c/21 0e 04 03 14", "00"},
		step{"0c/21 0e 05 0a", "00"}, step{"0c/21 0e 00 02", "00"}, step{"0c/21 0e 00 00", "00"},
		step{"0c/21 0e 01 02", "cc"}, step{"0c/21 0e 02 c1", "cc"}, step{"0c/21 0e 04 08 00", "cc"}, step{"0c/21 0e 05 0b", "cc"},
		step{"0c/21 0e 03 01", "c7"}, step{"0c/21 0e 07 01", "82"}, step{"0c/21 0e 08 01 00", "82"}, step{"0c/21 0e 09 00", "80"},
	)
	require.Equal(t, console.Settings{
		Replay: true, Accumulate: 10 * time.Millisecond, Threshold: 255, RetryInterval: 200 * time.Millisecond, Retries: 3,
	}, r.console.settings)
	r.restart()
	r.talk(
		step{"0c/22 0e 02 00 00", "00 11 c4"}, step{"0c/22 0e 03 00 00", "00 11 02 ff"}, step{"0c/22 0e 04 00 00", "00 11 03 14"},
		step{"0c/22 0e 05 00 00", "00 11 0a"},
	)
	r.session = &r.sessions[1]
	r.talk(step{activation, "d4"}) // administrators only
	r.session = &r.sessions[0]
	r.talk(step{"0c/21 0e 01 00", "00"}, step{activation, "81"})
}

func TestConsoleWithoutRoomForItsFile(t *testing.T) {
	r := newRig(t, withSerialConsole)
	r.console.full = true
	r.talk(step{activation, "ff"})
}

func TestUserWithoutConsoleInFile(t *testing.T) {
	c := instance.Credentials{Users: []instance.User{
		{ID: 2, Name: "a", Password: instance.Hide("x"), Privilege: instance.PrivilegeAdministrator, NoConsole: true},
	}}
	require.Contains(t, string(c.Marshal()), `"console":false`)
	read, err := instance.ParseCredentials(c.Marshal())
	require.NoError(t, err)
	require.True(t, read.Users[0].NoConsole)
}
