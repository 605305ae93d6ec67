package provider

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Parameter is something that a provider wants to know of each machine.
type Parameter struct {
	Name     string // begins with a letter; lower case letters, digits and underscores
	Help     string
	Default  string // with %(name)s for the name of the BMC and %% for a per cent sign
	Required bool   // there is no default; an empty value is none

	inScripts bool // as a placeholder, not only in the environment
}

// plain matches what means nothing to a shell.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@+=:,./-]*$`)

// declare reads the sections PARAMETERS and DEFAULTS.
func (p *Provider) declare(settings settingsByName) error {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		s := settings[name]
		section, key, _ := strings.Cut(name, " ")
		switch {
		case key == "":
		case section == "parameters":
			fallback, found := settings["defaults "+key]
			parameter := Parameter{Name: key, Help: s.oneLine(), Default: fallback.value, Required: !found}
			used := func(s setting) bool { return strings.Contains(s.value, "%("+key+")s") }
			for _, v := range verbs {
				parameter.inScripts = parameter.inScripts || used(settings[string(v)])
			}
			for _, name := range settings.commands() {
				parameter.inScripts = parameter.inScripts || used(settings[name])
			}
			p.Parameters = append(p.Parameters, parameter)
			if err := parameter.checkDefault(); err != nil {
				return fallback.fail(err)
			}
		case section == "defaults":
			if _, declared := settings["parameters "+key]; !declared {
				return s.fail(errors.New("no such parameter"))
			}
		}
	}
	return nil
}

func (p Parameter) checkDefault() error {
	if err := checkPlaceholders(Status, p.Default, map[string]string{"name": ""}); err != nil {
		return err
	}
	return p.check(p.fallback("name"))
}

// fallback is the default for the BMC called name.
func (p Parameter) fallback(name string) string {
	return placeholders(Status, map[string]string{"name": name}, "", "%").Replace(p.Default)
}

// check reports a value that is not one line of text, or that a shell would take for more than a word.
func (p Parameter) check(value string) error {
	switch {
	case !utf8.ValidString(value), strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("%q is not one line of text", value)
	case p.inScripts && !plain.MatchString(value):
		return fmt.Errorf("%q has characters other than letters, digits and _@+=:,./-, which the text of a script must not contain", value)
	}
	return nil
}

// Values gives all parameters of the BMC called name their values: those that were given, and defaults for the others.
// The error names everything that is missing, that the provider does not know, or that it cannot use.
func (p *Provider) Values(name string, given map[string]string) (map[string]string, error) {
	values, left := make(map[string]string), maps.Clone(given)
	var problems []string
	for _, parameter := range p.Parameters {
		value, found := given[parameter.Name]
		if !found {
			value = parameter.fallback(name)
		}
		if err := parameter.check(value); err != nil {
			problems = append(problems, fmt.Sprintf("parameter %q: %v", parameter.Name, err))
		}
		if value == "" && parameter.Required {
			problems = append(problems, fmt.Sprintf("parameter %q is missing", parameter.Name))
		}
		values[parameter.Name] = value
		delete(left, parameter.Name)
	}
	for _, unknown := range slices.Sorted(maps.Keys(left)) {
		problems = append(problems, fmt.Sprintf("no parameter %q", unknown))
	}
	if problems != nil {
		return nil, fmt.Errorf("provider %q: %s", p.Name(), strings.Join(problems, "; "))
	}
	return values, nil
}
