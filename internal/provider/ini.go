package provider

import (
	"fmt"
	"strings"
	"unicode"
)

// A setting is one "key = value" of an INI file, or with an empty key one "[section]" line.
type setting struct {
	path    string // of the file
	line    int    // counted from 1
	section string
	key     string      // lower case
	command IPMICommand // of [COMMAND]; its value is then the script
	prelude string      // of its file, if it is a script that has one; the value begins with it
	value   string      // lines joined by "\n", without the white space around each; none at the end
	depth   int         // how many files include that file, one by the other
}

func (s setting) String() string {
	switch {
	case s.key == "":
		return fmt.Sprintf("[%s]", s.section)
	case s.section == "":
		return fmt.Sprintf("key %q", s.key)
	default:
		return fmt.Sprintf("[%s] key %q", s.section, s.key)
	}
}

// parseINI reads the INI dialect of Python's ConfigParser without interpolation, in which providers have always been
// written. Values are shell, so what it does not do matters most: no quote, backquote, backslash or inline comment
// means anything. A line indented deeper than its key continues the value, also after blank lines and after comments,
// which begin with "#" or ";". Errors begin with the line number.
func parseINI(text string) ([]setting, error) {
	var settings []setting
	indent := 0 // of the last setting
	for i, raw := range strings.Split(text, "\n") {
		line := strings.TrimSpace(raw)
		depth := strings.IndexFunc(raw, func(r rune) bool { return !unicode.IsSpace(r) })
		last := &setting{}
		if len(settings) > 0 {
			last = &settings[len(settings)-1]
		}

		switch {
		case strings.Contains(line, "\x00"):
			return nil, fmt.Errorf("%d: %q: NUL byte", i+1, line)

		case strings.HasPrefix(line, "#"), strings.HasPrefix(line, ";"):

		case line == "", last.key != "" && depth > indent:
			last.value += "\n" + line

		case line[0] == '[':
			section, _, closed := strings.Cut(line[1:], "]")
			if !closed {
				return nil, fmt.Errorf("%d: %q: closing bracket missing", i+1, line)
			}
			settings = append(settings, setting{line: i + 1, section: section})

		default:
			split := strings.IndexAny(line, "=:")
			if split < 1 {
				return nil, fmt.Errorf("%d: %q: neither [section] nor key=value", i+1, line)
			}
			indent = depth
			settings = append(settings, setting{
				line:    i + 1,
				section: last.section,
				key:     strings.ToLower(strings.TrimSpace(line[:split])),
				value:   strings.TrimSpace(line[split+1:]),
			})
		}
	}
	for i := range settings {
		settings[i].value = strings.TrimRightFunc(settings[i].value, unicode.IsSpace)
	}
	return settings, nil
}

// ParseSection reads one section of a file in the dialect of provider files, as the Python programs also keep their
// settings: its values by key in lower case. It is nil if there is no such section.
func ParseSection(text, section string) (map[string]string, error) {
	settings, err := parseINI(text)
	if err != nil {
		return nil, fmt.Errorf("line %w", err)
	}
	var values map[string]string
	for _, s := range settings {
		switch {
		case s.section != section:
		case s.key == "":
			values = make(map[string]string)
		default:
			values[s.key] = s.value
		}
	}
	return values, nil
}
