package ipmi

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A sample is a good request, its answer, and the least privilege that the
// specification demands (appendix G).
type sample struct {
	least rmcp.Privilege
	step
}

// samples has one for every command that the BMC must know.
var samples = []sample{
	{rmcp.User, step{"00/00", "00 04 20 20 20 20"}},
	{rmcp.User, step{"00/01", "00 00 00 40"}},
	{rmcp.Operator, step{"00/02 01", "00"}},
	{rmcp.Operator, step{"00/04 0f 00", "00"}},
	{rmcp.Operator, step{"00/06 03", "00 07"}},
	{rmcp.User, step{"00/07", "00 00 01"}},
	{rmcp.Operator, step{"00/08 05 80 04 00 00 00", "00"}},
	{rmcp.Operator, step{"00/09 05 00 00", "00 01 05 00 00 00 00 00"}},
	{rmcp.User, step{"00/0f", "00 3c 00 00 00 00"}},
	{rmcp.User, step{"06/01", "00 20 01 01 42 02 8f 00 00 00 00 00"}},
	{rmcp.Administrator, step{"06/02", "00"}},
	{rmcp.Administrator, step{"06/03", "00"}},
	{rmcp.User, step{"06/04", "00 55 00"}},
	{rmcp.User, step{"06/07", "00 05 00"}},
	{rmcp.User, step{"06/08", "00 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f"}},
	{rmcp.Operator, step{"06/22", "80"}},
	{rmcp.Operator, step{"06/24 04 01 00 00 2c 01", "00"}},
	{rmcp.User, step{"06/25", "00 00 00 00 00 00 00 00 00"}},
	{rmcp.User, step{"06/2f", "00 08"}},
	{rmcp.Anyone, step{"06/37", "00 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f"}},
	{rmcp.Anyone, step{"06/38 8e 04", "00 01 80 04 02 00 00 00 00"}},
	{rmcp.User, step{"06/3b 02", "00 02"}},
	{rmcp.Callback, step{"06/3c 44 33 22 11", "00"}},
	{rmcp.User, step{"06/3d 02", "00 03 3f 02 03 03 11 00 00 00 00 00 00 00 00 00 00 6f 02"}},
	{rmcp.User, step{"06/41 0e 40", "00 22 04"}},
	{rmcp.User, step{"06/42 0e", "00 01 04 01 82 f2 1b 00 00 00"}},
	{rmcp.Administrator, step{"06/43 91 03 02", "00"}},
	{rmcp.Operator, step{"06/44 0e 02", "00 10 42 01 14"}},
	{rmcp.Administrator, step{"06/45 04 6e 65 77 00 00 00 00 00 00 00 00 00 00 00 00 00", "00"}},
	{rmcp.Operator, step{"06/46 03", "00 6d 61 61 73 00 00 00 00 00 00 00 00 00 00 00 00"}},
	{rmcp.Administrator, step{"06/47 03 00", "00"}},
	{rmcp.User, step{"06/48 01 01 c6 00 00 00", "81"}},
	{rmcp.User, step{"06/49 01 01 00 00 00 00", "80"}},
	{rmcp.User, step{"06/4a 01", "00 00 00 00"}},
	{rmcp.User, step{"06/4b 01 01", "00 00 00 00 00 00 00 00 00 00 00 00 00"}},
	{rmcp.Administrator, step{"06/4c 0e 42 02 00 00 00", "00"}},
	{rmcp.Operator, step{"06/4d 0e 02", "00 00 00 00 00"}},
	{rmcp.User, step{"06/4e 0e", "00 01 00 15 00 00 00 00 00"}},
	{rmcp.User, step{"06/4f 0e 00", "00 10"}},
	{rmcp.Anyone, step{"06/54 0e 00 80", "00 01 c0 03 01 41 81 c0 11 03 44 81"}},
	{rmcp.User, step{"06/59 00 02 00 00", "00 11 00 00 06 6e 6f 64 65 2d 30 00 00 00 00 00 00 00 00"}},
	{rmcp.Administrator, step{"0c/01 01 00 01", "00"}},
	{rmcp.Operator, step{"0c/02 01 08 00 00", "00 11 56 18"}},
	{rmcp.Administrator, step{"0c/21 01 00 00", "00"}},
	{rmcp.User, step{"0c/22 0e 08 00 00", "00 11 56 18"}},

	{rmcp.Operator, step{"04/02 04 01 30 01 09 ff ff", "00"}},
	{rmcp.User, step{"04/10", "00 51 00 00"}},
	{rmcp.Operator, step{"04/13 01 00 00", "00 11 00"}},
	{rmcp.Administrator, step{"04/15", "00 ff ff ff ff ff ff 00 00 00 00"}},
	{rmcp.User, step{"04/27 20", "00 18 00 00 00 a0 b4 00"}},
	{rmcp.User, step{"04/29 02", "00 c0 23 00 00 00"}},
	{rmcp.User, step{"04/2b 02", "00 c0 01 00 00 00"}},
	{rmcp.User, step{"04/2d 02", "00 00 c0 01 80"}},
	{rmcp.User, step{"0a/10 00", "00 28 00 00"}},
	{rmcp.User, step{"0a/11 00 00 00 08", "00 08 01 00 00 01 03 00 00 fb"}},
	{rmcp.Operator, step{"0a/12 00 00 00 01", "80"}},
	{rmcp.User, step{"0a/20", "00 51 0b 00 00 00 41 d9 02 6b ff ff ff ff 03"}},
	{rmcp.User, step{"0a/21", "00 00 00 00 00 00 00 00 00 00"}},
	{rmcp.User, step{"0a/22", "00 81 ee"}},
	{rmcp.User, step{"0a/23 00 00 00 00 00 05", "00 02 00 01 00 51 12 15"}},
	{rmcp.User, step{"0a/28", "00 40 d9 02 6b"}},
	{rmcp.User, step{"0a/40", "00 51 00 00 00 10 ff ff ff ff ff ff ff ff 0b"}},
	{rmcp.User, step{"0a/41", "00 00 01 10 00 00 01 00 01 01"}},
	{rmcp.User, step{"0a/42", "00 81 ee"}},
	{rmcp.User, step{"0a/43 00 00 00 00 00 ff", "cb"}},
	{rmcp.Operator, step{"0a/44 00 00 02 00 00 00 00 41 00 04 01 30 01 57 00 00", "00 01 00"}},
	{rmcp.Operator, step{"0a/46 01 00 00 00", "c5"}},
	{rmcp.Operator, step{"0a/47 00 00 43 4c 52 00", "00 01"}},
	{rmcp.User, step{"0a/48", "00 40 d9 02 6b"}},
	{rmcp.Operator, step{"0a/49 00 00 00 60", "00"}},
	{rmcp.User, step{"0a/5c", "00 00 00"}},
	{rmcp.Operator, step{"0a/5d 3c 00", "00"}},
	{rmcp.User, step{"2c/01 dc 01", "00 dc 01 00 01 06 01 08"}},
	{rmcp.User, step{"2c/02 dc 01 00 00", "00 dc 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"}},
	{rmcp.User, step{"2c/06 dc 00 00", "00 dc 00"}},
	{rmcp.User, step{"2c/09 dc 00 10", "00 dc 06 6e 6f 64 65 2d 30"}},
}

