package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A fleet is what "make bench-fleet" has measured with one version of systemd, in a run for each number of BMCs.
type fleet struct {
	Report // figures of all runs
	Runs   []fleetRun
}

// A fleetRun is a run with a number of BMCs.
type fleetRun struct {
	*Report
	BMCs int
	Path string // relative to the page
}

// fleetFile is the name of the results of a run: fleet-SUITE-BMCS.json.
var fleetFile = regexp.MustCompile(`^fleet-([a-z]+)-([0-9]+)\.json$`)

// fleets are those of the results in a directory, in the order of Debian's suites.
func fleets(dir string) (all []*fleet, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "fleet-*.json"))
	if err != nil {
		return nil, err
	}
	bySuite := make(map[string]*fleet)
	for _, path := range paths {
		name := filepath.Base(path)
		parts := fleetFile.FindStringSubmatch(name)
		if parts == nil {
			return nil, fmt.Errorf("%s: want the name fleet-SUITE-BMCS.json", path)
		}
		r, err := load(path)
		if err != nil {
			return nil, err
		}
		bmcs, err := strconv.Atoi(parts[2])
		if err != nil {
			return nil, err
		}
		if bySuite[parts[1]] == nil {
			bySuite[parts[1]] = new(fleet)
			all = append(all, bySuite[parts[1]])
		}
		f := bySuite[parts[1]]
		f.Runs = append(f.Runs, fleetRun{r, bmcs, "performance/" + name})
	}
	for _, f := range all {
		slices.SortFunc(f.Runs, func(a, b fleetRun) int { return cmp.Compare(a.BMCs, b.BMCs) })
		for _, run := range f.Runs {
			f.join(run.Report)
		}
	}
	return all, nil
}

// join adds the figures of another run that a report does not have.
func (r *Report) join(other *Report) {
	for _, f := range other.Figures {
		if r.find(f.Name, f.Of) == nil {
			r.Figures = append(r.Figures, f)
		}
	}
}

// Systemd is the version of systemd without that of its package, as in 252.
func (f *fleet) Systemd() string {
	version, _, _ := strings.Cut(f.Runs[0].version("systemd"), ".")
	return version
}

// fleetSizes are the columns of the page. The targets are those of the first one.
var fleetSizes = []int{1000, 10000}

// A fleetRow is what the page has of one quantity of many BMCs.
type fleetRow struct {
	What, Unit string
	Ours       []value // for each of fleetSizes
	Floor      []value // systemctl alone
	Targets    []target
}

// Cell prints the value with a number of BMCs, and how many times that of systemctl it is.
func (r fleetRow) Cell(i int) string {
	text := row{Unit: r.Unit}.Show(r.Ours[i].Value)
	if ratio := r.Ours[i].Value / r.Floor[i].Value; ratio > 0 {
		text += fmt.Sprintf(", %s times %s", number(ratio), systemctl)
	}
	return text
}

// Wanted and Result are those of row.
func (r fleetRow) Wanted() string { return row{Unit: r.Unit, Targets: r.Targets}.Wanted() }

func (r fleetRow) Result() string { return row{Unit: r.Unit, Targets: r.Targets}.Result() }

// Sizes are the columns of Rows.
func (*fleet) Sizes() []int { return fleetSizes }

// Rows are what was measured of many BMCs.
func (f *fleet) Rows() (all []fleetRow) {
	add := func(what, figure, unit string, divisor, want float64) {
		r := fleetRow{What: what, Unit: unit}
		for _, n := range fleetSizes {
			name := fmt.Sprintf(figure, n)
			r.Ours = append(r.Ours, value{shipmi, f.median(name, shipmi) / divisor})
			r.Floor = append(r.Floor, value{systemctl, f.median(name, systemctl) / divisor})
		}
		if want > 0 {
			values := f.values(fmt.Sprintf(figure, fleetSizes[0]), shipmi)
			for i := range values {
				values[i] /= divisor
			}
			r.Targets = []target{{Want: want, Values: values}}
		}
		all = append(all, r)
	}
	const command = "manage/bmcs=%d/"
	for _, c := range []struct {
		name string
		want float64 // s
	}{
		{"list", 0.3}, {"set --comment", 0.1}, {"set --password", 0}, {"doctor", 2}, {"start --all", 6}, {"stop --all", 4}, {"delete --all", 4},
		{"export", 0}, {"apply, nothing differs", 1}, {"apply, all are added and started", 8},
	} {
		add("`shipmi "+strings.Replace(c.name, ",", "`,", 1)+strings.Repeat("`", 1-strings.Count(c.name, ",")), command+c.name, "s", 1000, c.want)
	}
	add("`shipmi add`, of one", command+"add 1", "s", 1000, 0)
	first := fmt.Sprintf(command+"add 1", fleetSizes[0])
	all[len(all)-1].Targets = []target{{Of: systemctl, Want: 1.3, Values: f.ratios(first, shipmi, systemctl)}}
	add("the Ansible role, the first time", command+"the Ansible role, the first time", "s", 1000, 60)
	add("the Ansible role, nothing differs", command+"the Ansible role, nothing differs", "s", 1000, 10)
	add("memory of the processes, one for each BMC", "fleet/bmcs=%d/all active", "MiB", 1024, 1536)
	add("memory of systemd, without processes of BMCs", "fleet/bmcs=%d/PID 1 at rest", "MiB", 1024, 48)
	return all
}

// A layoutRow is what systemd needs for the units of BMCs that are written in some way.
type layoutRow struct {
	Name  string
	Cells []string // for each of fleetSizes
}

// Layouts are the rows of what systemd needs; none if that was not measured.
func (f *fleet) Layouts() (all []layoutRow) {
	for _, l := range layouts {
		r := layoutRow{Name: l.name}
		for _, n := range fleetSizes {
			at := func(name string) float64 { return f.median(fmt.Sprintf("units/bmcs=%d/%s", n, name), l.name) }
			cell := ""
			if start := at("start"); start > 0 {
				cell = fmt.Sprintf("%s s, %s s, %s MiB", number(start/1000), number(at("daemon-reload")/1000), number(at("memory")/1024))
			}
			r.Cells = append(r.Cells, cell)
		}
		if strings.Join(r.Cells, "") != "" {
			all = append(all, r)
		}
	}
	return all
}

// A growthRow is a row of how everything grows with the number of BMCs.
type growthRow struct{ BMCs, Systemd, Active, Start, Cold string }

// Growth is how everything grows.
func (f *fleet) Growth() (all []growthRow) {
	for n := 100; n <= slices.Max(fleetSizes); n *= 10 {
		at := func(name, unit string, divisor float64) string {
			return row{Unit: unit}.Show(f.median(fmt.Sprintf("fleet/bmcs=%d/%s", n, name), shipmi) / divisor)
		}
		all = append(all, growthRow{
			thousands(n), at("PID 1 at rest", "MB", 1e6/1024), at("all active", "GB", 1e9/1024),
			at(fmt.Sprintf("start %d", n-n/10), "s", 1000), at("cold", "ms", 1),
		})
	}
	return all
}

// thousands prints a number with a comma before the last three digits.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
