package main

import (
	"io"
	"math"
	"os"
	"path/filepath"
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

// A machine that slows down slows down everybody.
func TestRatio(t *testing.T) {
	var r Report
	r.add("rate", "one", "1/s", 40, 20, 12)
	r.add("rate", "other", "1/s", 20, 10, 4)
	r.add("rate", "another", "1/s", 20)
	require.Equal(t, 2.0, r.ratio("rate", "one", "other"))
	require.True(t, math.IsNaN(r.ratio("rate", "one", "another")))
	require.True(t, math.IsNaN(r.ratio("rate", "one", "nobody")))
}

func TestLost(t *testing.T) {
	for name, tt := range map[string]struct {
		target
		before float64
		lost   bool
	}{
		"as good as it was":          {target{Least: true, Want: 2, Value: 3}, 3, false},
		"within noise":               {target{Least: true, Want: 2, Value: 3}, 4, false},
		"slower":                     {target{Least: true, Want: 2, Value: 3}, 5, true},
		"takes no longer":            {target{Want: 1.5, Value: 1.3}, 1, false},
		"takes longer":               {target{Want: 1.5, Value: 1.4}, 1, true},
		"missed, as before":          {target{Want: 1, Value: 1.4}, 1.4, false},
		"another machine, met":       {target{Want: 5, Unit: "ms", Value: 4}, 1, false},
		"another machine, not kept":  {target{Want: 5, Unit: "ms", Value: 6}, 1, true},
		"not measured any more":      {target{Least: true, Want: 2, Value: math.NaN()}, 3, true},
		"time not measured any more": {target{Want: 2, Unit: "ms", Value: math.NaN()}, 3, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.lost, tt.target.lost(target{Value: tt.before})) })
	}
}

func TestNumber(t *testing.T) {
	for want, v := range map[string]float64{
		"12346": 12345.6, "12.3": 12.34, "1.23": 1.234, "0.00123": 0.001234, "0": 0, "-1.50": -1.5, "?": math.NaN(),
	} {
		require.Equal(t, want, number(v))
	}
}

// What is compared side by side stands side by side, in the order of the first round.
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

// A lost ratio is named, with what it was.
func TestCheck(t *testing.T) {
	committed := "../../docs/performance/results.json"
	require.NoError(t, check(io.Discard, committed, committed))

	r, err := load(committed)
	require.NoError(t, err)
	for i := range r.find("login/suite=3/clients=8/rate", shipmi).Values {
		r.find("login/suite=3/clients=8/rate", shipmi).Values[i] /= 2
	}
	now := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, r.save(now))
	require.Regexp(t, `^not as good as it was:
  logins a second, suite 3, clients: 8: [0-9.]+ times [a-z_-]+, was [0-9.]+ times [a-z_-]+
bench: hint: the load of this machine was [0-9.]+ before, and [0-9.]+ then; it counts where nothing else runs$`, check(io.Discard, now, committed).Error())
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
