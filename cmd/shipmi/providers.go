package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/listing"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/settings"
)

func (a *app) providersCommand() *cobra.Command {
	var options listing.Options
	cmd := &cobra.Command{
		Use:   "providers [NAME]",
		Short: "List the providers, or show one",
		Long: `List the providers that BMCs can be added with, or show one of them: what it needs,
its parameters for "shipmi add --set", and what clients can ask its BMCs for.

The list says whether clients can switch a machine on and off (power), ask its guest to
shut down (soft), reset it, send it a diagnostic interrupt (NMI), choose what it boots
from, use its serial console, insert an image (media), and read its sensors.`,
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
				return a.providers(&options)
			}
			return a.showProvider(&options, args[0])
		},
		ValidArgsFunction: a.host.CompleteProvider,
	}
	options.AddFlags(cmd, providersColumns)
	return cmd
}

var providersColumns = []listing.Column{
	{Name: "name", Title: "Name", Left: true},
	{Name: "description", Title: "Description", Left: true, Prose: true},
	{Name: "power", Title: "Power"},
	{Name: "soft", Title: "Soft"},
	{Name: "reset", Title: "Reset"},
	{Name: "nmi", Title: "NMI"},
	{Name: "boot", Title: "Boot"},
	{Name: "console", Title: "Console"},
	{Name: "media", Title: "Media"},
	{Name: "sensors", Title: "Sensors"},
	{Name: "from", Title: "From", Left: true},
}

// An ability is a cell that a table shows as "yes" or not at all, and JSON as a boolean.
type ability bool

func (a ability) String() string {
	if a {
		return "yes"
	}
	return ""
}

func (a *app) providers(options *listing.Options) error {
	if err := options.CheckColumns(providersColumns); err != nil {
		return err
	}
	entries, err := a.host.ListProviders()
	if err != nil {
		return err
	}
	table := listing.Table{Columns: providersColumns}
	for _, entry := range entries {
		p, err := a.host.LoadProvider(entry.Path)
		if err != nil {
			a.Warn("%v", err)
			p = new(provider.Provider)
		}
		row := []any{entry.Name, p.Description}
		for _, a := range provider.Abilities {
			row = append(row, ability(p.Can(a)))
		}
		table.Rows = append(table.Rows, append(row, a.origin(entry.Path)))
	}
	return options.Print(&a.Terminal, table)
}

// origin returns the directory of a provider file, or "built-in".
func (a *app) origin(path string) string {
	dir := filepath.Dir(path)
	if dir == a.host.BuiltIn {
		return "built-in"
	}
	return dir
}

var providerColumns = []listing.Column{
	{Name: "name", Title: "name", Left: true},
	{Name: "description", Title: "description", Left: true},
	{Name: "file", Title: "file", Left: true},
	{Name: "commands", Title: "commands", Left: true},
	{Name: "verbs", Title: "verbs", Left: true},
	{Name: "parameters", Title: "parameters", Left: true, Wide: true},
	{Name: "sensors", Title: "sensors", Left: true, Wide: true},
	{Name: "header", Title: "header", Left: true, Wide: true},
}

func (a *app) showProvider(options *listing.Options, name string) error {
	if err := options.CheckColumns(options.PropertyColumns(providerColumns)); err != nil {
		return err
	}
	p, err := a.host.FindProvider(name, "")
	if err != nil {
		return err
	}
	var parameters listing.List
	for _, parameter := range p.Parameters {
		parameters = append(parameters, parameterFact{parameter.Name, parameter.Help, parameter.Default, parameter.Required})
	}
	var sensors listing.List
	for _, s := range p.Sensors().All {
		sensors = append(sensors, s)
	}
	about := listing.Table{
		Columns: providerColumns,
		Rows:    [][]any{{p.Name(), p.Description, p.Path, listing.Texts(p.Commands), listing.Texts(p.Verbs()), parameters, sensors, p.Header}},
	}
	if err := options.PrintProperties(&a.Terminal, about); err != nil || !options.IsTable() {
		return err
	}
	if p.Parameters != nil {
		if err := a.printParameters(options, p); err != nil {
			return err
		}
	}
	if sensors != nil {
		if err := a.printSensors(options, p.Sensors()); err != nil {
			return err
		}
	}
	if p.Header == "" {
		return nil
	}
	_, err = fmt.Fprintln(a.Stdout, p.Header)
	return err
}

// printParameters prints a table of the parameters of a provider.
func (a *app) printParameters(options *listing.Options, p *provider.Provider) error {
	table := listing.Table{Columns: []listing.Column{
		{Name: "parameter", Title: "Parameter", Left: true},
		{Name: "meaning", Title: "Meaning", Left: true, Prose: true},
		{Name: "default", Title: "Default", Left: true},
	}}
	for _, parameter := range p.Parameters {
		table.Rows = append(table.Rows, []any{parameter.Name, parameter.Help, settings.DescribeDefault(parameter)})
	}
	return options.Print(&a.Terminal, table)
}

// printSensors prints a table of the sensors of a provider.
func (a *app) printSensors(options *listing.Options, sensors provider.Sensors) error {
	table := listing.Table{Columns: []listing.Column{
		{Name: "sensor", Title: "Sensor", Left: true},
		{Name: "measures", Title: "Measures", Left: true, Prose: true},
	}}
	for _, s := range sensors.All {
		table.Rows = append(table.Rows, []any{s.Name, s.Describe()})
	}
	return options.Print(&a.Terminal, table)
}

// A parameterFact is a parameter of a provider in JSON.
type parameterFact struct {
	Name     string `json:"name"`
	Help     string `json:"help"`
	Default  string `json:"default"`
	Required bool   `json:"required"`
}
