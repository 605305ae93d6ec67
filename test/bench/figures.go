package main

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"time"
)

// A Report is what one run measured, and where.
type Report struct {
	Date     time.Time   `json:"date"`
	Machine  [][2]string `json:"machine"`  // name and value
	Versions [][2]string `json:"versions"` // of everything that was measured
	Figures  []*Figure   `json:"figures"`
}

// A Figure is one quantity of one program: a value for each round, or for each time something was done.
type Figure struct {
	Name   string    `json:"name"` // the subject and the way of the measurement, as in "device-id/suite=17/clients=8/rate"
	Of     string    `json:"of"`   // the program, or what else is compared
	Unit   string    `json:"unit"` // "1/s", "ms", "KiB"
	Values []float64 `json:"values"`
}

// add appends values to a figure.
func (r *Report) add(name, of, unit string, values ...float64) {
	f := r.find(name, of)
	if f == nil {
		f = &Figure{Name: name, Of: of, Unit: unit}
		r.Figures = append(r.Figures, f)
	}
	f.Values = append(f.Values, values...)
}

func (r *Report) find(name, of string) *Figure {
	i := slices.IndexFunc(r.Figures, func(f *Figure) bool { return f.Name == name && f.Of == of })
	if i < 0 {
		return nil
	}
	return r.Figures[i]
}

// Has reports whether a figure was measured, for templates.
func (r *Report) Has(name, of string) bool { return r.find(name, of) != nil }

// median is that of a figure; NaN where it was not measured.
func (r *Report) median(name, of string) float64 { return r.at(name, of, 0.5) }

// values are those of a figure; none where it was not measured.
func (r *Report) values(name, of string) []float64 {
	f := r.find(name, of)
	if f == nil {
		return nil
	}
	return slices.Clone(f.Values)
}

// ratios are what the values of one are to those of another that were measured right before or after: a machine is not
// equally fast all the time.
func (r *Report) ratios(name, of, to string) []float64 { return r.quotients(name, of, name, to) }

func (r *Report) quotients(name, of, toName, to string) (all []float64) {
	a, b := r.values(name, of), r.values(toName, to)
	if len(a) != len(b) {
		return nil
	}
	for i := range a {
		all = append(all, a[i]/b[i])
	}
	return all
}

// at is a quantile of a figure.
func (r *Report) at(name, of string, q float64) float64 {
	f := r.find(name, of)
	if f == nil {
		return math.NaN()
	}
	return quantile(f.Values, q)
}

// quantile interpolates between the two values that are nearest.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

func load(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	return r, json.Unmarshal(text, r)
}

// save writes a report with what is compared side by side.
func (r *Report) save(path string) error {
	first := map[string]int{}
	for i, f := range r.Figures {
		if _, known := first[f.Name]; !known {
			first[f.Name] = i
		}
		for i, v := range f.Values {
			f.Values[i], _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
		}
	}
	slices.SortStableFunc(r.Figures, func(a, b *Figure) int { return first[a.Name] - first[b.Name] })
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// milliseconds is the unit of all times.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
