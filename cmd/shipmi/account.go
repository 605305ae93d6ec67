package main

import (
	"errors"
	"fmt"
	"os/user"
	"strings"

	"github.com/shipmi/shipmi/internal/units"
)

// findAccount reads USER[:GROUP]. "" is root.
func findAccount(text string) (units.Account, error) {
	if text == "" {
		return units.Account{}, nil
	}
	name, group, grouped := strings.Cut(text, ":")
	found, err := user.Lookup(name)
	switch {
	case err != nil:
		return units.Account{}, hint(fmt.Errorf("no user %q", name), `"useradd --system --create-home NAME" makes one`)
	case found.Uid == "0":
		return units.Account{}, hint(errors.New("root is no user for --run-as"), "leave it out")
	case !grouped:
		return units.Account{User: name}, nil
	}
	if _, err := user.LookupGroup(group); err != nil {
		return units.Account{}, hint(fmt.Errorf("no group %q", group), "leave it out for the user's own")
	}
	return units.Account{User: name, Group: group}, nil
}
