package main

import (
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
	fmt.Fprintln(t, "\n\tShIPMI\tbest peer\tfloor\twanted\t")
	for _, p := range rows(r, r) {
		if !math.IsNaN(p.Ours) {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", p.What, p.Show(p.Ours), p.ShowValue(p.Peer), p.ShowValue(p.Floor), p.Wanted(), p.Result())
		}
	}
	many := fleet{Report: *r}
	for _, p := range many.Rows() {
		for i, n := range fleetSizes {
			if cell := p.Cell(i); cell != "" {
				fmt.Fprintf(t, "%s, of %s BMCs\t%s\t\t\t%s\t%s\n", p.What, thousands(n), cell, p.Wanted(), p.Result())
			}
		}
	}
	return t.Flush()
}

// check compares what two runs have measured beside their floors. Peers are not compared: with several clients, the speed of
// a peer depends on where the scheduler has put its threads.
func check(w io.Writer, path, committed string) error {
	now, err := load(path)
	if err != nil {
		return err
	}
	before, err := load(committed)
	if err != nil {
		return err
	}
	then := rows(before, before)
	var lost []string
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tvalue\tbefore\t\t")
	for i, p := range rows(now, before) {
		earlier, verdict := then[i].Compared, ""
		if len(p.Targets) == 0 || len(earlier.Values) == 0 {
			continue
		}
		if p.Compared.lost(earlier) {
			verdict = "LOST"
			lost = append(lost, fmt.Sprintf("%s: %s %s, was %s", p.What, number(p.Compared.value()), p.unitOf(p.Compared), number(earlier.value())))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.What, number(p.Compared.value()), number(earlier.value()), p.unitOf(p.Compared), verdict)
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

// Show prints a value of a row, which no line breaks from its unit; nothing if it was not measured.
func (p row) Show(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return number(v) + "\u00a0" + p.Unit
}

// ShowValue prints a value and what it is of.
func (p row) ShowValue(v value) string {
	if v.Of == "" || math.IsNaN(v.Value) {
		return ""
	}
	return p.Show(v.Value) + ", " + v.Of
}

// Wanted prints all targets of a row.
func (p row) Wanted() string {
	var all []string
	for _, t := range p.Targets {
		all = append(all, p.wanted(t))
	}
	return strings.Join(all, "; ")
}

func (p row) wanted(t target) string {
	limit := "at most"
	if t.Least {
		limit = "at least"
	}
	return fmt.Sprintf("%s %s %s", limit, number(t.Want), p.unitOf(t))
}

func (p row) unitOf(t target) string {
	if t.Of == "" {
		return p.Unit
	}
	return "times " + t.Of
}

// Result says of each target of a row whether it is met.
func (p row) Result() string {
	var all []string
	for _, t := range p.Targets {
		switch {
		case len(t.Values) == 0:
			all = append(all, "not measured")
		case t.met():
			all = append(all, number(t.value())+", met")
		default:
			all = append(all, "**"+number(t.value())+", missed**")
		}
	}
	return strings.Join(all, "; ")
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
