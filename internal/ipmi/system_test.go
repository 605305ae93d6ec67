package ipmi

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// newGuest is a rig whose requests come from the guest, at a level.
func newGuest(t testing.TB, level rmcp.Privilege) *rig {
	r := newRig(t, fullService)
	r.guest = true
	r.session = &Session{ID: GuestSession, User: "guest", Privilege: level, Limit: level}
	return r
}

// guestSamples has a good request for every command that only the guest has, or that is
// different for it, and the least level that we demand.
var guestSamples = []sample{
	{rmcp.Operator, step{"04/00 20 00", "00"}},
	{rmcp.User, step{"04/01", "00 20 00"}},
	{rmcp.Operator, step{"04/02 41 03 20 00 6f a1 4f 6f", "00"}}, // Linux has panicked: "Oo"
	{rmcp.Operator, step{"06/06 80 80", "00"}},
	{rmcp.User, step{"06/2e 0f", "00"}},
	{rmcp.User, step{"06/30 08", "00"}},
	{rmcp.User, step{"06/31", "00 00"}},
	{rmcp.User, step{"06/33", "80"}},
	{rmcp.User, step{"06/35", "80"}},
	{rmcp.Operator, step{"06/58 02 00 00 05 6e 6f 64 65 32 00 00 00 00 00 00 00 00 00", "00"}},
}

// guestLengths are the lengths that the data of such a request can have.
var guestLengths = map[string][]int{
	"04/00": {2}, "04/01": {0}, "04/02": {8}, "06/06": {2}, "06/2e": {1}, "06/30": {1}, "06/31": {0}, "06/33": {0}, "06/35": {0},
	"06/58": {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18},
}

func TestGuestTable(t *testing.T) {
	require.Len(t, SystemCommands, len(guestSamples))
	for i, c := range SystemCommands {
		id := fmt.Sprintf("%02x/%02x", byte(c.NetFn), c.Cmd)
		s := guestSamples[i]
		require.True(t, strings.HasPrefix(s.request, id), id)
		require.Regexp(t, regexp.MustCompile(`^\d\d\.\d{1,2}a?$`), c.Section)
		require.Equal(t, s.least, c.Privilege, c.Name)
		for level := rmcp.User; level <= rmcp.Administrator; level++ {
			r := newGuest(t, level)
			want := s.answer
			if level < s.least {
				want = "d4"
			}
			require.Equal(t, want, r.ask(s.request), "%s as %v", s.request, level)
		}
		for n := range 40 {
			r := newGuest(t, rmcp.Administrator)
			request := r.request(s.request)
			request.Data = append(slices.Clone(request.Data), make([]byte, 40)...)[:n]
			_, answer := r.Handle(request)
			if !slices.Contains(guestLengths[id], n) {
				require.Equal(t, Answer{Code: InvalidLength}, answer, "%s with %d bytes", id, n)
			}
		}
	}
}

// Over LAN there are no such commands, and those that differ are as they were.
func TestGuestCommandsOverLAN(t *testing.T) {
	for _, s := range guestSamples {
		r := newSampleRig(t)
		want := "c1"
		if strings.HasPrefix(s.request, "04/02") {
			want = "c7" // it is one byte shorter over LAN
		}
		require.Equal(t, want, r.ask(s.request), s.request)
		require.Empty(t, r.stored)
		require.Empty(t, r.system)
	}
}

// driver is what Debian's kernel 6.1 asks when it loads ipmi_si, and what it accepts without a
// warning.
func TestDriver(t *testing.T) {
	r := newGuest(t, rmcp.User)
	r.talk(
		step{"06/01", "00 20 01 01 42 02 8f 00 00 00 00 00"},
		step{"06/2f", "00 08"}, step{"06/2f", "00 08"},
		step{"06/2e 09", "00"}, // the receive interrupt
	)
	require.Equal(t, Signal{Interrupts: true, AttentionInterrupt: true}, r.Signal())
	r.talk(
		step{"06/2f", "00 09"},
		step{"06/2e 0d", "00"}, // the event message buffer
		step{"06/30 08", "00"},
		step{"06/08", "00 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f"},
		step{"06/2f", "00 0d"},
		step{"06/2e 0f", "00"},
		step{"06/35", "80"},
		step{"06/01", "00 20 01 01 42 02 8f 00 00 00 00 00"},
		step{"06/42 00", "cc"},
		step{"06/42 01", "00 01 04 01 82 f2 1b 00 00 00"},
		step{"06/42 0e", "00 0f 0c 05 00 f2 1b 00 ff ff"},
		step{"06/42 0f", "00 0f 0c 05 00 f2 1b 00 ff ff"},
	)
	for channel := 2; channel < 0x0E; channel++ {
		r.talk(step{fmt.Sprintf("06/42 %02x", channel), "cc"})
	}
	r.restart()
	r.talk(step{"06/2f", "00 0f"})
}

