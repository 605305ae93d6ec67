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

// The texts in which the results stand, as templates.
var (
	//go:embed performance.md.tmpl
	pageTemplate string
	//go:embed readme.md.tmpl
	readmeTemplate string
	//go:embed fleet.md.tmpl
	fleetTemplate string
)

// A document is a text that is made of results.
type document struct{ path, text string }

// parts are the templates of a part of a document, and what part that is.
var parts = []struct {
	path     string
	template *string
	place    *regexp.Regexp
}{
	{"README.md", &readmeTemplate, regexp.MustCompile(`(?s)## What it costs\n.*?\n\n(## )`)},
	{"docs/fleet.md", &fleetTemplate, regexp.MustCompile(`(?s)\| BMCs \|.*?\n\n()`)},
}

// documents are those below the root directory of the project, made of the results there.
func documents(root string) (r *Report, all []document, err error) {
	if r, err = load(filepath.Join(root, "docs/performance/results.json")); err != nil {
		return nil, nil, err
	}
	many, err := fleets(filepath.Join(root, "docs/performance"))
	if err != nil {
		return nil, nil, err
	}
	if len(many) == 0 {
		return nil, nil, fmt.Errorf("%s: no results of many BMCs", root)
	}
	r.join(&many[0].Report)
	page, err := r.execute(pageTemplate, many)
	if err != nil {
		return nil, nil, err
	}
	all = append(all, document{filepath.Join(root, "docs/performance.md"), page})
	for _, p := range parts {
		path := filepath.Join(root, p.path)
		section, err := r.execute(*p.template, many)
		if err != nil {
			return nil, nil, err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		if found := p.place.FindAll(text, -1); len(found) != 1 {
			return nil, nil, fmt.Errorf("%s: %d places for the results, want one", path, len(found))
		}
		place := p.place.FindSubmatchIndex(text)
		all = append(all, document{path, string(text[:place[0]]) + section + "\n" + string(text[place[2]:])})
	}
	return r, all, nil
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
	for _, c := range charts() {
		if err := r.bars(c, filepath.Join(root, "docs/performance")); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) execute(text string, many []*fleet) (string, error) {
	t := template.New("").Funcs(template.FuncMap{
		"rows":      func() []row { return rows(r, r) },
		"median":    func(name, of string) string { return number(r.median(name, of)) },
		"MB":        func(name string) string { return number(r.median(name, shipmi) * 1024 / 1e6) },
		"shipmi":    func() string { return shipmi },
		"fleets":    func() []*fleet { return many },
		"thousands": thousands,
	})
	var b strings.Builder
	err := template.Must(t.Parse(text)).Execute(&b, r)
	return b.String(), err
}
