package ipmi

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// answerLengths are the lengths that the data of an answer can have, by network function
// and command. Clients drop an answer that is a byte too long.
var answerLengths = map[[2]byte][]int{
	{0x00, 0x00}: {5},
	{0x00, 0x01}: {3},
	{0x00, 0x02}: {0},
	{0x00, 0x08}: {0},
	{0x00, 0x09}: {3, 4, 7, 11, 19}, // options of 1, 2, 5, 9 bytes, mailbox
	{0x06, 0x01}: {11},
	{0x06, 0x02}: {0},
	{0x06, 0x03}: {0},
	{0x06, 0x04}: {2},
	{0x06, 0x37}: {16},
	{0x06, 0x38}: {8},
	{0x06, 0x3B}: {1},
	{0x06, 0x3C}: {0},
	{0x06, 0x3D}: {3, 18},
	{0x06, 0x43}: {0},
	{0x06, 0x44}: {4},
	{0x06, 0x45}: {0},
	{0x06, 0x46}: {16},
	{0x06, 0x47}: {0},
	{0x06, 0x54}: {1, 6, 11},

	{0x00, 0x04}: {0},
	{0x00, 0x06}: {1},
	{0x00, 0x07}: {2},
	{0x00, 0x0F}: {5},
	{0x06, 0x07}: {2},
	{0x06, 0x08}: {16},
	{0x06, 0x22}: {0},
	{0x06, 0x24}: {0},
	{0x06, 0x25}: {8},
	{0x06, 0x2F}: {1},
	{0x06, 0x41}: {2},
	{0x06, 0x42}: {9},
	{0x06, 0x48}: {12},
	{0x06, 0x49}: {0},
	{0x06, 0x4A}: {3},
	{0x06, 0x4B}: {12},
	{0x06, 0x4C}: {0},
	{0x06, 0x4D}: {4},
	{0x06, 0x4E}: {8},
	{0x06, 0x4F}: {1},
	{0x06, 0x59}: {1, 2, 18},
	{0x04, 0x00}: {0},
	{0x04, 0x01}: {2},
	{0x06, 0x06}: {0},
	{0x06, 0x2E}: {0},
	{0x06, 0x30}: {0},
	{0x06, 0x31}: {1},
	{0x06, 0x35}: {16},
	{0x06, 0x58}: {0},
	{0x0C, 0x01}: {0},
	{0x0C, 0x02}: {1, 2, 3, 4, 5, 6, 7, 9, 10, 17, 18, 19, 21}, // each parameter has its own
	{0x0C, 0x21}: {0},
	{0x0C, 0x22}: {1, 2, 3},
	{0x04, 0x02}: {0},
	{0x04, 0x10}: {3},
	{0x04, 0x13}: {1, 2, 18},
	{0x04, 0x15}: {10},
	{0x04, 0x27}: {7},
	{0x04, 0x29}: {5},
	{0x04, 0x2B}: {5},
	{0x04, 0x2D}: {3, 4},
	{0x0A, 0x10}: {3},
	{0x0A, 0x11}: between(2, 1+32),
	{0x0A, 0x20}: {14},
	{0x0A, 0x21}: {9},
	{0x0A, 0x22}: {2},
	{0x0A, 0x23}: between(2, 2+64), // the longest record
	{0x0A, 0x28}: {4},
	{0x0A, 0x40}: {14},
	{0x0A, 0x41}: {9},
	{0x0A, 0x42}: {2},
	{0x0A, 0x43}: between(2, 2+16),
	{0x0A, 0x44}: {2},
	{0x0A, 0x46}: {2},
	{0x0A, 0x47}: {1},
	{0x0A, 0x48}: {4},
	{0x0A, 0x49}: {0},
	{0x0A, 0x5C}: {2},
	{0x0A, 0x5D}: {0},
	{0x2C, 0x01}: {6, 7, 8},
	{0x2C, 0x02}: {18},
	{0x2C, 0x06}: between(2, 2+16),
	{0x2C, 0x09}: between(2, 2+16),
}

// ofGuest is a bit of the LUN in the inputs of FuzzHandle: the request comes from the guest.
const ofGuest = 0x80

