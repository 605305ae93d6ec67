// Package provider reads provider files, which hold the scripts that make a BMC act, and finds them by name. It checks
// a file as a whole, and gives the text of each script with the parameters of a BMC in it.
//
// The package runs no script (see package script) and does not know IPMI, sessions or systemd. Nothing that a network
// client sent gets into a script as free text.
//
// Start reading at Load, then Provider.Script.
package provider

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// A Provider is a provider file that was read and found correct, with what it includes.
type Provider struct {
	Path        string // absolute
	Description string
	Commands    []string    // that the host must have
	Shell       string      // runs the scripts: an absolute path, or a name that is looked up in $PATH
	Parameters  []Parameter // that each BMC has a value of, sorted by name
	Header      string      // the comment that the file begins with, without "#"

	scripts  map[Verb]string
	own      map[Verb]string // the scripts without preludes
	commands map[Verb]IPMICommand
	sensors  Sensors
	files    snapshot
}

// DefaultShell runs the scripts of providers that do not name another shell.
const DefaultShell = "/bin/sh"

// shells are the shells that a provider may name. Each runs every script of a POSIX shell: a
// provider may include another one that was written for DefaultShell.
var shells = []string{"sh", "bash", "dash", "ksh", "mksh"}

func checkShell(shell string) error {
	if slices.Contains(shells, shell) || filepath.IsAbs(shell) && slices.Contains(shells, filepath.Base(shell)) {
		return nil
	}
	return fmt.Errorf("%q: want %s, or the path of one of them", shell, strings.Join(shells, ", "))
}

// Name is the file's base name without ".conf".
func (p *Provider) Name() string { return strings.TrimSuffix(filepath.Base(p.Path), ".conf") }

// Files lists the paths, sorted, that say what the provider does: of its file, of those that it
// includes, and of those that it would include instead if they were there.
func (p *Provider) Files() []string { return slices.Sorted(maps.Keys(p.files)) }

// Script is the text of v for the shell, for the BMC called name; empty if there is none. Parameters are what Values
// returns.
func (p *Provider) Script(v Verb, name string, parameters map[string]string, boot Boot) string {
	return fill(p.scripts[v], v, name, parameters, boot)
}

// OwnScript is the text of v for people: Script without the prelude of the file.
func (p *Provider) OwnScript(v Verb, name string, parameters map[string]string, boot Boot) string {
	return fill(p.own[v], v, name, parameters, boot)
}

// fill puts values in place of the placeholders of a script.
func fill(script string, v Verb, name string, parameters map[string]string, boot Boot) string {
	values := map[string]string{"name": name}
	maps.Copy(values, parameters)
	return placeholders(v, values, boot.Device, "%").Replace(script)
}

// Has reports whether the provider can do v. A power cycle needs a script for "on", and one for "cycle" or "off".
func (p *Provider) Has(v Verb) bool {
	if v == Cycle {
		return p.scripts[On] != "" && (p.scripts[Cycle] != "" || p.scripts[Off] != "")
	}
	return p.scripts[v] != ""
}

// Sensors are those that the provider has.
func (p *Provider) Sensors() Sensors { return p.sensors }

// Verbs lists what the provider can do, IPMI commands last.
func (p *Provider) Verbs() []Verb {
	has := slices.DeleteFunc(slices.Clone(verbs), func(v Verb) bool { return !p.Has(v) })
	for _, c := range p.IPMICommands() {
		has = append(has, c.Verb)
	}
	return has
}

// newProvider makes a provider of the settings of the file at path and of those that it includes.
func newProvider(path string, settings settingsByName) (*Provider, error) {
	p := &Provider{
		Path:        path,
		Description: settings["provider description"].oneLine(),
		Commands:    strings.Fields(settings["provider commands"].value),
		Shell:       DefaultShell,
		scripts:     make(map[Verb]string),
		own:         make(map[Verb]string),
		commands:    make(map[Verb]IPMICommand),
	}
	if s := settings["provider shell"]; s.value != "" {
		if err := checkShell(s.value); err != nil {
			return nil, s.fail(err)
		}
		p.Shell = s.value
	}
	if err := p.declare(settings); err != nil {
		return nil, err
	}
	var err error
	if p.sensors, err = sensors(settings); err != nil {
		return nil, err
	}
	names := map[string]string{"name": ""}
	for _, parameter := range p.Parameters {
		names[parameter.Name] = ""
	}
	scripts := make(map[Verb]setting)
	for _, v := range verbs {
		if s, found := settings[string(v)]; found {
			scripts[v] = s
		}
	}
	for _, name := range settings.commands() {
		s := settings[name]
		scripts[s.command.Verb], p.commands[s.command.Verb] = s, s.command
	}
	for _, v := range slices.Sorted(maps.Keys(scripts)) {
		s := scripts[v]
		if err := checkPlaceholders(v, s.value, names); err != nil {
			return nil, s.fail(err)
		}
		if v == Connect {
			if err := checkEscapes(s.value); err != nil {
				return nil, s.fail(err)
			}
		}
		p.scripts[v] = s.script(filepath.Dir(path))
		p.own[v] = strings.TrimPrefix(s.value, s.prelude)
	}
	if p.scripts[Status] == "" {
		return nil, fmt.Errorf(`%s: [POWER] key "status": missing or empty`, path)
	}
	return p, nil
}
