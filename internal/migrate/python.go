package migrate

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// assignment matches the beginning of an assignment at the top level of a file of Python.
var assignment = regexp.MustCompile(`(?m)^[ \t]*([A-Z][A-Z0-9_]*)[ \t]*=[ \t]*`)

// pythonValues returns the values that a file of Python assigns to the names that begin with
// a prefix. It executes nothing: a value must be a literal. The error names the first value
// that is none, among those that want knows.
func pythonValues(text, prefix string, want map[string]bool) (map[string]any, error) {
	values := make(map[string]any)
	for _, at := range assignment.FindAllStringSubmatchIndex(text, -1) {
		name := strings.TrimPrefix(text[at[2]:at[3]], prefix)
		if len(name) == at[3]-at[2] {
			continue // it does not have the prefix
		}
		p := python{text[at[1]:]}
		value, err := p.value(maxDepth)
		if err == nil {
			err = p.end()
		}
		switch {
		case err == nil:
			values[name] = value
		case want[name]:
			return nil, fmt.Errorf("%s%s: %w", prefix, name, err)
		}
	}
	return values, nil
}

// A python is the rest of a text that is read as a literal of Python: texts, integers, None,
// booleans, lists, tuples, sets and dictionaries. Lists, tuples and sets become []any,
// dictionaries map[string]any without the values whose key is no text.
type python struct{ rest string }

var errNoLiteral = errors.New("want a text, a number, a list or a dictionary, written out")

const maxDepth = 16 // of lists in lists

var (
	spaceOrComment = regexp.MustCompile(`^(?:[ \t\r\n]|\\\r?\n|#[^\n]*)*`)
	word           = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
	integer        = regexp.MustCompile(`^[+-]?[0-9]+`)
	restOfLine     = regexp.MustCompile(`^[ \t\r;]*(?:#|\n|$)`)
)

func (p *python) skip() { p.rest = p.rest[len(spaceOrComment.FindString(p.rest)):] }

// take removes a prefix from the rest, if the rest has it.
func (p *python) take(prefix string) bool {
	rest, found := strings.CutPrefix(p.rest, prefix)
	p.rest = rest
	return found
}

// end returns an error if something follows the literal in the same line, such as an operator.
func (p *python) end() error {
	if !restOfLine.MatchString(p.rest) {
		return errNoLiteral
	}
	return nil
}

func (p *python) value(depth int) (any, error) {
	if depth == 0 {
		return nil, errNoLiteral
	}
	for prefix := range strings.SplitSeq("u U", " ") {
		if len(p.rest) > 1 && strings.HasPrefix(p.rest, prefix) && strings.ContainsRune(`'"`, rune(p.rest[1])) {
			p.rest = p.rest[1:]
		}
	}
	for opening, closing := range map[string]string{"[": "]", "(": ")", "{": "}"} {
		if p.take(opening) {
			return p.collection(closing, depth-1)
		}
	}
	switch {
	case strings.HasPrefix(p.rest, `'`), strings.HasPrefix(p.rest, `"`):
		return p.text()
	case integer.MatchString(p.rest):
		digits := integer.FindString(p.rest)
		p.rest = p.rest[len(digits):]
		n, err := strconv.Atoi(digits)
		if err != nil {
			return nil, errNoLiteral
		}
		return n, nil
	}
	name := word.FindString(p.rest)
	p.rest = p.rest[len(name):]
	switch name {
	case "None", "null":
		return nil, nil
	case "True", "true":
		return true, nil
	case "False", "false":
		return false, nil
	default:
		return nil, errNoLiteral
	}
}

// collection reads what follows an opening bracket.
func (p *python) collection(closing string, depth int) (any, error) {
	list, dictionary := []any{}, map[string]any{}
	isDictionary := false
	for {
		p.skip()
		if p.take(closing) {
			break
		}
		item, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		p.skip()
		if closing == "}" && p.take(":") {
			p.skip()
			value, err := p.value(depth)
			if err != nil {
				return nil, err
			}
			if key, isText := item.(string); isText {
				dictionary[key] = value
			}
			isDictionary = true
			p.skip()
		} else {
			list = append(list, item)
		}
		if !p.take(",") && !strings.HasPrefix(p.rest, closing) {
			return nil, errNoLiteral
		}
	}
	if isDictionary {
		return dictionary, nil
	}
	return list, nil
}

// text reads a text in single or double quotes. Of the escapes, it knows those of quotes and
// of the backslash.
func (p *python) text() (string, error) {
	var b strings.Builder
	quote, size := utf8.DecodeRuneInString(p.rest)
	for i := size; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == byte(quote):
			p.rest = p.rest[i+1:]
			if b.Len() == 0 && p.take(string(quote)) {
				return "", errNoLiteral // a text in three quotes
			}
			return b.String(), nil
		case c == '\n':
			return "", errNoLiteral
		case c == '\\':
			i++
			if i == len(p.rest) || !strings.ContainsRune(`'"\`, rune(p.rest[i])) {
				return "", errNoLiteral
			}
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errNoLiteral
}