// For every request and every state: an answer has the length that it must have, a
// refusal changes nothing, and a stored state can be read again.
func FuzzHandle(f *testing.F) {
	seeds := 0
	add := func(request string, level rmcp.Privilege) {
		r := parse(f, request)
		f.Add(byte(r.NetFn), r.Cmd, r.RsLUN, byte(level), r.Data, []byte(`{}`), int64(time.Hour), byte(seeds))
		seeds++
	}
	for _, s := range samples {
		add(s.request, s.least)
	}
	for command := range lengths {
		add(command, rmcp.Administrator)
	}
	for _, s := range guestSamples {
		r := parse(f, s.request)
		f.Add(byte(r.NetFn), r.Cmd, byte(ofGuest), byte(s.least), r.Data, []byte(`{}`), int64(time.Hour), byte(seeds))
		seeds++
	}
	for parameter := range byte(64) {
		add(fmt.Sprintf("0c/02 01 %02x 00 00", parameter), rmcp.Administrator)
		add(fmt.Sprintf("00/09 %02x 00 00", parameter), rmcp.Administrator)
	}
	require.Greater(f, seeds, 150)
	f.Add(byte(0), byte(9), byte(0), byte(4), []byte{5, 0, 0},
		[]byte(`{"override":{"Device":"network","raw":[128,4,0,0,0],"valid":true,"set":1},"notes":{"ipmi boot 3":"AAA="}}`), int64(1), byte(0))
	f.Add(byte(0), byte(2), byte(0), byte(4), []byte{0},
		[]byte(`{"events":{"entries":[{"id":65534,"event":{"kind":"log cleared"}},{"id":1,"record":"AQAC"}],"last":65534}}`), int64(1), byte(0))
	f.Add(byte(0x0A), byte(0x43), byte(0), byte(4), []byte{0, 0, 1, 0, 0, 0xFF},
		[]byte(`{"events":{"entries":[{"id":1,"event":{"kind":"of a later version"}}],"last":1}}`), int64(1), byte(0))

	full := newRig(f, fullService+measuring)
	f.Fuzz(func(t *testing.T, netFn, cmd, lun, level byte, data, state []byte, now int64, outcome byte) {
		r := *full
		r.t, r.now, r.stored, r.ran, r.ends = t, time.Duration(now), nil, nil, nil
		sessions := slices.Clone(r.sessions)
		r.sessions, r.session = sessions, &sessions[0]
		b, m := *full.BMC, *full.Machine
		r.BMC, b.Machine, b.Sessions, b.Users, b.setInProgress = &b, &m, &r, &r, 0
		b.KeepReservations, b.KeepSystem = func(Reservations) {}, func(SystemInterface) {}
		m.Changed = b.Changed
		if json.Unmarshal(state, &m.State) != nil {
			return
		}
		m.State = throughFile(t, m.State) // which has no empty lists
		if level > 0 {
			r.session.Privilege = rmcp.Privilege(level)
		} else {
			r.session = &Session{}
		}
		result := []machine.Reading{
			{Has: true}, {Has: true, On: true, Values: map[string]float64{"cpu": 90, "draw": 500}}, {Has: true, Device: provider.DeviceFloppy},
			{Has: true, Err: provider.ErrBusy}, {Has: true, Err: errors.New("failed")}, {},
		}[outcome%6]

		m.Declare(r.provider.Sensors())
		b.repository = repository{}
		b.withRepository(r.moment(), func(*repository) Answer { return done() }).Sensors()
		before, users := m.State, string(r.users.Marshal())
		request := &Request{System: lun&ofGuest != 0, Session: *r.session, Now: r.moment()}
		request.NetFn, request.Cmd, request.RsLUN, request.Data = rmcp.NetFn(netFn), cmd, lun&^ofGuest, slices.Clone(data)
		_, answer := b.Handle(request)
		require.Equal(t, data, request.Data[:len(data):len(data)])
		clear(request.Data)
		for answer.Sensors != nil || answer.Question != nil {
			require.Equal(t, before, m.State, "before the script has run")
			if answer.Sensors != nil {
				answer = answer.Sensors()
			} else {
				answer = answer.Question.Then(result, r.moment())
				before.PowerOn, before.Shutdown = m.State.PowerOn, m.State.Shutdown // as the status says
			}
		}
		switch {
		case answer.Intent != nil:
			require.Equal(t, before, m.State, "before the script has run")
			script := m.Plan(*answer.Intent, machine.CauseUnknown)
			script.Args(r.moment())
			if result.Has {
				answer = Respond(script.Then(machine.Result{Moment: r.moment(), Err: result.Err}))
			} else {
				answer = Respond(script.Without(r.moment()))
			}
		case answer.Later != nil:
			finish := answer.Later()
			require.Equal(t, before, m.State)
			answer = finish()
		}
		require.Nil(t, answer.Intent)
		require.Nil(t, answer.Question)
		require.Nil(t, answer.Sensors)
		require.Nil(t, answer.Later)
		text, err := json.Marshal(m.State)
		require.NoError(t, err)
		again, err := json.Marshal(throughFile(t, m.State))
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
		require.NoError(t, r.users.Check())
		if answer.Code == OK {
			require.Contains(t, answerLengths[[2]byte{netFn, cmd}], len(answer.Data))
			return
		}
		require.Empty(t, answer.Data)
		require.Empty(t, answer.Ends)
		require.Equal(t, users, string(r.users.Marshal()))
		if result.Err == nil {
			require.Equal(t, before, m.State)
		}
	})
}

// throughFile is a state as it is read from the file to which it was written.
func throughFile(t *testing.T, s machine.State) (read machine.State) {
	text, err := json.Marshal(s)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &read))
	return read
}
