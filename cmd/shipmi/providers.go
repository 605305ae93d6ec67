package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/provider"
)

func (a *app) providersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "providers [NAME]",
		Short: "List the providers, or show one",
		Long: `List the providers that BMCs can be added with, or show one of them: what it needs,
its parameters for "shipmi add --set", and what clients can ask of its BMCs.`,
		Example: `  shipmi providers
  shipmi providers proxmox-qm
  shipmi providers ./lab.conf`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.providers()
			}
			return a.showProvider(args[0])
		},
	}
}

func (a *app) providers() error {
	entries, err := a.listProviders()
	if err != nil {
		return err
	}
	var rows [][]string
	for _, entry := range entries {
		row := []string{entry.Name, "", a.origin(entry.Path)}
		if p, err := a.loadProvider(entry.Path); err != nil {
			a.warn("%v", err)
		} else {
			row[1] = p.Description
		}
		rows = append(rows, row)
	}
	header := []string{"Name", "Description", "From"}
	a.printTable(header, rows, header...)
	return nil
}

// origin tells where a provider file comes from: the directory that it is in.
func (a *app) origin(path string) string {
	dir := filepath.Dir(path)
	if dir == a.builtIn {
		return "built-in"
	}
	return dir
}

func (a *app) showProvider(name string) error {
	p, err := a.findProvider(name, "")
	if err != nil {
		return err
	}
	header := []string{"Property", "Value"}
	a.printTable(header, [][]string{
		{"name", p.Name()},
		{"description", p.Description},
		{"file", p.Path},
		{"commands", strings.Join(p.Commands, ", ")},
		{"verbs", verbNames(p.Verbs())},
	}, header...)
	if p.Parameters != nil {
		header := []string{"Parameter", "Meaning", "Default"}
		var rows [][]string
		for _, parameter := range p.Parameters {
			rows = append(rows, []string{parameter.Name, parameter.Help, defaultOf(parameter)})
		}
		a.printTable(header, rows, header...)
	}
	if p.Header != "" {
		fmt.Fprintln(a.stdout, p.Header)
	}
	return nil
}

func verbNames(verbs []provider.Verb) string {
	var names []string
	for _, verb := range verbs {
		names = append(names, string(verb))
	}
	return strings.Join(names, ", ")
}
