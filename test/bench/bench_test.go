package main

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuantile(t *testing.T) {
	values := []float64{40, 10, 30, 20}
	for q, want := range map[float64]float64{0: 10, 0.5: 25, 1: 40, 0.25: 17.5} {
		require.Equal(t, want, quantile(values, q), q)
	}
	require.Equal(t, []float64{40, 10, 30, 20}, values)
	require.Equal(t, 7.0, quantile([]float64{7}, 0.99))
	require.True(t, math.IsNaN(quantile(nil, 0.5)))
}

// The page has what the gateway costs if that was measured, and a paragraph less otherwise.
func TestPageOfGateway(t *testing.T) {
	r, _, err := documents("../..")
	require.NoError(t, err)
	r.Figures = slices.DeleteFunc(r.Figures, func(f *Figure) bool { return strings.HasPrefix(f.Name, "gateway/") })
	without, err := r.execute(pageTemplate, nil)
	require.NoError(t, err)
	require.NotContains(t, without, "By the gateway")
	for i, figure := range []string{"GET, one connection/rate", "GET, a connection for each/rate", "cold start, connection to answer", "memory, private"} {
		r.add("gateway/"+figure, shipmi, "", float64(111*(i+1)))
	}
	with, err := r.execute(pageTemplate, nil)
	require.NoError(t, err)
	require.Regexp(t, `111 answers per second over one connection, and 222 .*\nruns, the first answer takes 333 ms; .*\n444 KiB of its own\.\n\n## Memory`, with)
}

// A machine that slows down slows down everybody.
func TestRatio(t *testing.T) {
	var r Report
	r.add("rate", "one", "1/s", 40, 20, 12)
	r.add("rate", "other", "1/s", 20, 10, 4)
	r.add("rate", "another", "1/s", 20)
	require.Equal(t, []float64{2, 2, 3}, r.ratios("rate", "one", "other"))
	require.Empty(t, r.ratios("rate", "one", "another"))
	require.Empty(t, r.ratios("rate", "one", "nobody"))
}

func TestLost(t *testing.T) {
	least := func(values ...float64) target { return target{Of: "other", Least: true, Want: 2, Values: values} }
	most := func(values ...float64) target { return target{Of: "other", Want: 1.5, Values: values} }
	for name, tt := range map[string]struct {
		now, before target
		lost        bool
	}{
		"as good as it was":     {least(3, 3, 3), least(3, 3, 3), false},
		"within noise":          {least(3, 3, 3), least(3.5, 3.5, 3.5), false},
		"slower":                {least(3, 3, 3), least(4.5, 4.5, 4.5), true},
		"slower in some rounds": {least(1, 1, 3, 4, 4), least(4, 4, 4, 4, 4), false},
		"faster in some rounds": {least(3, 3, 3), least(3, 3, 8, 8, 8), false},
		"takes no longer":       {most(1.2, 1.2), most(1, 1), false},
		"takes longer":          {most(1.4, 1.4), most(1, 1), true},
		"missed, as before":     {most(2, 2), most(2, 2), false},
		"not measured any more": {least(), least(3), true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.lost, tt.now.lost(tt.before)) })
	}
}

func TestNumber(t *testing.T) {
	for want, v := range map[string]float64{
		"12346": 12345.6, "12.3": 12.34, "1.23": 1.234, "0.00123": 0.001234, "0": 0, "-1.50": -1.5, "?": math.NaN(),
	} {
		require.Equal(t, want, number(v))
	}
}

// Figures that are compared are next to each other, in the order of the first round.
func TestSave(t *testing.T) {
	var r Report
	for range 2 {
		for _, of := range []string{"one", "other"} {
			r.add("rate", of, "1/s", 123456.789)
			r.add("p50", of, "ms", 0.00012345678)
		}
	}
	path := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, r.save(path))
	got, err := load(path)
	require.NoError(t, err)
	require.Equal(t, []*Figure{
		{"rate", "one", "1/s", []float64{123460, 123460}},
		{"rate", "other", "1/s", []float64{123460, 123460}},
		{"p50", "one", "ms", []float64{0.00012346, 0.00012346}},
		{"p50", "other", "ms", []float64{0.00012346, 0.00012346}},
	}, got.Figures)
}

// A lost ratio is named, with what it was. A peer that was faster is no loss.
func TestCheck(t *testing.T) {
	committed := "../../docs/performance/results.json"
	require.NoError(t, check(io.Discard, committed, committed))

	r, err := load(committed)
	require.NoError(t, err)
	for i := range r.find("login/suite=3/clients=8/rate", shipmi).Values {
		r.find("login/suite=3/clients=8/rate", shipmi).Values[i] /= 4
	}
	for i := range r.find("login/suite=17/clients=8/rate", "go-ipmi").Values {
		r.find("login/suite=17/clients=8/rate", "go-ipmi").Values[i] *= 4
	}
	now := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, r.save(now))
	require.Regexp(t, `^not as good as it was:
  logins, suite 3, clients: 8: [0-9.]+ times bare Go, was [0-9.]+
bench: hint: the load of this machine was [0-9.]+ before, and [0-9.]+ then; it counts where nothing else runs$`, check(io.Discard, now, committed).Error())
}

