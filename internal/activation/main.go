package activation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/pflag"
)

// Exit statuses of a program that systemd starts.
const (
	ExitOK      = 0 // idle, or stopped by a signal
	ExitFailure = 1 // a fault of the host, which may pass: systemd tries again
	ExitUsage   = 2
	ExitConfig  = 78 // EX_CONFIG of sysexits.h: an administrator must change a setting
)

// A SettingError is a fault that lasts until an administrator changes a setting.
type SettingError struct{ Err error }

// Error implements error.
func (e SettingError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e SettingError) Unwrap() error { return e.Err }

// End logs why a process ends, and returns its exit status. Err is why it cannot go on, or nil. Ctx has ended if a signal
// stopped the process. After a SettingError, discard takes what waits in the sockets, for which systemd would start the
// process again at once. Attrs are added to the record of a process that did not fail.
func End(ctx context.Context, err error, discard func(), log *slog.Logger, attrs ...any) int {
	var setting SettingError
	switch {
	case errors.As(err, &setting):
		log.Error("bad setting: " + setting.Error())
		Notify("STATUS=bad setting: " + setting.Error())
		discard()
		return ExitConfig
	case err != nil:
		log.Error(err.Error())
		return ExitFailure
	case ctx.Err() != nil:
		log.Info("stopped", attrs...)
	default:
		log.Info("idle, exiting", attrs...)
	}
	return ExitOK
}

// Main is the function main of a program that has no arguments but --help, which prints usage, and --version. The process ends with
// the status that run returns.
func Main(program, version, usage string, run func() int) {
	flags := pflag.NewFlagSet(program, pflag.ContinueOnError)
	help := flags.BoolP("help", "h", false, "")
	showVersion := flags.Bool("version", false, "")
	switch err := flags.Parse(os.Args[1:]); {
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s: error: %v\n", program, err)
		os.Exit(ExitUsage)
	case *help:
		fmt.Print(usage)
	case *showVersion:
		fmt.Println(program, version)
	case flags.NArg() > 0:
		fmt.Fprintf(os.Stderr, "%s: error: unexpected argument %q\n", program, flags.Arg(0))
		os.Exit(ExitUsage)
	default:
		os.Exit(run())
	}
}