func TestSamples(t *testing.T) {
	for _, s := range samples {
		for level := s.least; level <= rmcp.OEM; level++ {
			r := newSampleRig(t)
			r.session.Privilege = level
			require.Equal(t, s.answer, r.ask(s.request), "%s as %v", s.request, level)
		}
	}
}

func newSampleRig(t testing.TB) *rig {
	r := newRig(t, fullService+measuring)
	r.session.Limit = rmcp.OEM
	r.does["boot get"] = machine.Reading{Device: "none"}
	return r
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Commands {
		id := fmt.Sprintf("%02x/%02x", byte(c.NetFn), c.Cmd)
		require.False(t, seen[id] || seen[c.Name], "%s comes twice", c.Name)
		seen[id], seen[c.Name] = true, true
		require.NotEmpty(t, c.Name)
		require.Regexp(t, regexp.MustCompile(`^(\d\d\.\d{1,2}[ab]?|DCMI \d\.\d(\.\d){1,2})$`), c.Section, c.Name)
		require.LessOrEqual(t, c.MinLen, c.MaxLen, c.Name)
		sampled := func(s sample) bool { return strings.HasPrefix(s.request, id) }
		require.True(t, slices.ContainsFunc(samples, sampled), "no sample of %s", c.Name)
	}
	require.Len(t, Commands, len(samples))
}

