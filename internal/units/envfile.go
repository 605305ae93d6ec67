package units

import (
	"slices"
	"strings"
)

// parseEnvFile returns the variables of a file of EnvironmentFile= (systemd.exec(5)) as
// NAME=VALUE. A line that assigns nothing is ignored, as systemd does.
func parseEnvFile(text string) (variables []string) {
	for text != "" {
		text = strings.TrimLeft(text, " \t\r\n")
		if strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";") {
			_, text, _ = strings.Cut(text, "\n")
			continue
		}
		end := strings.IndexAny(text, "=\n")
		if end < 0 {
			break
		}
		name, isAssignment := strings.TrimSpace(text[:end]), text[end] == '='
		text = text[end+1:]
		if !isAssignment {
			continue
		}
		var value string
		value, text = cutEnvValue(strings.TrimLeft(text, " \t"))
		variables = append(variables, name+"="+value)
	}
	return variables
}

// cutEnvValue returns the value at the beginning of text, and the text after its line.
// Quotes are special only where the value, or what follows another quote, begins.
func cutEnvValue(text string) (value, rest string) {
	var word []byte
	kept := 0 // bytes of word that are not white space at its end
	plain := false
	for text != "" {
		c := text[0]
		text = text[1:]
		switch {
		case c == '\n':
			return string(word[:kept]), text
		case c == '\\' && strings.HasPrefix(text, "\n"):
			text = text[1:]
		case c == '\\' && text != "":
			word, text = append(word, text[0]), text[1:]
			kept, plain = len(word), true
		case !plain && (c == '\'' || c == '"'):
			word, text = appendQuoted(word, text, c)
			kept = len(word)
		default:
			word = append(word, c)
			if !slices.Contains([]byte(" \t\r"), c) {
				kept, plain = len(word), true
			}
		}
	}
	return string(word[:kept]), ""
}

// appendQuoted appends the text before the closing quote, and returns the text after it.
// Between double quotes, a backslash escapes a few characters and line ends.
func appendQuoted(word []byte, text string, quote byte) ([]byte, string) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return word, text[i+1:]
		case c == '\\' && quote == '"' && i+1 < len(text) && strings.IndexByte("\"\\`$\n", text[i+1]) >= 0:
			i++
			if text[i] != '\n' {
				word = append(word, text[i])
			}
		default:
			word = append(word, c)
		}
	}
	return word, ""
}
