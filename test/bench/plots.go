package main

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"slices"

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

const width, height = 23 * vg.Centimeter, 9 * vg.Centimeter

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
	bmcs = slices.Clip(bmcs)
	commands, inCommands := inRounds("device-id", "rate", 3, 17)
	logins, inLogins := inRounds("login", "rate", 3, 17)
	scripts, inScripts := inRounds("chassis-status", "p50", 3)
	return []chart{
		{"commands", "Commands a second in open sessions: Get Device ID", "commands a second", commands, inCommands, all},
		{"logins", "Logins a second: key exchange and end of the session", "logins a second", logins, inLogins, append(bmcs, goEcho)},
		{"scripts", `Time of a command that runs "sh -c 'echo on'": Get Chassis Status`, "ms", scripts, inScripts, append(bmcs, alone)},
		{"console", "A keystroke and its echo by a program on the terminal", "ms", []string{"console/echo/p50", "console/echo/p99"},
			[]string{"half of them within", "99 % of them within"}, []string{shipmi, socat}},
		{"ipmitool", "ipmitool power status, from its start to its end", "ms",
			[]string{"ipmitool/alone", "ipmitool/warm", "ipmitool/cold"},
			[]string{"without its waiting", "process runs", "no process"}, append(bmcs, "ipmitool")},
		{"memory", fmt.Sprintf("Memory of each of %d active BMCs", active), "KiB", []string{"memory/pss"},
			[]string{"proportional set size"}, append(bmcs, goEcho)},
	}
}

func (r *Report) bars(c chart, path string) error {
	p := newPlot(c.title)
	p.Y.Label.Text, p.Y.Min = c.unit, 0
	p.Add(horizontal())
	p.NominalX(c.labels...)
	// With the squares to the left of the names, a wide font of a browser does not cover them.
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs, p.Legend.Padding = true, true, 0.69*width, vg.Points(4)
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
	p.X.Min, p.X.Max = -0.5, float64(len(c.figures))*1.27-0.5 // with room for the legend
	return p.Save(width, height, filepath.Join(path, c.file+".svg"))
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
