package units

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote makes one word of value for a setting that takes a list of words.
func quote(value string) string {
	return `"` + quoter.Replace(value) + `"`
}

// splitWords splits a setting into words as systemd does (systemd.syntax(7)):
// at white space that is not quoted, with C escapes.
func splitWords(text string) ([]string, error) {
	var (
		words  []string
		word   []byte
		inWord bool
		open   byte // the quote that is open, or 0
	)
	for text != "" {
		c := text[0]
		switch {
		case c == '\\':
			r, multibyte, rest, err := unescape(text)
			if err != nil {
				return nil, err
			}
			if multibyte {
				word = utf8.AppendRune(word, r)
			} else {
				word = append(word, byte(r))
			}
			text, inWord = rest, true
			continue
		case c == open:
			open = 0
		case open == 0 && (c == '"' || c == '\''):
			open, inWord = c, true
		case open == 0 && strings.IndexByte(" \t\n", c) >= 0:
			if inWord {
				words, word, inWord = append(words, string(word)), nil, false
			}
		default:
			word, inWord = append(word, c), true
		}
		text = text[1:]
	}
	if open != 0 {
		return nil, fmt.Errorf("the quote %c is not closed", open)
	}
	if inWord {
		words = append(words, string(word))
	}
	return words, nil
}

// unescape reads the escape at the beginning of text. strconv knows all escapes of systemd
// except \s and the escaped line end, which both mean a space.
func unescape(text string) (r rune, multibyte bool, rest string, err error) {
	if len(text) < 2 {
		return 0, false, "", errors.New(`nothing follows the last \`)
	}
	if text[1] == 's' || text[1] == '\n' {
		return ' ', false, text[2:], nil
	}
	r, multibyte, rest, err = strconv.UnquoteChar(text, text[1])
	if err != nil {
		return 0, false, "", fmt.Errorf("unknown escape %q", text[:2])
	}
	return r, multibyte, rest, nil
}
