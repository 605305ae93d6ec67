package settings

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/units"
)

// FindAccount reads USER[:GROUP], each a name or a number, and checks that they exist.
// "" is root.
func FindAccount(ctx context.Context, text string) (units.Account, error) {
	if text == "" {
		return units.Account{}, nil
	}
	name, group, grouped := strings.Cut(text, ":")
	uid, err := getent(ctx, "passwd", name)
	switch {
	case err != nil:
		return units.Account{}, err
	case uid == "":
		return units.Account{}, hint.Add(fmt.Errorf("no user %q", name), `"useradd --system --create-home NAME" creates one`)
	case uid == "0":
		return units.Account{}, hint.Add(hint.Misuse(errors.New("--run-as needs a user other than root")), "without --run-as, the BMC runs as root")
	case !grouped:
		return units.Account{User: name}, nil
	}
	gid, err := getent(ctx, "group", group)
	if err == nil && gid == "" {
		err = hint.Add(fmt.Errorf("no group %q", group), "without a group, the BMC has the primary group of the user")
	}
	return units.Account{User: name, Group: group}, err
}

// Accounts returns the names of all users except root.
func Accounts(ctx context.Context) (names []string, err error) {
	out, err := exec.CommandContext(ctx, "getent", "passwd").Output()
	if err != nil {
		return nil, fmt.Errorf("getent passwd: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if name, _, _ := strings.Cut(line, ":"); name != "root" {
			names = append(names, name)
		}
	}
	return names, nil
}

// notFound is the exit status of getent(1) if a database does not have the key.
const notFound = 2

// getent returns the number of a user or of a group, or "" if there is none. Like systemd,
// it searches everything that nsswitch.conf names; os/user without cgo only reads
// /etc/passwd.
func getent(ctx context.Context, database, key string) (string, error) {
	entry, err := exec.CommandContext(ctx, "getent", "--", database, key).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == notFound {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("getent %s %q: %w", database, key, err)
	}
	fields := strings.Split(string(entry), ":") // name, password, number …
	if len(fields) < 3 {
		return "", fmt.Errorf("getent %s %q: unexpected output %q", database, key, entry)
	}
	return fields[2], nil
}
