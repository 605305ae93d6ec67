package provider

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A section is what a section of a provider file may hold.
type section struct {
	keys []string // in lower case
	// name, unless it is nil, says what is wrong with another key.
	name func(key string) error
}

// sections are those that there are, in lower case.
var sections = map[string]section{
	"provider":   {keys: []string{"description", "include", "commands", "prelude", "shell"}},
	"parameters": {name: checkParameterName},
	"defaults":   {name: checkParameterName},
	"power":      {keys: []string{"status", "on", "off", "shutdown", "reset", "diag", "cycle"}},
	"boot":       {keys: []string{"get", "set"}},
	"chassis":    {keys: []string{"identify"}},
	"fru":        {keys: []string{"get"}},
	"console":    {keys: []string{"connect", "break"}},
	"media":      {keys: []string{"insert", "eject", "get"}},
	"sensors":    {keys: []string{"get"}, name: checkSensorName},
	"dcmi":       {keys: []string{"power"}},
	"command":    {name: checkCommandName},
	"events":     {keys: []string{"added"}},
}

var parameterName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// ownNames are what ShIPMI itself has placeholders for.
var ownNames = []string{"name", "bootdev", "boot_device"}

func checkParameterName(key string) error {
	if !parameterName.MatchString(key) || slices.Contains(ownNames, key) {
		return errors.New("not a name for a parameter: want letters, digits and _, a letter first, and none of " +
			strings.Join(ownNames, ", "))
	}
	return nil
}

// parseFile reads the text of one provider file and checks all that can be said of it alone. The settings are found by
// section and key in lower case, as in "power on". Scripts have the prelude of the file before them.
func parseFile(path, text string) (settingsByName, error) {
	all, err := parseINI(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	settings := make(settingsByName)
	for _, s := range all {
		s.path = path
		name := strings.ToLower(s.section) + " " + s.key // a section is one with no key
		if strings.ToLower(s.section) == commandSection && s.key != "" {
			name = commandSection + " " + commandName(s.key)
		}
		if _, twice := settings[name]; twice {
			return nil, s.fail(errors.New("comes twice"))
		}
		if err := s.check(); err != nil {
			return nil, s.fail(err)
		}
		settings[name] = s
	}
	prelude := settings["provider prelude"].value
	for _, v := range verbs {
		settings.prepend(string(v), prelude)
	}
	for _, name := range settings.commands() {
		s := settings[name]
		if s.command, s.value, err = readCommand(s); err != nil {
			return nil, err
		}
		settings[name] = s
		settings.prepend(name, prelude)
	}
	return settings, nil
}

// A settingsByName has settings by section and key in lower case, as in "power on".
type settingsByName map[string]setting

// prepend puts a prelude before a script, if there is one.
func (all settingsByName) prepend(name, prelude string) {
	if s := all[name]; prelude != "" && s.value != "" {
		s.prelude = prelude + "\n"
		s.value = s.prelude + s.value
		all[name] = s
	}
}

const commandSection = "command"

// commands lists the names of the settings that are IPMI commands.
func (all settingsByName) commands() (names []string) {
	for name, s := range all {
		if strings.ToLower(s.section) == commandSection && s.key != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (s setting) check() error {
	in, known := sections[strings.ToLower(s.section)]
	switch {
	case s.key == "" && !known:
		return &UnknownError{What: "section", Known: slices.Sorted(maps.Keys(sections)), Word: s.section, said: true}
	case s.key == "", slices.Contains(in.keys, s.key):
		return nil
	case s.section == "":
		return errors.New("there is no [SECTION] before it")
	case in.name != nil:
		return in.name(s.key)
	default:
		return &UnknownError{What: "key", Known: in.keys, Word: s.key, said: true}
	}
}

// fail says where err was found.
func (s setting) fail(err error) error { return fmt.Errorf("%s:%d: %v: %w", s.path, s.line, s, err) }

// oneLine is the value without its line breaks.
func (s setting) oneLine() string { return strings.Join(strings.Fields(s.value), " ") }

// script is the value for a shell that is in the folder home. It runs in the folder of its own file.
func (s setting) script(home string) string {
	dir := filepath.Dir(s.path)
	if dir == home || s.value == "" {
		return s.value
	}
	quoted := "'" + strings.NewReplacer("'", `'\''`, "%", "%%").Replace(dir) + "'"
	return "cd " + quoted + " || exit\n" + s.value
}

// header is the comment that a file begins with, without the comment signs.
func header(text string) string {
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		comment, found := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !found {
			break
		}
		lines = append(lines, strings.TrimPrefix(comment, " "))
	}
	return strings.Join(lines, "\n")
}