// The page is for a person to read: at most six pictures, and tables of at most 25 lines.
func TestPageIsShort(t *testing.T) {
	require.LessOrEqual(t, len(charts()), 6)
	_, all, err := documents("../..")
	require.NoError(t, err)
	for _, table := range regexp.MustCompile(`(?m)(^\|.*\n)+`).FindAllString(all[0].text, -1) {
		require.LessOrEqual(t, strings.Count(table, "\n"), 25, table)
	}
	for _, c := range charts() {
		require.Contains(t, all[0].text, "](performance/"+c.file+".svg)")
	}
}

// What the documentation says of performance is what the results beside it say.
func TestDocumentsAreThoseOfTheResults(t *testing.T) {
	_, all, err := documents("../..")
	require.NoError(t, err)
	for _, d := range all {
		committed, err := os.ReadFile(d.path)
		require.NoError(t, err)
		require.True(t, d.text == string(committed), "%s: say \"bin/bench page .\"", d.path)
	}
}

func TestFastestPeer(t *testing.T) {
	var r Report
	for of, rate := range map[string]float64{shipmi: 9, "ipmi_sim": 3, pyghmi: 1, echo: 99} {
		r.add("rate", of, "1/s", rate)
	}
	require.Equal(t, "ipmi_sim", r.best("rate"))
	require.Equal(t, pyghmi, r.smallest("rate"))
	require.Empty(t, r.best("nothing"))
}

// The results of both numbers of BMCs are on the page at once, and those of the smaller run win where both have a figure.
func TestFleets(t *testing.T) {
	dir := t.TempDir()
	for name, r := range map[string]*Report{
		"fleet-bookworm-1000.json":  fleetOf("252.39-1", "manage/bmcs=1000/list", 200, "fleet/bmcs=1000/PID 1 at rest", 10*1024),
		"fleet-bookworm-10000.json": fleetOf("252.39-1", "manage/bmcs=10000/list", 2500, "fleet/bmcs=1000/PID 1 at rest", 90*1024),
		"fleet-trixie-1000.json":    fleetOf("257.8-1", "manage/bmcs=1000/list", 400, "units/bmcs=1000/start", 3000),
		"results.json":              fleetOf("252.39-1", "manage/bmcs=1000/list", 9, "x", 9),
	} {
		require.NoError(t, r.save(filepath.Join(dir, name)))
	}
	all, err := fleets(dir)
	require.NoError(t, err)
	require.Len(t, all, 2)
	bookworm, trixie := all[0], all[1]
	require.Equal(t, "252", bookworm.Systemd())
	require.Equal(t, "257", trixie.Systemd())
	cells := func(f *fleet, what string) []string {
		rows := f.Rows()
		r := rows[slices.IndexFunc(rows, func(r fleetRow) bool { return r.What == what })]
		return []string{r.Cell(0), r.Cell(1), r.Wanted(), r.Result()}
	}
	require.Equal(t, []string{"0.2\u00a0s, 2.00 times systemctl", "2.50\u00a0s, 2.00 times systemctl", "at most 0.3 s", "0.2, met"}, cells(bookworm, "`shipmi list`"))
	require.Equal(t, []string{"0.4\u00a0s, 2.00 times systemctl", "", "at most 0.3 s", "**0.4, missed**"}, cells(trixie, "`shipmi list`"))
	require.Equal(t, []string{"10.0\u00a0MiB", "", "at most 48.0 MiB", "10.0, met"}, cells(bookworm, "memory of systemd, without processes of BMCs"))
	require.Empty(t, bookworm.Layouts())
	require.Equal(t, []layoutRow{{asShipped, []string{"3.00 s, ? s, ? MiB", ""}}}, trixie.Layouts())

	require.NoError(t, os.WriteFile(filepath.Join(dir, "fleet-1000.json"), nil, 0o644))
	_, err = fleets(dir)
	require.ErrorContains(t, err, "want the name fleet-SUITE-BMCS.json")
}

// fleetOf returns a report with two figures, of which systemctl alone takes half.
func fleetOf(systemd, figure string, ms float64, other string, value float64) *Report {
	r := &Report{Versions: [][2]string{{shipmi, "1.0"}, {"systemd", systemd}}}
	r.add(figure, shipmi, "ms", ms)
	r.add(figure, systemctl, "ms", ms/2)
	r.add(other, shipmi, "", value)
	r.add(other, asShipped, "ms", value)
	return r
}
