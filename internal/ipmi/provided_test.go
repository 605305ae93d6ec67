package ipmi

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// provide has the rig's provider define commands: 32/a1 runs a script, 32/a1 01 reads, 32/a2 is for users.
func provide(r *rig) {
	r.BMC.Provided = func() ([]provider.IPMICommand, error) {
		return []provider.IPMICommand{
			{Verb: "query 32 a1 01", NetFn: 0x32, Cmd: 0xA1, Data: []byte{1}, Privilege: "operator"},
			{Verb: "command 32 a1", NetFn: 0x32, Cmd: 0xA1, Privilege: "administrator"},
			{Verb: "query 32 a2", NetFn: 0x32, Cmd: 0xA2, Privilege: "user"},
		}, r.broken
	}
}

// later handles a request up to the answer that follows from the provider.
func (r *rig) later(request string) Answer {
	_, a := r.Handle(r.request(request))
	require.NotNil(r.t, a.Later, request)
	return a.Later()()
}

func TestCommandsOfTheProvider(t *testing.T) {
	r := newRig(t, fullService)
	provide(r)
	require.Equal(t, machine.Intent{Verb: "command 32 a1", Data: "0203"}, *r.later("32/a1 02 03").Intent)
	require.Equal(t, machine.Intent{Verb: "command 32 a1"}, *r.later("32/a1").Intent)
	question := r.later("32/a1 01 ff").Question
	require.Equal(t, provider.Verb("query 32 a1 01"), question.Verb)
	require.Equal(t, provider.Args{Data: "01ff"}, question.Args)
	require.Equal(t, Answer{Code: OK, Data: []byte{1, 2}},
		question.Then(machine.Reading{Response: provider.Response{Data: []byte{1, 2}}}, machine.Moment{}))
	require.Equal(t, Code(0x85), question.Then(machine.Reading{Response: provider.Response{Code: 0x85}}, machine.Moment{}).Code)
	require.Equal(t, Timeout, question.Then(machine.Reading{Err: provider.ErrTimeout}, machine.Moment{}).Code)

	for _, unknown := range []string{"32/a3", "2e/01 57 01 00", "2c/01 dd", "3e/ff"} {
		require.Equal(t, reply(InvalidCommand), r.later(unknown), unknown)
	}
	for _, never := range []string{"06/7f", "0a/ff", "0c/ff", "04/ff", "08/01", "40/01"} {
		_, a := r.Handle(r.request(never))
		require.Equal(t, reply(InvalidCommand), a, never)
	}
	r.broken = errors.New("unreadable")
	require.Equal(t, reply(Unspecified), r.later("32/a1"))
}

// The least privilege is that of the file.
func TestPrivilegeOfCommands(t *testing.T) {
	r := newRig(t, fullService)
	provide(r)
	for level, codes := range map[rmcp.Privilege][3]Code{
		rmcp.Callback:      {InsufficientPrivilege, InsufficientPrivilege, InsufficientPrivilege},
		rmcp.User:          {InsufficientPrivilege, InsufficientPrivilege, OK},
		rmcp.Operator:      {InsufficientPrivilege, OK, OK},
		rmcp.Administrator: {OK, OK, OK},
	} {
		r.session.Privilege = level
		for i, request := range []string{"32/a1", "32/a1 01", "32/a2"} {
			_, a := r.Handle(r.request(request))
			if a.Later != nil {
				a = a.Later()()
			}
			require.Equal(t, codes[i], a.Code, "%v %s", level, request)
		}
	}
}

func TestResponded(t *testing.T) {
	require.Equal(t, reply(Unspecified), Responded(nil))
	require.Equal(t, Answer{Data: []byte{}}, Responded([]byte{0}))
	require.Equal(t, Answer{Code: 0x80, Data: []byte{}}, Responded([]byte{0x80}))
	require.Equal(t, Answer{Data: []byte{7, 8}}, Responded([]byte{0, 7, 8}))
}
