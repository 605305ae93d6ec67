package provider

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// shellEscapes are programs with a key sequence that starts a shell on this host. The input
// of a console comes from the network, so these programs would give that shell to every user
// of the console.
var shellEscapes = map[string]string{
	"telnet":  `"Ctrl-]" and "!"`,
	"cu":      `"~!"`,
	"tip":     `"~!"`,
	"minicom": `"Ctrl-A" and "J"`,
	"screen":  `"Ctrl-A" and "C"`,
}

// checkEscapes returns an error if the script of [Connect] uses a program that lets a client
// leave the console for a shell on this host. It looks at every word of the script, so an
// argument that is the name of such a program is refused too.
func checkEscapes(script string) error {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for _, command := range strings.FieldsFunc(script, endsCommand) {
		words := strings.Fields(command)
		for i, word := range words {
			name := path.Base(strings.Trim(word, `"'\{}`))
			if keys, escapes := shellEscapes[name]; escapes {
				return fmt.Errorf("%s: a client could start a shell on this host with %s; use socat", name, keys)
			}
			args := words[i+1:]
			switch {
			case name == "ssh" && !sshWithoutEscape(args):
				return errors.New(`ssh: a client could forward ports of this host with "~C"; add the option -e none`)
			case name == "picocom" && !slices.Contains(args, "--no-escape") && !slices.Contains(args, "-n"):
				return errors.New(`picocom: a client could read files of this host with "Ctrl-A Ctrl-S"; add the option --no-escape`)
			}
		}
	}
	return nil
}

// endsCommand reports whether a simple command of the shell ends before the character.
func endsCommand(r rune) bool { return strings.ContainsRune(";|&()`\n", r) }

// sshWithoutEscape reports whether arguments of ssh switch the escape character off.
func sshWithoutEscape(args []string) bool {
	none := slices.Index(args, "none")
	return none > 0 && args[none-1] == "-e" || slices.Contains(args, "-enone") ||
		slices.ContainsFunc(args, func(arg string) bool { return strings.HasSuffix(strings.ToLower(arg), "escapechar=none") })
}
