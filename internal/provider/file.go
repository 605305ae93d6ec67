package provider

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// sections lists what a provider file may hold, in lower case. Those with a nil list hold one key for each parameter.
var sections = map[string][]string{
	"provider":   {"description", "include", "commands", "prelude", "shell"},
	"parameters": nil,
	"defaults":   nil,
	"power":      {"status", "on", "off", "shutdown", "reset", "diag", "cycle"},
	"boot":       {"get", "set"},
	"chassis":    {"identify"},
	"fru":        {"get"},
	"console":    {"connect", "break"},
}

var parameterName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// ownNames are what ShIPMI itself has placeholders for.
var ownNames = []string{"name", "bootdev", "boot_device"}

// parseFile reads the text of one provider file and checks all that can be said of it alone. The settings are found by
// section and key in lower case, as in "power on". Scripts have the prelude of the file before them.
func parseFile(path, text string) (map[string]setting, error) {
	all, err := parseINI(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	settings := make(map[string]setting)
	for _, s := range all {
		s.path = path
		name := strings.ToLower(s.section) + " " + s.key // a section is one with no key
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
		if s := settings[string(v)]; prelude != "" && s.value != "" {
			s.value = prelude + "\n" + s.value
			settings[string(v)] = s
		}
	}
	return settings, nil
}

func (s setting) check() error {
	keys, known := sections[strings.ToLower(s.section)]
	switch {
	case s.key == "":
		if !known {
			return errors.New("unknown section")
		}
	case known && keys == nil:
		if !parameterName.MatchString(s.key) || slices.Contains(ownNames, s.key) {
			return errors.New("no name for a parameter: want letters, digits and _, a letter first, and none of " +
				strings.Join(ownNames, ", "))
		}
	case s.section == "":
		return errors.New("there is no [SECTION] before it")
	case !slices.Contains(keys, s.key):
		return errors.New("unknown key")
	}
	return nil
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
