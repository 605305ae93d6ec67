package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
)

func (a *app) providersCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "providers [NAME]",
		Short: "List the providers, or show one",
		Long: `List the providers that BMCs can be added with, or show one of them: what it needs,
its parameters for "shipmi add --set", and what clients can ask of its BMCs.`,
		Example: `  shipmi providers
  shipmi providers proxmox-qm
  shipmi providers ./lab.conf`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("want the name of one provider, got %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.providers(&o)
			}
			return a.showProvider(&o, args[0])
		},
		ValidArgsFunction: a.completeProvider,
	}
	o.addFlags(cmd)
	return cmd
}

func (a *app) providers(o *output) error {
	entries, err := a.listProviders()
	if err != nil {
		return err
	}
	l := listing{columns: []column{
		{name: "name", title: "Name", left: true},
		{name: "description", title: "Description", left: true},
		{name: "from", title: "From", left: true},
	}}
	for _, entry := range entries {
		row := []any{entry.Name, "", a.origin(entry.Path)}
		if p, err := a.loadProvider(entry.Path); err != nil {
			a.warn("%v", err)
		} else {
			row[1] = p.Description
		}
		l.rows = append(l.rows, row)
	}
	return a.print(o, l)
}

// origin tells where a provider file comes from: the directory that it is in.
func (a *app) origin(path string) string {
	dir := filepath.Dir(path)
	if dir == a.builtIn {
		return "built-in"
	}
	return dir
}

func (a *app) showProvider(o *output, name string) error {
	p, err := a.findProvider(name, "")
	if err != nil {
		return err
	}
	var parameters list
	for _, parameter := range p.Parameters {
		parameters = append(parameters, parameterFact{parameter.Name, parameter.Help, parameter.Default, parameter.Required})
	}
	about := listing{
		columns: []column{
			{name: "name", title: "name", left: true},
			{name: "description", title: "description", left: true},
			{name: "file", title: "file", left: true},
			{name: "commands", title: "commands", left: true},
			{name: "verbs", title: "verbs", left: true},
			{name: "parameters", title: "parameters", left: true, wide: true},
			{name: "header", title: "header", left: true, wide: true},
		},
		rows: [][]any{{p.Name(), p.Description, p.Path, texts(p.Commands), texts(p.Verbs()), parameters, p.Header}},
	}
	if err := a.printProperties(o, about); err != nil || o.format.name != "table" {
		return err
	}
	if p.Parameters != nil {
		l := listing{columns: []column{
			{name: "parameter", title: "Parameter", left: true},
			{name: "meaning", title: "Meaning", left: true},
			{name: "default", title: "Default", left: true},
		}}
		for _, parameter := range p.Parameters {
			l.rows = append(l.rows, []any{parameter.Name, parameter.Help, defaultOf(parameter)})
		}
		if err := a.print(o, l); err != nil {
			return err
		}
	}
	if p.Header == "" {
		return nil
	}
	_, err = fmt.Fprintln(a.stdout, p.Header)
	return err
}

// A parameterFact is a parameter of a provider.
type parameterFact struct {
	Name     string `json:"name"`
	Help     string `json:"help"`
	Default  string `json:"default"`
	Required bool   `json:"required"`
}

func texts[T ~string](all []T) list {
	l := list{}
	for _, text := range all {
		l = append(l, string(text))
	}
	return l
}
