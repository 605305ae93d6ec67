// Package provider knows the scripts that make a BMC act: it reads provider files, finds them by name, and runs what
// is in them. A query prints its answer and is killed with its caller's context; an action (power on, boot set, …)
// goes on when the process that started it dies, and the next process adopts it.
//
// The package does not know IPMI, sessions or systemd. Who may ask for what, how long a script may take and where its
// standard error goes are the caller's business, and nothing that a network client sent reaches a script as free text.
//
// Start reading at Load, then Runner.Status for queries and Runner.Act with action.sh for actions.
package provider

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Verb names one script of a provider: its section in lower case, a blank, its key.
type Verb string

// The verbs that a provider file may define.
const (
	Status   Verb = "power status"
	On       Verb = "power on"
	Off      Verb = "power off"
	Shutdown Verb = "power shutdown"
	Reset    Verb = "power reset"
	Diag     Verb = "power diag"
	Cycle    Verb = "power cycle"
	BootGet  Verb = "boot get"
	BootSet  Verb = "boot set"
	Identify Verb = "chassis identify"
	FRUGet   Verb = "fru get"
)

var verbs = map[Verb]bool{
	Status: true, On: true, Off: true, Shutdown: true, Reset: true, Diag: true, Cycle: true,
	BootGet: true, BootSet: true, Identify: true, FRUGet: true,
}

var sections = []string{"boot", "chassis", "fru", "power"}

// Identifier is the verb in one word, as scripts see it in SHIPMI_VERB and journalctl -t takes it: "power-on".
func (v Verb) Identifier() string { return strings.ReplaceAll(string(v), " ", "-") }

// starts tells whether the machine boots when v has succeeded.
func (v Verb) starts() bool { return v == On || v == Cycle || v == Reset }

// A Provider is a provider file that was read and found correct.
type Provider struct {
	path    string // absolute
	scripts map[Verb]string
}

// Load reads the provider file at path and checks all of it. Its errors name the file, and where there is one the
// line and the key.
func Load(path string) (*Provider, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("provider file: %w", err)
	}
	// Whatever else has that name could keep us waiting.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("provider file: %s is not a regular file", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("provider file: %w", err)
	}
	return parse(path, string(text))
}

// Name is the file's base name without ".conf".
func (p *Provider) Name() string { return strings.TrimSuffix(filepath.Base(p.path), ".conf") }

// Has reports whether the provider can do v. A power cycle needs a script for "on", and one for "cycle" or "off".
func (p *Provider) Has(v Verb) bool {
	if v == Cycle {
		return p.scripts[On] != "" && (p.scripts[Cycle] != "" || p.scripts[Off] != "")
	}
	return p.scripts[v] != ""
}

func parse(path, text string) (*Provider, error) {
	settings, err := parseINI(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	scripts := make(map[Verb]string)
	seen := make(map[Verb]bool) // a section is the verb with no key
	for _, s := range settings {
		fail := func(err error) (*Provider, error) { return nil, fmt.Errorf("%s:%d: %v: %w", path, s.line, s, err) }
		section := strings.ToLower(s.section)
		v := Verb(section + " " + s.key)
		switch {
		case s.key == "" && !slices.Contains(sections, section):
			return fail(errors.New("unknown section"))
		case s.key != "" && !verbs[v]:
			return fail(errors.New("unknown key"))
		case seen[v]:
			return fail(errors.New("comes twice"))
		}
		if err := checkPlaceholders(v, s.value); err != nil {
			return fail(err)
		}
		seen[v] = true
		if s.key != "" {
			scripts[v] = s.value
		}
	}
	if scripts[Status] == "" {
		return nil, fmt.Errorf(`%s: [POWER] key "status": missing or empty`, path)
	}
	return &Provider{path: path, scripts: scripts}, nil
}