func TestRefusals(t *testing.T) {
	for _, s := range samples {
		good := parse(t, s.request)
		long := append(slices.Clip(good.Data), make([]byte, 30)...)
		refused := func(want Code, change func(*Request)) {
			t.Helper()
			r := newSampleRig(t)
			before := r.Machine.State
			request := &Request{Request: good, Session: *r.session, Now: r.moment()}
			change(request)
			c, answer := r.Handle(request)
			require.Equal(t, Answer{Code: want}, answer, s.request)
			require.Equal(t, good.Cmd, c.Cmd)
			require.Equal(t, before, r.Machine.State)
			require.Empty(t, r.stored)
		}
		for level := range s.least {
			refused(InsufficientPrivilege, func(r *Request) { r.Session.Privilege = level })
			refused(InsufficientPrivilege, func(r *Request) { r.Session.Privilege, r.Data = level, long })
		}
		if s.least > rmcp.Anyone {
			refused(InsufficientPrivilege, func(r *Request) { r.Session = Session{} })
		}
		for lun := byte(1); lun < 4; lun++ {
			refused(InvalidForLUN, func(r *Request) { r.RsLUN = lun })
			refused(InvalidForLUN, func(r *Request) { r.RsLUN, r.Session.Privilege, r.Data = lun, 0, long })
		}
	}
}

// lengths are those that the data of a request can have.
var lengths = map[string][]int{
	"00/00": {0}, "00/01": {0}, "00/02": {1}, "00/09": {3},
	"06/01": {0}, "06/02": {0}, "06/03": {0}, "06/04": {0}, "06/37": {0}, "06/38": {2}, "06/3b": {1},
	"06/3c": {4, 5},    // 5 with session ID 0
	"06/3d": {1, 2, 5}, // 2 with a handle, 5 with a session ID
	"06/54": {3},
	"00/04": {0, 1, 2}, "00/06": {1}, "00/07": {0}, "00/0f": {0},
	"06/07": {0}, "06/08": {0}, "06/22": {0}, "06/24": {6}, "06/25": {0}, "06/2f": {0},
	"06/41": {2}, "06/42": {1}, "06/48": {6}, "06/49": {6}, "06/4a": {1}, "06/4b": {2}, "06/4c": {6}, "06/4d": {2}, "06/4e": {1}, "06/4f": {2},
	"06/59": {4}, "0c/02": {4}, "0c/22": {4},
	"0c/01 01 00": {3}, "0c/21 01 00": {3}, // of the one parameter that can be written
	"06/43": {3, 4}, "06/44": {2}, "06/45": {17}, "06/46": {1}, "06/47": {2, 18},
	"06/47 03 00": {2, 18}, "06/47 83 01": {2, 22}, // the password may be left out
	"06/47 03 02": {18}, "06/47 03 03": {18}, "06/47 83 02": {22}, "06/47 83 03": {22},
	"04/02": {7}, "04/10": {0}, "04/13": {3}, "04/15": {0}, "04/27": {1}, "04/29": {1}, "04/2b": {1}, "04/2d": {1},
	"0a/10": {1}, "0a/11": {4}, "0a/12": between(4, 40),
	"0a/20": {0}, "0a/21": {0}, "0a/22": {0}, "0a/23": {6}, "0a/28": {0},
	"0a/40": {0}, "0a/41": {0}, "0a/42": {0}, "0a/43": {6}, "0a/44": {16}, "0a/46": {4}, "0a/47": {6},
	"0a/48": {0}, "0a/49": {4}, "0a/5c": {0}, "0a/5d": {2},
	"2c/01 dc": {2}, "2c/02 dc": {4}, "2c/06 dc": {3}, "2c/09 dc": {3},
	"00/08 00": {1, 2}, "00/08 01": {1, 2}, "00/08 02": {1, 2}, "00/08 03": {1, 2}, "00/08 04": {1, 3},
	"00/08 05": {1, 6}, "00/08 06": {1, 10}, "00/08 07": {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18},
}

