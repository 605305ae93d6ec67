package hint

import (
	"slices"
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
)

const (
	maxSimilar  = 3 // more names than these do not help
	maxDistance = 2 // letters that may be wrong, but at most half of the word
)

// Similar returns the names that differ least from word, or that begin with it. It
// returns none if there are too many.
func Similar(word string, names []string) []string {
	lower := strings.ToLower(word)
	for distance := range min(maxDistance, len(word)/2) + 1 {
		var found []string
		for _, name := range names {
			candidate := strings.ToLower(name)
			if strings.HasPrefix(candidate, lower) || levenshtein.ComputeDistance(lower, candidate) <= distance {
				found = append(found, name)
			}
		}
		if len(found) > 0 && len(found) <= maxSimilar {
			return found
		}
	}
	return nil
}

// DidYouMean adds to err the names that are similar to words. A name that differs from a
// word only in its digits is left out: "node-7" is rarely a slip for "node-1".
func DidYouMean(err error, words, names []string) error {
	var found []string
	for _, word := range words {
		if word == "" || slices.Contains(names, word) {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return withoutDigits(name) == withoutDigits(word)
		})
		for _, name := range Similar(word, others) {
			if !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	return Meant(err, found)
}

// Meant adds to err the names that the user may have meant, if there are any.
func Meant(err error, names []string) error {
	if len(names) == 0 {
		return err
	}
	return Add(err, "did you mean %s?", strings.Join(names, " or "))
}

func withoutDigits(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, name)
}
