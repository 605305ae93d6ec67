// Package lint examines the text of a provider's scripts without running them. It asks the
// shell of the provider whether it can read each script ("sh -n"), and looks for syntax of
// bash in scripts that a smaller shell runs. Such a shell reads "[[ a == b ]]" as a command
// that does not exist: the script goes on, and may print a wrong answer. It also looks for
// scripts that let a shell read the URL of an image, which came from the network. The package prints
// nothing and does not know which BMC a script is for. Start reading at Examine.
package lint

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"

	"github.com/shipmi/shipmi/internal/provider"
)

// A Finding is something that is wrong with the text of one script.
type Finding struct {
	Verb   provider.Verb
	Text   string
	Broken bool // the shell cannot read the script; otherwise it reads something else than the author meant
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s", f.Verb, f.Text) }

// Examine examines the scripts of a provider for the BMC called name. values are what
// [provider.Provider.Values] returns.
func Examine(ctx context.Context, p *provider.Provider, name string, values map[string]string) ([]Finding, error) {
	var found []Finding
	small := isSmall(p.Shell)
	for _, v := range p.Verbs() {
		text := p.Script(v, name, values, provider.Boot{Device: provider.DeviceNone})
		if text == "" {
			continue // a power cycle of "off" and "on"
		}
		complaint, err := read(ctx, p.Shell, text)
		if err != nil {
			return found, err
		}
		if complaint != "" {
			found = append(found, Finding{Verb: v, Text: fmt.Sprintf("%s cannot read the script: %s", Describe(p.Shell), complaint), Broken: true})
		}
		if fault := looseURL(text); fault != "" {
			found = append(found, Finding{Verb: v, Text: fault})
		}
		if feature := bashFeature(text); feature != "" && small {
			found = append(found, Finding{Verb: v, Text: fmt.Sprintf("the script has syntax of bash, and %s runs it: %s", Describe(p.Shell), feature)})
		}
	}
	return found, nil
}

// maxRead is how long a shell may take to read a script.
const maxRead = 5 * time.Second

// read makes a shell read a script without running it, and returns what it prints if it
// cannot.
func read(ctx context.Context, shell, text string) (complaint string, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxRead)
	defer cancel()
	out, err := exec.CommandContext(ctx, shell, "-n", "-c", text).CombinedOutput()
	if _, refused := errors.AsType[*exec.ExitError](err); refused && ctx.Err() == nil {
		return strings.Join(strings.Fields(string(out)), " "), nil
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", shell, err)
	}
	return "", nil
}

// target returns the path of the program behind the name of a shell, with links resolved.
func target(shell string) string {
	path, err := exec.LookPath(shell)
	if err != nil {
		return shell
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// Describe names a shell, and the program that it is a link to: "/bin/sh (dash)".
func Describe(shell string) string {
	if real := filepath.Base(target(shell)); real != filepath.Base(shell) {
		return fmt.Sprintf("%s (%s)", shell, real)
	}
	return shell
}

// isSmall reports whether a shell has only the syntax of POSIX.
func isSmall(shell string) bool {
	return slices.Contains([]string{"sh", "dash", "ash", "busybox"}, filepath.Base(target(shell)))
}

// bashCommands are words that a small shell takes for the names of commands.
var bashCommands = regexp.MustCompile(`^(\[\[|source|declare|typeset|let|shopt|mapfile|readarray|\w+\+=.*)$`)

// bashFeature returns the first thing in a script that is known to bash but not to POSIX, or
// "".
func bashFeature(text string) (feature string) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	if e, ok := errors.AsType[syntax.LangError](err); ok {
		return e.Feature
	}
	if err != nil {
		return "" // the shell says it better
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		call, isCall := node.(*syntax.CallExpr)
		if feature != "" || !isCall || len(call.Args) == 0 {
			return feature == ""
		}
		switch name := call.Args[0].Lit(); {
		case bashCommands.MatchString(name):
			feature = name
		case (name == "[" || name == "test") && slices.ContainsFunc(call.Args, func(w *syntax.Word) bool { return w.Lit() == "==" }):
			feature = "== in " + name
		}
		return true
	})
	return feature
}
