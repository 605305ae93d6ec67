package ipmi

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// answerLengths are those that the data of an answer can have, by network
// function and command. Consoles drop an answer that is a byte too long.
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
	{0x06, 0x4A}: {3},
	{0x06, 0x4B}: {12},
	{0x06, 0x4D}: {4},
	{0x06, 0x4E}: {8},
	{0x06, 0x4F}: {1},
	{0x06, 0x59}: {1, 2, 18},
	{0x0C, 0x01}: {0},
	{0x0C, 0x02}: {1, 2, 3, 4, 5, 6, 7, 9, 10, 17, 18, 19}, // each parameter has its own
	{0x0C, 0x21}: {0},
	{0x0C, 0x22}: {1, 2, 3},
	{0x04, 0x29}: {5},
	{0x04, 0x2B}: {5},
	{0x04, 0x2D}: {4},
	{0x0A, 0x10}: {3},
	{0x0A, 0x11}: between(2, 1+32),
	{0x0A, 0x20}: {14},
	{0x0A, 0x21}: {9},
	{0x0A, 0x22}: {2},
	{0x0A, 0x23}: between(2, 2+48), // the longest record
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
}

// Whatever is asked, in whatever state the BMC is: an answer has the length that
// it must have, a refusal changes nothing, and what is stored can be read again.
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
	for parameter := range byte(64) {
		add(fmt.Sprintf("0c/02 01 %02x 00 00", parameter), rmcp.Administrator)
		add(fmt.Sprintf("00/09 %02x 00 00", parameter), rmcp.Administrator)
	}
	require.Greater(f, seeds, 150)
	f.Add(byte(0), byte(9), byte(0), byte(4), []byte{5, 0, 0},
		[]byte(`{"boot":{"parameters":[{},{},{},{"data":"AA=="},{},{"data":"gAQAAAA="},{}],"flags_set":1}}`), int64(1), byte(0))
	f.Add(byte(0), byte(2), byte(0), byte(4), []byte{0},
		[]byte(`{"sel":{"records":["feff0290d4026b20000410076f02ffff","01000290d4026b20000410076f02ffff"],"last":65534}}`), int64(1), byte(0))

	full := newRig(f, fullService)
	f.Fuzz(func(t *testing.T, netFn, cmd, lun, level byte, data, state []byte, now int64, outcome byte) {
		r := *full
		r.t, r.now, r.stored, r.ran, r.ends = t, time.Duration(now), nil, nil, nil
		sessions := slices.Clone(r.sessions)
		r.sessions, r.session = sessions, &sessions[0]
		b := *full.BMC
		r.BMC, b.Sessions, b.Users, b.setInProgress = &b, &r, &r, 0
		if json.Unmarshal(state, &b.State) != nil {
			return
		}
		if level > 0 {
			r.session.Privilege = rmcp.Privilege(level)
		} else {
			r.session = &Session{}
		}
		result := []Result{
			{}, {On: true}, {Device: provider.DeviceFloppy}, {Err: provider.ErrBusy}, {Err: errors.New("failed")},
		}[outcome%5]
		b.Save = func(s State) error {
			if outcome&0x80 != 0 {
				return errors.New("no space")
			}
			text, err := json.Marshal(s)
			require.NoError(t, err)
			var read State
			require.NoError(t, json.Unmarshal(text, &read))
			again, err := json.Marshal(read)
			require.NoError(t, err)
			require.Equal(t, string(text), string(again))
			return nil
		}

		before, users := b.State, string(r.users.Marshal())
		request := &Request{Session: *r.session, Sequence: 1, Now: r.now}
		request.NetFn, request.Cmd, request.RsLUN, request.Data = rmcp.NetFn(netFn), cmd, lun, slices.Clone(data)
		if c := Lookup(request.Request); c != nil && c.Lane != Query && c.Lane != Action {
			b.Provider = nil // nobody has looked at it for these
		}
		_, answer := b.Handle(request)
		if s := answer.Script; s != nil {
			require.Equal(t, before, b.State, "before the script has run")
			answer = s.Then(result)
		}
		require.Nil(t, answer.Script)
		require.Equal(t, data, request.Data[:len(data):len(data)])
		require.NoError(t, r.users.Check())
		if answer.Code == OK {
			require.Contains(t, answerLengths[[2]byte{netFn, cmd}], len(answer.Data))
			return
		}
		require.Empty(t, answer.Data)
		require.Empty(t, answer.Ends)
		require.Equal(t, users, string(r.users.Marshal()))
		if result.Err == nil {
			require.Equal(t, before, b.State)
		}
	})
}
