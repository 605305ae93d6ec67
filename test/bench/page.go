package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

// What a run is to the reader, as templates.
var (
	//go:embed performance.md.tmpl
	pageTemplate string
	//go:embed floors.md.tmpl
	floorsTemplate string
	//go:embed readme.md.tmpl
	readmeTemplate string
)

// readmeSection is what readmeTemplate takes the place of, up to the heading that follows.
var readmeSection = regexp.MustCompile(`(?s)\n## What it costs\n.*?\n\n## `)

// A document is a text that is made of results.
type document struct{ path, text string }

// documents are those below the root directory of the project, made of the results there.
func documents(root string) (r *Report, all []document, err error) {
	if r, err = load(filepath.Join(root, "docs/performance/results.json")); err != nil {
		return nil, nil, err
	}
	fleet, err := load(filepath.Join(root, "docs/performance/fleet.json"))
	if err != nil {
		return nil, nil, err
	}
	for _, f := range fleet.Figures {
		if r.find(f.Name, f.Of) == nil {
			r.Figures = append(r.Figures, f)
		}
	}
	page, err := r.execute(pageTemplate, fleet)
	if err != nil {
		return nil, nil, err
	}
	section, err := r.execute(readmeTemplate, fleet)
	if err != nil {
		return nil, nil, err
	}
	readme := filepath.Join(root, "README.md")
	text, err := os.ReadFile(readme)
	if err != nil {
		return nil, nil, err
	}
	around := readmeSection.Split(string(text), -1)
	if len(around) != 2 {
		return nil, nil, fmt.Errorf("%s: no section of what it costs, or more than one", readme)
	}
	return r, []document{
		{filepath.Join(root, "docs/performance.md"), page},
		{readme, around[0] + "\n" + section + "\n## " + around[1]},
	}, nil
}

// page writes all documents, and the plots that they show.
func page(root string) error {
	r, all, err := documents(root)
	if err != nil {
		return err
	}
	for _, d := range all {
		if err := os.WriteFile(d.path, []byte(d.text), 0o644); err != nil {
			return err
		}
	}
	plots := filepath.Join(root, "docs/performance")
	for _, c := range charts() {
		if err := r.bars(c, plots); err != nil {
			return err
		}
	}
	if err := r.prices(plots); err != nil {
		return err
	}
	for _, l := range lines {
		if err := r.growth(l, plots); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) execute(text string, fleet *Report) (string, error) {
	t := template.New("").Funcs(template.FuncMap{
		"number":  number,
		"targets": func() []target { return targets(r, r) },
		"figures": r.section,
		"median":  func(name, of string) string { return number(r.median(name, of)) },
		"MB":      func(name string) string { return number(r.median(name, shipmi) * 1024 / 1e6) },
		"per":     func(n float64, name string) string { return number(r.median(name, shipmi) / n) },
		"fleet":   func() *Report { return fleet },
	})
	template.Must(t.New("floors").Parse(floorsTemplate))
	var b strings.Builder
	err := template.Must(t.Parse(text)).Execute(&b, r)
	return b.String(), err
}

// section is a table of the figures whose names begin like that, without those that say only that nothing happened.
func (r *Report) section(prefixes ...string) string {
	var b strings.Builder
	b.WriteString("| | | median | quartiles | |\n| --- | --- | --- | --- | --- |\n")
	for _, prefix := range prefixes {
		for _, f := range r.Figures {
			if rest, ok := strings.CutPrefix(f.Name, prefix); ok && !f.uneventful() {
				at := func(q float64) string { return number(quantile(f.Values, q)) }
				name := strings.ReplaceAll(strings.Trim(rest, "/"), "/", ", ")
				fmt.Fprintf(&b, "| %s | %s | %s | %s to %s | %s |\n", name, f.Of, at(0.5), at(0.25), at(0.75), f.Unit)
			}
		}
	}
	return b.String()
}