// An event waits in the buffer until the guest has read it. A second one is only in the log.
func TestEventMessageBuffer(t *testing.T) {
	r := newGuest(t, rmcp.Operator)
	event := func() {
		r.play(machine.Intent{Verb: provider.Off}, machine.CauseUnknown)
		require.True(t, r.save())
		r.now += time.Second
	}
	event()
	require.Equal(t, Signal{}, r.Signal(), "the guest has not asked for events")
	r.talk(step{"06/2e 0e", "00"})
	event()
	require.Equal(t, Signal{Attention: true, AttentionInterrupt: true}, r.Signal())
	event()
	r.restart()
	require.Equal(t, Signal{Attention: true, AttentionInterrupt: true}, r.Signal())
	r.talk(
		step{"06/31", "00 02"},
		step{"06/35", "00 02 00 02 41 d9 02 6b 20 00 04 09 02 6f 00 ff ff"},
		step{"06/31", "00 00"},
		step{"06/35", "80"},
	)
	require.False(t, r.Signal().Attention)
	event()
	r.talk(step{"06/30 02", "00"}, step{"06/35", "80"}, step{"06/31", "00 00"})
	require.Equal(t, 4, len(r.Machine.State.Events.Entries))
	event()
	r.Machine.ClearEvents(r.moment())
	r.talk(step{"06/31", "00 02"}, step{"06/30 02", "00"})
	r.AddOEM()
	r.talk(step{"06/31", "00 00"})
}

// AddOEM adds a record that is no event.
func (r *rig) AddOEM() {
	r.Machine.AddRecord(append([]byte{0, 0, 0xC0}, make([]byte, 13)...), r.moment())
}

func TestColdResetForgetsTheSystemInterface(t *testing.T) {
	r := newGuest(t, rmcp.Administrator)
	r.talk(step{"06/2e 0f", "00"}, step{"06/06 81 83", "00"})
	r.Machine.Update(func(s *machine.State) { s.Watchdog.Warned = true })
	r.Machine.ClearEvents(r.moment())
	r.talk(step{"06/31", "00 0a"}, step{"06/02", "00"}, step{"06/31", "00 00"}, step{"06/2f", "00 08"})
	require.Equal(t, Signal{}, r.Signal())
	require.Len(t, r.ends, 2, "sessions over LAN end")
	require.NotContains(t, r.ends, uint32(GuestSession))
}

func TestGlobalEnablesFields(t *testing.T) {
	r := newGuest(t, rmcp.Administrator)
	for _, data := range []string{"00", "07", "18", "28", "48", "88"} {
		r.talk(step{"06/2e " + data, "cc"})
	}
	r.talk(step{"06/30 04", "cc"}, step{"06/30 10", "cc"}, step{"06/30 e1", "00"})
	r.talk(step{"04/00 22 00", "cc"}, step{"04/00 20 01", "cc"})
	require.Empty(t, r.system)
}

// What needs a session is refused: the guest has none.
func TestGuestHasNoSession(t *testing.T) {
	r := newGuest(t, rmcp.Administrator)
	r.talk(
		step{"06/3b 04", "d5"}, step{"06/3b 00", "d5"},
		step{"06/3c ff ff ff ff", "d5"}, step{"06/3c 44 33 22 11", "d5"},
		step{"06/48 01 01 c6 00 00 00", "d5"},
		step{"06/3d 00", "cb"}, step{"06/3d 01", "00 01 3f 02 02 04 11 c0 00 02 07 00 00 00 00 00 00 50 c3"},
		step{"06/38 0e 04", "cc"}, step{"06/38 01 04", "00 01 00 04 00 00 00 00 00"},
		step{"06/41 0f 40", "00 22 04"}, step{"06/41 0e 80", "00 22 04"}, step{"06/41 0f 00", "cc"}, step{"06/41 02 40", "cc"},
		step{"06/41 01 40", "00 22 04"},
		step{"0c/02 0e 03 00 00", "cc"}, step{"06/44 0e 02", "cc"}, step{"06/44 01 02", "00 10 42 01 14"},
	)
	require.Empty(t, r.ends)
	r = newGuest(t, rmcp.User)
	r.talk(step{"06/41 0f 40", "00 22 02"}, step{"00/02 01", "d4"}, step{"06/44 01 02", "d4"})
}

// The guest's panic is logged with the generator that it names, and its own events come from
// no channel.
func TestPlatformEventOfGuest(t *testing.T) {
	r := newGuest(t, rmcp.Operator)
	r.talk(
		step{"04/02 41 03 20 00 6f a1 4f 6f", "00"},
		step{"0a/43 00 00 01 00 00 ff", "00 ff ff 01 00 02 40 d9 02 6b 41 00 03 20 00 6f a1 4f 6f"},
	)
}

func TestACPIPowerStateOfGuest(t *testing.T) {
	const get = "06/07"
	r := newGuest(t, rmcp.Operator)
	r.does[provider.Status] = machine.Reading{On: true}
	r.talk(
		step{get, "00 00 00"}, step{"06/06 81 7f", "00"}, step{get, "00 01 00"},
		step{"06/06 7f 83", "00"}, step{get, "00 01 03"}, step{"06/06 aa aa", "00"}, step{get, "00 2a 2a"},
		step{"06/06 8d 80", "cc"}, step{"06/06 80 84", "cc"}, step{get, "00 2a 2a"},
	)
	r.does[provider.Status] = machine.Reading{}
	r.talk(step{get, "00 05 00"})
	r.does[provider.Status] = machine.Reading{On: true}
	r.play(machine.Intent{Verb: provider.Reset}, machine.CauseUnknown)
	r.talk(step{get, "00 00 00"})
}

