package main

import (
	"fmt"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// remote runs the same command on the host of --host instead of here. Input and output pass
// through unchanged. Files that are named are those on the other host.
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
	if a.Interactive() {
		ssh = append(ssh, "-t") // for questions and colors; it merges standard output and standard error
	}
	return replaceProcess(append(ssh, "--", a.remoteHost, strings.Join(words, " "))...)
}

func quoteShell(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// replaceProcess executes another program in this process. It returns only if it cannot.
func replaceProcess(command ...string) error {
	path, err := exec.LookPath(command[0])
	if err == nil {
		err = unix.Exec(path, command, unix.Environ())
	}
	return fmt.Errorf("run %s: %w", command[0], err)
}
