package ipmi

import (
	"encoding/hex"
	"slices"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// providerCommand is every command that only the provider may define (§5.1). The privilege that a request needs is known when
// the provider has been read.
var providerCommand = Command{Section: "5.1", Privilege: user, Lane: Inline, MaxLen: 255, Name: "Command of the provider", handle: provided}

var privilegeOf = map[string]rmcp.Privilege{"user": user, "operator": operator, "administrator": admin}

// provided handles a command that the provider may define.
func provided(b *BMC, r *Request) Answer {
	if b.Provided == nil {
		return reply(InvalidCommand)
	}
	read, netFn, cmd, data := b.Provided, byte(r.NetFn), r.Cmd, slices.Clone(r.Data)
	privilege := r.Session.Privilege
	return Answer{Later: func() func() Answer {
		commands, err := read()
		return func() Answer {
			if err != nil {
				b.Log.Error("command not found", "err", err)
				return reply(Unspecified)
			}
			i := slices.IndexFunc(commands, func(c provider.IPMICommand) bool { return c.Finds(netFn, cmd, data) })
			switch {
			case i < 0:
				return reply(InvalidCommand)
			case privilege < privilegeOf[commands[i].Privilege]:
				return reply(InsufficientPrivilege)
			}
			return run(commands[i].Verb, hex.EncodeToString(data))
		}
	}}
}

// run has the script of a command of the provider run.
func run(v provider.Verb, data string) Answer {
	if !v.Asks() {
		return Answer{Intent: &machine.Intent{Verb: v, Data: data}}
	}
	then := func(said machine.Reading, _ machine.Moment) Answer {
		if said.Err != nil {
			return Respond(machine.OutcomeOf(said.Err))
		}
		return Responded(said.Response.Bytes())
	}
	return Answer{Question: &Question{Verb: v, Args: provider.Args{Data: data}, Then: then}}
}

// Responded is the answer of a command of the provider whose script has ended. Data is what [provider.Response.Bytes]
// returned.
func Responded(data []byte) Answer {
	if len(data) == 0 {
		return reply(Unspecified) // it was not kept
	}
	return Answer{Code: Code(data[0]), Data: data[1:]}
}
