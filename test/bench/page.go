package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed performance.md.tmpl
var markdown string

// page writes performance.md, and its plots into a directory beside it.
func page(path, dir string) error {
	r, err := load(path)
	if err != nil {
		return err
	}
	plots := filepath.Join(dir, "performance")
	if err := os.MkdirAll(plots, 0o755); err != nil {
		return err
	}
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

	t := template.New("").Funcs(template.FuncMap{
		"number":  number,
		"targets": func() []target { return targets(r) },
		"figures": r.section,
	})
	var b strings.Builder
	if err := template.Must(t.Parse(markdown)).Execute(&b, r); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "performance.md"), []byte(b.String()), 0o644)
}

// section is a table of the figures whose names begin like that.
func (r *Report) section(prefixes ...string) string {
	var b strings.Builder
	b.WriteString("| | | median | quartiles | |\n| --- | --- | --- | --- | --- |\n")
	for _, prefix := range prefixes {
		for _, f := range r.Figures {
			if rest, ok := strings.CutPrefix(f.Name, prefix); ok {
				at := func(q float64) string { return number(quantile(f.Values, q)) }
				name := strings.ReplaceAll(strings.Trim(rest, "/"), "/", ", ")
				fmt.Fprintf(&b, "| %s | %s | %s | %s to %s | %s |\n", name, f.Of, at(0.5), at(0.25), at(0.75), f.Unit)
			}
		}
	}
	return b.String()
}
