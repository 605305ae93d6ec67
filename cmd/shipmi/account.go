package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/shipmi/shipmi/internal/units"
)

// findAccount reads USER[:GROUP], each a name or a number. "" is root.
func findAccount(ctx context.Context, text string) (units.Account, error) {
	if text == "" {
		return units.Account{}, nil
	}
	name, group, grouped := strings.Cut(text, ":")
	uid, err := lookUp(ctx, "passwd", name)
	switch {
	case err != nil:
		return units.Account{}, err
	case uid == "":
		return units.Account{}, hint(fmt.Errorf("no user %q", name), `"useradd --system --create-home NAME" makes one`)
	case uid == "0":
		return units.Account{}, hint(errors.New("root is no user for --run-as"), "leave it out")
	case !grouped:
		return units.Account{User: name}, nil
	}
	gid, err := lookUp(ctx, "group", group)
	if err == nil && gid == "" {
		err = hint(fmt.Errorf("no group %q", group), "leave it out for the user's own")
	}
	return units.Account{User: name, Group: group}, err
}

// unknownKey is the exit status of getent(1) for what is not in a database.
const unknownKey = 2

// lookUp returns the number of a user or of a group, "" if there is none. It looks
// where systemd does: in all that nsswitch.conf names, of which the packages of Go
// know /etc/passwd alone.
func lookUp(ctx context.Context, database, key string) (string, error) {
	entry, err := exec.CommandContext(ctx, "getent", "--", database, key).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == unknownKey {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("getent %s %q: %w", database, key, err)
	}
	fields := strings.Split(string(entry), ":") // name, password, number …
	if len(fields) < 3 {
		return "", fmt.Errorf("getent %s %q: it says %q", database, key, entry)
	}
	return fields[2], nil
}
