package actionlog

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/jobs"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// The files in testdata/first-edition were written by version 1, and by its wrapper.
func TestFirstEdition(t *testing.T) {
	const session = `{"ID":1867918925,"Handle":1,"UserID":2,"User":"admin","Privilege":4,"Limit":4,"Peer":"192.0.2.1:50000"}`
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	require.NoError(t, os.CopyFS(l.Dir, os.DirFS("testdata/first-edition")))
	all, err := l.Load()
	require.NoError(t, err)
	require.Equal(t, []Record{
		{
			Boot: "first", Began: time.Hour, Intent: machine.Intent{Verb: provider.BootSet}, Path: l.Dir + "/action.2236474124",
			Callers: jobs.Callers{{Session: 1867918925, RqSeqs: 1 << 1, Sequence: 2, Latest: time.Hour}},
			Answer:  &Answer{Outcome: machine.Done, At: time.Hour},
			FirstEdition: &FirstEdition{
				Verb: provider.BootSet, Session: []byte(session),
				Request: []byte(`{"RsAddr":32,"NetFn":0,"RsLUN":0,"RqAddr":129,"RqSeq":1,"RqLUN":0,"Cmd":8,"Data":"BYAEAAAA"}`),
			},
		},
		{
			Boot: "first", Began: time.Hour, Intent: machine.Intent{Verb: provider.Reset}, Path: l.Dir + "/action.452456981",
			// Packet 3 came after an hour, so packet 4 was a retransmission for another 3 s.
			Callers: jobs.Callers{{Session: 1867918925, RqSeqs: 1<<2 | 1<<3, Sequence: 4, Latest: time.Hour + 3*time.Second}},
			FirstEdition: &FirstEdition{
				Verb: provider.Reset, Session: []byte(session),
				Request: []byte(`{"RsAddr":32,"NetFn":0,"RsLUN":0,"RqAddr":129,"RqSeq":2,"RqLUN":0,"Cmd":2,"Data":"Aw=="}`),
			},
		},
	}, all)
	require.ErrorIs(t, Wait(t.Context(), provider.Reset, all[1].Path), provider.ErrLost)

	// The files go on in the present form.
	require.NoError(t, l.AddCaller(all[1].Path, jobs.Caller{Session: 1867918925, Sequence: 5}))
	require.NoError(t, l.End(all[1].Path, Answer{Outcome: machine.Failed, At: 2 * time.Hour}))
	all, err = l.Load()
	require.NoError(t, err)
	require.Equal(t, jobs.Callers{{Session: 1867918925, RqSeqs: 1<<2 | 1<<3, Sequence: 5}}, all[1].Callers)
	require.Equal(t, &Answer{Outcome: machine.Failed, At: 2 * time.Hour}, all[1].Answer)
}

func TestFirstEditionCodes(t *testing.T) {
	for code, want := range map[string]machine.Outcome{
		"0": machine.Done, "192": machine.Busy, "195": machine.TimedOut, "204": machine.Unsupported,
		"213": machine.Superseded, "214": machine.Unavailable, "255": machine.Failed, "193": machine.Failed,
	} {
		r, ok := parse("", string(sealed(`{"verb":"power off","cause":4}`+"\n"+`answer: {"code":`+code+`,"at":7}`+"\n")))
		require.True(t, ok)
		require.Equal(t, &Answer{Outcome: want, At: 7}, r.Answer)
		require.True(t, r.Own, "nobody asked")
		require.Zero(t, r.Cause, "of the machine")
		require.EqualValues(t, 4, r.FirstEdition.Cause, "of IPMI")
	}
}

// A bit that flips in an action file takes away what its line said, and makes nothing up.
func TestEveryBitOfAnActionFile(t *testing.T) {
	l := &Log{Dir: t.TempDir(), HostBoot: "first"}
	path := begin(t, l, reset)
	require.NoError(t, l.End(path, Answer{Outcome: machine.TimedOut, At: time.Minute}))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	whole, ok := parse(path, string(text))
	require.True(t, ok)
	require.Len(t, whole.Callers, 1)
	require.NotNil(t, whole.Answer)

	uncalled, unanswered := whole, whole
	uncalled.Callers, unanswered.Answer = nil, nil
	lines := bytes.SplitAfter(text, []byte("\n"))
	require.Len(t, lines, 4)
	for i, want := range []Record{{}, uncalled, unanswered} {
		line := bytes.TrimSpace(lines[i])
		check := func(damaged []byte) {
			all := slices.Clone(lines)
			all[i] = append(slices.Clone(damaged), '\n')
			got, ok := parse(path, string(bytes.Join(all, nil)))
			require.Equal(t, i > 0, ok)
			require.Equal(t, want, got)
		}
		for n := range line {
			check(line[:n])
		}
		for bit := range len(line) * 8 {
			flipped := bytes.Clone(line)
			flipped[bit/8] ^= 1 << (bit % 8)
			check(flipped)
		}
	}
}

// FuzzRecord reads any text with right checksums. The result is an action, and reading it again
// after writing gives the same.
func FuzzRecord(f *testing.F) {
	const (
		first = `{"boot":"first","began":1,"verb":"power on","session":{"ID":1},"request":{"Cmd":2,"Data":"AQ=="}}` + "\n" +
			`asker: {"session":1,"first":7,"at":1,"rqseqs":2,"sequence":7}` + "\naction: pid 4711\naction: exit 0\n" + `answer: {"code":0,"at":2}` + "\n"
		second = `{"boot":"first","began":1,"intent":{"verb":"power on"},"asker":{"user":"admin","via":"lan"}}` + "\n" +
			`caller: {"session":1,"rqseqs":2,"sequence":7,"latest":1}` + "\naction: pid 4711\naction: exit 0\n" + `answer: {"outcome":"done","at":2}` + "\n"
	)
	for _, text := range []string{
		first, second, strings.Replace(second, `"began":1`, `"began":1,"promised":true`, 1),
		`{"boot":"first","began":1,"intent":{"verb":"power on"},"promised":true}` + "\n" + `turn: {"at":2}` + "\n",
		strings.Replace(second, `"verb":"power on"`, "", 1), second[:40], "",
		"{}\nasker: {}\ncaller: {}\nanswer: 1\nanswer: {}\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := parse("", string(sealed(text)))
		if !ok {
			require.Zero(t, r)
			return
		}
		require.NotEmpty(t, r.Intent.Verb)
		sessions := make(map[uint32]bool)
		for _, c := range r.Callers {
			require.False(t, sessions[c.Session])
			sessions[c.Session] = true
		}
		if r.Answer != nil {
			require.Contains(t, endings, r.Answer.Outcome)
		}
		if r.FirstEdition != nil {
			return
		}
		l := &Log{Dir: t.TempDir(), HostBoot: r.Boot}
		path := begin(t, l, r)
		if r.Answer != nil {
			require.NoError(t, l.End(path, *r.Answer))
		}
		all, err := l.Load()
		require.NoError(t, err)
		r.Path = path
		require.Equal(t, []Record{r}, all)
	})
}
