package machine

import (
	"net/netip"

	"github.com/shipmi/shipmi/internal/provider"
)

// An Intent is what a client wants done, whatever protocol it spoke: a verb of the
// provider that changes the managed system, and what that verb is told. Two intents
// are the same if they are equal.
type Intent struct {
	Verb provider.Verb `json:"verb"`
	// Boot is what [provider.BootSet] sets.
	Boot Boot `json:"boot,omitzero"`
	// Former is set if Boot is what the managed system booted from before an override that
	// has ended.
	Former bool `json:"former,omitempty"`
	// Restart is set if a start must follow a [provider.Shutdown]: see [Machine.Restarts].
	Restart bool `json:"restart,omitempty"`
	// Light is what [provider.Identify] switches.
	Light provider.Light `json:"light,omitzero"`
	// Media is what [provider.MediaInsert] inserts.
	Media Media `json:"media,omitzero"`
	// Data is that of an IPMI command of the provider, in hex.
	Data string `json:"data,omitempty"`
}

// An Asker is the client that has asked for an action, or the BMC itself.
type Asker struct {
	User string         `json:"user,omitempty"`
	Via  string         `json:"via,omitempty"` // the front: "lan"; "bmc" if the BMC itself asks
	Peer netip.AddrPort `json:"peer,omitzero"`
}

// A Script is a script of the provider that an intent or a question needs, and what
// follows from it. Its functions are called by the owner of the [Machine].
type Script struct {
	Verb provider.Verb
	// Refuse, unless it is nil, is evaluated when the script starts. Has says which scripts
	// the provider has. An error is the result of the script, which then does not run.
	Refuse func(has func(provider.Verb) bool) error
	// Args is evaluated when the script starts, and so sees what earlier actions changed.
	Args func(Moment) provider.Args
	// Without is the outcome if the provider has no such script.
	Without func(Moment) Outcome
	// Then is the outcome of the script.
	Then func(Result) Outcome
	// Accept is set if a client may be answered before the script ends.
	Accept bool
	// Durable is set if Done is [Failed] when the state that follows cannot be saved.
	Durable bool
}

// A Result is how a script has ended.
type Result struct {
	Moment
	Err error
	// Accepted is set if a client may have been told that the script goes on.
	Accepted bool
	// Former is the answer that [provider.Args.Remember] asked for, if there is one.
	Former provider.Boot
}

// Plan says what an intent means. Cause is the restart cause that a start of the
// managed system will have.
func (m *Machine) Plan(i Intent, cause Cause) Script {
	switch i.Verb {
	case provider.BootSet:
		return m.setBoot(i)
	case provider.Identify:
		return m.identify(i.Light)
	case provider.MediaInsert:
		return m.insert(i.Media)
	case provider.MediaEject:
		return m.eject()
	}
	if i.Verb.IsCommand() {
		return command(i)
	}
	return m.control(i, cause)
}

// command is an IPMI command of the provider. Only its script knows what it means. The client waits for the response, so the
// command is not accepted before the script ends.
func command(i Intent) Script {
	return Script{
		Verb:    i.Verb,
		Without: unavailable,
		Args:    func(Moment) provider.Args { return provider.Args{Data: i.Data} },
		Then:    func(r Result) Outcome { return OutcomeOf(r.Err) },
	}
}

func unavailable(Moment) Outcome { return Unavailable }

// A Reading is what a script that asks the managed system said.
type Reading struct {
	Has    bool            // the provider has the script; nothing else is set if it has not
	On     bool            // of [provider.Status]
	Device provider.Device // of [provider.BootGet]
	FRU    provider.FRU    // of [provider.FRUGet]
	Media  string          // of [provider.MediaGet]: URL or name of the image in the drive; empty: none
	// Values are of [provider.SensorsGet]: the readings by the names of the sensors, in their
	// units. They are right even if Err says that others are not.
	Values map[string]float64
	// Response is of an IPMI command of the provider.
	Response provider.Response
	Err      error // why there is no reading, or not a whole one, see [OutcomeOf]
}
