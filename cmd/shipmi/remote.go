package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/hint"
)

// secretFiles are the flags that name a file with a secret, and those that read the same
// secret from standard input.
var secretFiles = map[string]string{"password-file": "password-stdin", "kg-file": "kg-stdin"}

// remote runs the same command on the host of --host instead of here. Input and output pass
// through unchanged. A file with a secret and the file of "apply" are read here, and passed on
// by standard input. Other files that are named are those on the other host.
func (a *app) remote(root *cobra.Command, args []string) error {
	cmd, args, err := root.Find(args)
	if err != nil {
		return err
	}
	words := strings.Fields(cmd.CommandPath())
	if a.remoteSudo {
		words = append([]string{"sudo", "--"}, words...)
	}
	var secrets []string // files
	input := ""          // the file of "apply"
	err = cmd.Flags().ParseAll(args, func(flag *pflag.Flag, value string) error {
		switch stdin, isSecret := secretFiles[flag.Name]; {
		case flag.Name == "host", flag.Name == "sudo":
		case isSecret:
			secrets = append(secrets, value)
			words = append(words, "--"+stdin)
		case flag.Name == "file" && value != "-":
			input = value
			words = append(words, "--file=-")
		default:
			words = append(words, "--"+flag.Name+"="+value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(secrets) > 1 {
		err := errors.New("--host can pass on only one of --password-file and --kg-file")
		return hint.Misuse(hint.Add(err, `set the other one with a second command: "shipmi kg" or "shipmi user passwd"`))
	}
	words = append(append(words, "--"), cmd.Flags().Args()...)
	for i, word := range words {
		words[i] = quoteShell(word)
	}
	ssh := []string{"ssh"}
	switch {
	case secrets != nil:
		if err := passOn(secrets[0]); err != nil {
			return err
		}
	case input != "":
		file, err := os.Open(input)
		if err != nil {
			return err
		}
		if err := unix.Dup3(int(file.Fd()), unix.Stdin, 0); err != nil {
			return err
		}
	case a.Interactive():
		// For questions, colors and the console, which has the same escapes as ssh. It merges standard output and standard
		// error.
		ssh = append(ssh, "-t", "-e", "none")
	}
	return replaceProcess(append(ssh, "--", a.remoteHost, strings.Join(words, " "))...)
}

// maxSecret is more than a secret has, in bytes, and less than a pipe holds.
const maxSecret = 1 << 10

// passOn makes the beginning of a file the standard input of this process and of the program
// that replaces it.
func passOn(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecret))
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = w.Write(text)
	return errors.Join(err, w.Close(), unix.Dup3(int(r.Fd()), unix.Stdin, 0))
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
