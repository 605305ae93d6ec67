package provider

import (
	"fmt"
	"regexp"
	"strings"
)

// leftover matches a percent sign that is no placeholder, with enough text after it to find the place.
var leftover = regexp.MustCompile(`%(\([^)]*\)s?|\S)?`)

// placeholders replaces what a script's text may hold: names with their values, in "boot set" the boot device (under
// both names that the predecessor had for it), and "%%" for a per cent sign.
func placeholders(v Verb, values map[string]string, device Device, percent string) *strings.Replacer {
	pairs := []string{"%%", percent}
	for name, value := range values {
		pairs = append(pairs, "%("+name+")s", value)
	}
	if v == BootSet {
		pairs = append(pairs, "%(bootdev)s", string(device), "%(boot_device)s", string(device))
	}
	return strings.NewReplacer(pairs...)
}

func checkPlaceholders(v Verb, text string, names map[string]string) error {
	if found := leftover.FindString(placeholders(v, names, "", "").Replace(text)); found != "" {
		return fmt.Errorf("%q: unknown placeholder; a per cent sign is written %%%%", found)
	}
	return nil
}
