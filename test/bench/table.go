package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table prints every figure, and then the targets.
func table(w io.Writer, path string) error {
	r, err := load(path)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "figure\tof\tmedian\tquartiles\tunit")
	for _, f := range r.Figures {
		at := func(q float64) string { return number(quantile(f.Values, q)) }
		fmt.Fprintf(t, "%s\t%s\t%s\t%s to %s\t%s\n", f.Name, f.Of, at(0.5), at(0.25), at(0.75), f.Unit)
	}
	fmt.Fprintln(t, "\ntarget\tvalue\twanted\t")
	for _, p := range targets(r, r) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.What, p.Shown(), p.Wanted(), p.Verdict())
	}
	return t.Flush()
}

// check compares the targets of two runs.
func check(w io.Writer, path, committed string) error {
	now, err := load(path)
	if err != nil {
		return err
	}
	before, err := load(committed)
	if err != nil {
		return err
	}
	known := map[string]target{}
	for _, p := range targets(before, before) {
		known[p.What] = p
	}
	var lost []string
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "target\tvalue\tbefore\twanted\t")
	for _, p := range targets(now, before) {
		verdict := ""
		if b, ok := known[p.What]; ok && p.lost(b) {
			verdict = "LOST"
			lost = append(lost, fmt.Sprintf("%s: %s, was %s", p.What, p.Shown(), b.Shown()))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.What, p.Shown(), known[p.What].Shown(), p.Wanted(), verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if lost != nil {
		return fmt.Errorf("not as good as it was:\n  %s\nbench: hint: the load of this machine was %s before, and %s then; it counts where nothing else runs",
			strings.Join(lost, "\n  "), now.load(), before.load())
	}
	return nil
}

func (t target) Shown() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", number(t.Value), cmp.Or(t.Unit, "times "+t.Beside)))
}

func (t target) Wanted() string {
	limit := "at most"
	if t.Least {
		limit = "at least"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", limit, number(t.Want), t.Unit))
}

// FloorShown is empty where no floor was measured.
func (t target) FloorShown() string {
	if t.FloorOf == "" {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", number(t.Floor), t.Unit)) + ", " + t.FloorOf
}

func (t target) Verdict() string {
	switch {
	case math.IsNaN(t.Value):
		return "not measured"
	case t.met():
		return "met"
	}
	return "missed"
}

// number prints three digits that matter.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "?"
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	case math.Abs(v) >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