func between(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

func TestLengths(t *testing.T) {
	for _, s := range samples {
		listed := func(command string) bool { return strings.HasPrefix(command, s.request[:5]) }
		require.True(t, slices.ContainsFunc(slices.Collect(maps.Keys(lengths)), listed), "no lengths of %s", s.request)
	}
	for command, good := range lengths {
		known := parse(t, command)
		for n := len(known.Data); n <= 40; n++ {
			r := newSampleRig(t)
			request := &Request{Request: known, Session: *r.session, Now: r.moment()}
			request.Data = append(slices.Clone(known.Data), make([]byte, n-len(known.Data))...)
			if n > 0 && command == "06/3d" {
				request.Data[0] = map[int]byte{2: infoByHandle, 5: infoByID}[n]
			}
			_, answer := r.Handle(request)
			if slices.Contains(good, n) {
				require.NotEqual(t, InvalidLength, answer.Code, "%s with %d bytes", command, n)
			} else {
				require.Equal(t, Answer{Code: InvalidLength}, answer, "%s with %d bytes", command, n)
				require.Empty(t, r.stored)
			}
		}
	}
}

func TestUnknownCommands(t *testing.T) {
	known := map[string]bool{}
	for _, s := range samples {
		known[s.request[:5]] = true
	}
	r := newRig(t, fullService)
	for netFn := range 0x20 {
		for cmd := range 0x100 {
			id := fmt.Sprintf("%02x/%02x", 2*netFn, cmd)
			request := parse(t, id)
			require.Equal(t, known[id] && id[:2] == "06" && strings.Contains("37 38 54", id[3:]) || id == "06/39", Sessionless(request), id)
			require.Equal(t, id == "06/3c", ClosesSession(request), id)
			if known[id] {
				continue
			}
			c, answer := r.Handle(&Request{Request: request, Session: *r.session})
			if provider.MayDefine(byte(request.NetFn)) {
				require.Same(t, &providerCommand, c, id)
			} else {
				require.Nil(t, c, id)
			}
			require.Equal(t, Answer{Code: 0xC1}, answer, id)
			request.RsLUN = 2
			_, answer = r.Handle(&Request{Request: request, Session: *r.session})
			require.Equal(t, Answer{Code: 0xC2}, answer, id)
		}
	}
}

func TestCodes(t *testing.T) {
	for code, text := range map[Code]string{
		0x00: "completed normally",
		0xC1: "invalid command",
		0xD5: "not supported in present state",
		0x80: "completion code 0x80", // its meaning depends on the command
	} {
		require.Equal(t, text, code.String())
	}
}

// A retransmission must not be handled again only if the command is in one of these
// lanes.
func TestLanesOfChanges(t *testing.T) {
	want := map[Lane]string{
		Action: "0002 0004 0008",
		Once:   "0402 0602 0649 0a44 0a46 0a47",
	}
	got := map[Lane]string{}
	byRqSeq := ""
	for _, c := range slices.SortedFunc(slices.Values(Commands), func(a, b Command) int {
		return cmp.Or(cmp.Compare(a.NetFn, b.NetFn), cmp.Compare(a.Cmd, b.Cmd))
	}) {
		id := fmt.Sprintf(" %02x%02x", byte(c.NetFn), c.Cmd)
		if _, knows := want[c.Lane]; knows {
			got[c.Lane] = strings.TrimSpace(got[c.Lane] + id)
		}
		if c.ByRqSeq() {
			byRqSeq += id
			require.Equal(t, Once, c.Lane)
		}
	}
	require.Equal(t, want, got)
	require.Equal(t, " 0402 0a44", byRqSeq)
}
