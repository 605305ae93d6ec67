//go:build e2e

package chaos

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"
)

// Figures are what the calls to some BMCs came to.
type figures struct {
	sync.Mutex
	clients           map[string]*tally
	requests, answers counts
	starts, kills     int
}

// A tally is what the calls of one client came to.
type tally struct {
	calls, runs int
	verdicts    map[verdict]int
}

func (f *figures) tally(client string) *tally {
	if f.clients == nil {
		f.clients = make(map[string]*tally)
	}
	if f.clients[client] == nil {
		f.clients[client] = &tally{verdicts: make(map[verdict]int)}
	}
	return f.clients[client]
}

func (f *figures) count(c *call) {
	f.Lock()
	defer f.Unlock()
	t := f.tally(c.client.name)
	t.calls++
	t.runs += len(c.runs)
	t.verdicts[c.verdict()]++
}

// network adds what befell one BMC and the datagrams to it and from it.
func (f *figures) network(b *bmc, requests, answers *direction) {
	f.Lock()
	defer f.Unlock()
	f.requests.add(&requests.counts)
	f.answers.add(&answers.counts)
	f.starts += b.starts
	f.kills += b.kills
}

func (f *figures) String() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tcalls\tdone\trefused\tunanswered\timagined\truns\t")
	for _, c := range clients {
		t := f.tally(c.name)
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n",
			c.name, t.calls, t.verdicts[done], t.verdicts[refused], t.verdicts[unanswered], t.verdicts[imagined], t.runs)
	}
	w.Flush()
	fmt.Fprintf(&text, "requests: %s\nanswers:  %s\nprocesses: %d started, %d killed\n", &f.requests, &f.answers, f.starts, f.kills)
	return text.String()
}

// check fails where there was nothing to see.
func (f *figures) check(t *testing.T) {
	for _, c := range clients {
		require.Positive(t, f.tally(c.name).verdicts[done], c.name)
	}
	for _, c := range []*counts{&f.requests, &f.answers} {
		for _, n := range []*atomic.Int64{&c.dropped, &c.duplicated, &c.corrupted, &c.overtaken} {
			require.Positive(t, n.Load(), c)
		}
	}
	require.Positive(t, f.kills)
	require.Greater(t, f.starts, *bmcs, "the processes are never idle")
}
