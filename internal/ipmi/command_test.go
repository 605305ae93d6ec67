package ipmi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A key is in files, so that it must stay the same.
func TestKey(t *testing.T) {
	reset := parse(t, "00/02 03")
	require.Equal(t, uint64(0x4d2c437f9dd3dbfa), Key(reset))
	for _, same := range []func(*rmcp.Request){
		func(r *rmcp.Request) { r.RqSeq = 2 },
		func(r *rmcp.Request) { r.RqAddr = 0x83 },
		func(r *rmcp.Request) { r.RqLUN = 1 },
	} {
		other := reset
		same(&other)
		require.Equal(t, Key(reset), Key(other))
	}
	for _, different := range []func(*rmcp.Request){
		func(r *rmcp.Request) { r.RsLUN = 1 },
		func(r *rmcp.Request) { r.NetFn = 4 },
		func(r *rmcp.Request) { r.Cmd = 4 },
		func(r *rmcp.Request) { r.Data = []byte{2} },
		func(r *rmcp.Request) { r.Data = []byte{3, 0} },
		func(r *rmcp.Request) { r.Data = nil },
	} {
		other := reset
		different(&other)
		require.NotEqual(t, Key(reset), Key(other))
	}
	require.Zero(t, testing.AllocsPerRun(10, func() { Key(reset) }))
}

func TestRespond(t *testing.T) {
	for outcome, code := range map[machine.Outcome]Code{
		machine.Done:        0x00,
		machine.Accepted:    0x00,
		machine.Busy:        0xC0,
		machine.WrongState:  0xD5,
		machine.Unsupported: 0xCC,
		machine.Unavailable: 0xD6,
		machine.Superseded:  0xD5,
		machine.TimedOut:    0xC3,
		machine.Failed:      0xFF,
		"of a later front":  0xFF,
	} {
		require.Equal(t, Answer{Code: code}, Respond(outcome), outcome)
	}
}

// Every command that sets something waits for the state to be saved, also when it
// changes nothing. A command that only reads never waits.
func TestStoredAnswers(t *testing.T) {
	stored := map[string]bool{
		"00/04": true, "00/08": true, "06/24": true, "04/02": true, "0a/44": true, "0a/49": true, "0a/5d": true,
	}
	for _, s := range samples {
		r := newSampleRig(t)
		for range 2 {
			_, answer := r.Handle(r.request(s.request))
			durable := answer.Intent != nil && r.Machine.Plan(*answer.Intent, machine.CauseUnknown).Durable
			require.Equal(t, stored[s.request[:5]], answer.Stored || durable, s.request)
		}
	}
	r := newSampleRig(t)
	for _, request := range []string{"00/06 00", "00/08 05 00 00 00 00 00", "00/08 85", "00/08 80", "00/08 07 00 01"} {
		_, answer := r.Handle(r.request(request))
		require.True(t, answer.Stored, request)
	}
	r.talk(step{"06/24 04 01 00 00 2c 01", "00"}, step{"0a/42", "00 81 ee"})
	for _, request := range []string{"06/22", "0a/47 81 ee 43 4c 52 aa"} {
		_, answer := r.Handle(r.request(request))
		require.True(t, answer.Stored, request)
	}
}