// The bytes of the first block are those of "ipmitool mc setsysinfo".
func TestSetSystemInfo(t *testing.T) {
	r := newGuest(t, rmcp.Operator)
	r.talk(
		step{"06/58 04 00 00 12 44 65 62 69 61 6e 20 47 4e 55 2f 4c 69 6e", "00"}, // "Debian GNU/Lin"
		step{"06/58 04 01 75 78 20 31 00 00 00 00 00 00 00 00 00 00 00 00", "00"}, // "ux 1"
		step{"06/59 00 04 00 00", "00 11 00 00 12 44 65 62 69 61 6e 20 47 4e 55 2f 4c 69 6e"},
		step{"06/59 00 04 01 00", "00 11 01 75 78 20 31 00 00 00 00 00 00 00 00 00 00 00 00"},
		step{"06/58 04 02 75", "c9"},
		step{"06/58 02 01 75", "c9"}, // no first block
		step{"06/58 02 00 01 05 6e 6f 64 65 32", "00"},
	)
	r.restart()
	require.Equal(t, GuestInfo{Name: "node2", PresentOS: "Debian GNU/Linux 1"}, GuestInfoOf(r.Machine.State))
	r.talk(
		step{"06/59 00 02 00 00", "00 11 00 01 05 6e 6f 64 65 32 00 00 00 00 00 00 00 00 00"},
		step{"06/58 02 00 02 02 6e 00", "00"}, // UTF-16
		step{"06/58 03 00 00 00", "00"},
		step{"06/58 00 01", "00"}, step{"06/58 00 00", "00"}, step{"06/58 00 03", "cc"}, step{"06/58 00 01 00", "c7"},
		step{"06/58 05 00 00 00", "80"}, step{"06/58 02 00 03 00", "cc"}, step{"06/58 02 00 00", "c7"},
	)
	require.Empty(t, GuestInfoOf(r.Machine.State).Name)
	r.noSpace = true
	r.talk(step{"06/58 03 00 00 01 6e", "ff"})
	require.Zero(t, GuestInfoOf(machine.State{}))
}

func TestWatchdogWarnsTheGuest(t *testing.T) {
	r := newGuest(t, rmcp.Operator)
	r.talk(
		step{"06/24 44 33 03 00 64 00", "00"}, // of ipmi_watchdog: power cycle after 10 s, interrupt 3 s before
		step{getWatchdog, "00 04 33 03 00 64 00 64 00"},
		step{"06/22", "00"},
	)
	left, warns := r.Machine.WarningLeft(r.moment())
	require.True(t, warns)
	require.Equal(t, 7*time.Second, left)
	r.now += 7 * time.Second
	r.Machine.WatchdogWarns(r.moment())
	r.save()
	_, warns = r.Machine.WarningLeft(r.moment())
	require.False(t, warns)
	require.Equal(t, Signal{Attention: true}, r.Signal())
	r.restart()
	r.talk(
		step{"06/31", "00 08"},
		step{"0a/43 00 00 01 00 00 ff", "00 ff ff 01 00 02 47 d9 02 6b 20 00 04 23 03 6f c8 34 ff"},
		step{"06/30 08", "00"},
		step{"06/31", "00 00"},
		step{"06/22", "00"}, // it begins again, and will warn again
	)
	_, warns = r.Machine.WarningLeft(r.moment())
	require.True(t, warns)
	r.talk(step{"06/24 04 03 03 00 64 00", "00"}, step{"06/22", "00"}) // no interrupt
	_, warns = r.Machine.WarningLeft(r.moment())
	require.False(t, warns)
	for _, interrupt := range []string{"13", "23", "43", "73", "b3"} { // SMI, NMI, reserved
		r.talk(step{"06/24 04 " + interrupt + " 03 00 64 00", "cc"})
	}
	r.guest, r.session = false, &r.sessions[0]
	r.talk(step{"06/24 04 33 03 00 64 00", "cc"}, step{"06/24 04 03 03 00 64 00", "cc"}, step{"06/24 04 30 00 00 64 00", "cc"})
}

func TestBootOptionsOfGuest(t *testing.T) {
	r := newGuest(t, rmcp.Operator)
	r.talk(
		step{"00/08 00 01", "00"}, step{"00/09 00 00 00", "00 01 00 00"},
		step{"00/08 05 80 04 00 00 00", "00"}, step{"00/09 05 00 00", "00 01 05 80 04 00 00 00"},
	)
	r.guest, r.session = false, &r.sessions[0]
	r.talk(step{"00/08 00 01", "00"}, step{"00/09 05 00 00", "00 01 05 80 04 00 00 00"})
}
