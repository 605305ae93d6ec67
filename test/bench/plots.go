package main

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// A chart shows the medians of figures as bars: a group for each figure, in it a bar for each that was measured.
type chart struct {
	file, title, unit string
	figures           []string // names
	labels            []string // of the groups
	of                []string
}

const width, height = 20 * vg.Centimeter, 9 * vg.Centimeter

// charts are the plots with bars.
func charts() []chart {
	var all, bmcs []string
	for _, p := range peers {
		all = append(all, p.name)
		if !p.isEcho {
			bmcs = append(bmcs, p.name)
		}
	}
	inRounds := func(name, figure string, suites ...int) (figures, labels []string) {
		for _, suite := range suites {
			for _, clients := range atOnce {
				figures = append(figures, fmt.Sprintf("%s/suite=%d/clients=%d/%s", name, suite, clients, figure))
				labels = append(labels, fmt.Sprintf("suite %d, clients: %d", suite, clients))
			}
		}
		return figures, labels
	}
	commands, inCommands := inRounds("device-id", "rate", 3, 17)
	logins, inLogins := inRounds("login", "rate", 3, 17)
	scripts, inScripts := inRounds("chassis-status", "rate", 3)
	return []chart{
		{"commands", "Commands a second in open sessions: Get Device ID", "commands a second", commands, inCommands, all},
		{"logins", "Logins a second: key exchange and end of the session", "logins a second", logins, inLogins, bmcs},
		{"scripts", `Commands a second that run "sh -c 'echo on'": Get Chassis Status`, "commands a second", scripts, inScripts,
			append(bmcs, alone)},
		{"memory", "Memory of one active BMC", "KiB", []string{"memory/resident", "memory/private", "memory/anonymous"},
			[]string{"resident", "private", "anonymous"}, append(bmcs, goEcho)},
		{"ipmitool", "ipmitool power status, from its start to its end", "ms",
			[]string{"ipmitool/alone", "ipmitool/warm", "ipmitool/cold"},
			[]string{"without its waiting", "process runs", "no process"}, append(bmcs, "ipmitool")},
	}
}

func (r *Report) bars(c chart, path string) error {
	p := newPlot(c.title)
	p.Y.Label.Text, p.Y.Min = c.unit, 0
	p.Add(horizontal())
	p.NominalX(c.labels...)
	p.Legend.Top = true
	barWidth := vg.Points(360 / float64(len(c.of)*len(c.figures)+len(c.figures)))
	for i, of := range c.of {
		var medians plotter.Values
		for _, figure := range c.figures {
			v := r.median(figure, of)
			if math.IsNaN(v) {
				v = 0
			}
			medians = append(medians, v)
		}
		bars, err := plotter.NewBarChart(medians, barWidth)
		if err != nil {
			return fmt.Errorf("%s: %w", c.file, err)
		}
		bars.Color, bars.LineStyle.Width = plotutil.Color(i), 0
		bars.Offset = barWidth * vg.Length(float64(i)-float64(len(c.of)-1)/2)
		p.Add(bars)
		p.Legend.Add(of, bars)
	}
	p.X.Min, p.X.Max = -0.5, float64(len(c.figures))*1.2-0.5 // with room for the legend
	return p.Save(width, height, filepath.Join(path, c.file+".svg"))
}

// prices shows what each option of the unit costs.
func (r *Report) prices(path string) error {
	p := newPlot("What one option of the sandbox adds to a cold start that has none")
	p.X.Label.Text = "ms"
	base := r.median("options/sandbox", "none")
	var medians plotter.Values
	var names []string
	for _, f := range r.Figures {
		if f.Name == "options/sandbox" && f.Of != "none" {
			medians, names = append(medians, quantile(f.Values, 0.5)-base), append(names, f.Of)
		}
	}
	bars, err := plotter.NewBarChart(medians, vg.Points(8))
	if err != nil {
		return fmt.Errorf("options: %w", err)
	}
	bars.Horizontal, bars.Color, bars.LineStyle.Width = true, plotutil.Color(0), 0
	p.Add(bars)
	p.NominalY(names...)
	return p.Save(width, vg.Points(14*float64(len(names))+60), filepath.Join(path, "options.svg"))
}

// A line shows how a figure grows with a number.
type line struct {
	file, title, x, unit string
	figure               string // its name, with %d for the number
	numbers              []int
}

var lines = []line{
	{"sessions", "Commands a second by one client that uses all sessions in turn", "open sessions", "commands a second",
		"sessions=%d/suite=17/clients=1/rate", []int{1, 2, 4, 8, 16, 32, 64}},
	{"cold", "A cold start among many BMCs: datagram to answer", "BMCs", "ms",
		"fleet/bmcs=%d/cold", []int{1, 10, 100, 1000, 10000}},
}

func (r *Report) growth(l line, path string) error {
	p := newPlot(l.title)
	p.X.Label.Text, p.Y.Label.Text = l.x, l.unit
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ticks(l.numbers)
	p.Add(horizontal())
	var points plotter.XYs
	for _, n := range l.numbers {
		if y := r.median(fmt.Sprintf(l.figure, n), shipmi); !math.IsNaN(y) {
			points = append(points, plotter.XY{X: float64(n), Y: y})
		}
	}
	if err := plotutil.AddLinePoints(p, points); err != nil {
		return fmt.Errorf("%s: %w", l.file, err)
	}
	p.Y.Min, p.Y.Max = 0, p.Y.Max*1.2
	return p.Save(width, height, filepath.Join(path, l.file+".svg"))
}

func ticks(numbers []int) (marks plot.ConstantTicks) {
	for _, n := range numbers {
		marks = append(marks, plot.Tick{Value: float64(n), Label: fmt.Sprint(n)})
	}
	return marks
}

func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.Title.Padding = title, vg.Points(10)
	for _, style := range []*text.Style{
		&p.Title.TextStyle, &p.Legend.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label,
	} {
		style.Font.Variant = "Sans"
	}
	return p
}

func horizontal() *plotter.Grid {
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = color.Gray{Y: 220}
	return grid
}
