package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/units"
)

// addScopeFlags adds the flags that say whose BMCs are meant.
func (a *app) addScopeFlags(flags *pflag.FlagSet) {
	flags.BoolFunc("user", "manage the BMCs of the calling user, in his own systemd", func(string) error {
		return a.manageUser()
	})
	flags.StringVarP(&a.host, "host", "H", "", "do it on another `host`, over ssh; [USER@]HOST as ssh takes it")
}

// manageUser makes the BMCs of the user those that all is about.
func (a *app) manageUser() error {
	store, err := units.UserStore(a.getenv)
	if err != nil {
		return err
	}
	a.store, a.connect, a.user = store, a.connectUser, true
	a.config = slices.Insert(a.config, 0, store.ConfigDir())
	return nil
}

// remote has the same command run on another host in the place of this one. What is
// typed and printed goes through as it is. Files that are named are those over there.
func (a *app) remote(root *cobra.Command, args []string) error {
	cmd, args, err := root.Find(args)
	if err != nil {
		return err
	}
	words := strings.Fields(cmd.CommandPath())
	err = cmd.Flags().ParseAll(args, func(flag *pflag.Flag, value string) error {
		if flag.Name != "host" {
			words = append(words, "--"+flag.Name+"="+value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	words = append(append(words, "--"), cmd.Flags().Args()...)
	for i, word := range words {
		words[i] = quoteShell(word)
	}
	ssh := []string{"ssh"}
	if isTerminal(a.stdin) && isTerminal(a.stdout) && isTerminal(a.stderr) {
		ssh = append(ssh, "-t") // for questions and colours; it would mix what is printed with errors
	}
	return a.become(append(ssh, "--", a.host, strings.Join(words, " "))...)
}

func quoteShell(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// become has another program take the place of this one. It returns when it cannot.
func (a *app) become(command ...string) error {
	path, err := exec.LookPath(command[0])
	if err == nil {
		err = unix.Exec(path, command, unix.Environ())
	}
	return fmt.Errorf("run %s: %w", command[0], err)
}
