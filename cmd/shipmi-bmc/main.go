// Shipmi-bmc is the process of one BMC. systemd binds the sockets of the BMC and starts this process when the first
// datagram arrives. The process serves IPMI over LAN, and exits when it is idle. All its settings come from its unit:
// environment variables, credentials, and the directories for what outlives the process. The package connects the parts
// of the program and knows no IPMI.
//
// Start reading at serve.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/lan"
	"github.com/shipmi/shipmi/internal/script"
)

// version is set by the linker.
var version = "unknown"

// Exit statuses.
const (
	exitOK      = 0 // idle, or stopped by a signal
	exitFailure = 1 // a fault of the host, which may pass: systemd tries again
	exitUsage   = 2
	exitConfig  = 78 // EX_CONFIG of sysexits.h: an administrator must change a setting
)

// gcPercent makes the garbage collector start at a heap of 2 MB. With Go's default of 100 it starts at 4 MB. A lower value
// changes little, since Go waits for at least one megabyte of garbage.
const gcPercent = 50

const usage = `shipmi-bmc is the process of one BMC. systemd starts it when a datagram arrives
for shipmi-bmc@NAME.socket. Do not start it by hand: "shipmi add" creates BMCs.

Usage:
  shipmi-bmc [--help | --version]

Environment (see "shipmi add --help" and the unit):
  SHIPMI_NAME                      name of the BMC
  SHIPMI_PROVIDER                  name of a built-in provider, or path of a provider
                                   file
  SHIPMI_CREDENTIALS               path of the file where users are changed over IPMI;
                                   if unset, they cannot be changed over IPMI
  SHIPMI_PROVIDERS                 directories of files that the provider includes by
                                   name, separated by colons, after those of the host
  SHIPMI_SANDBOX                   path of the drop-in with the sandbox; the process does
                                   not run if it is a link to a file that is gone
  SHIPMI_PARAM_...                 parameters of the provider, named in capitals
  SHIPMI_FRU_MANUFACTURER, SHIPMI_FRU_PRODUCT, SHIPMI_FRU_SERIAL, SHIPMI_FRU_ASSET
                                   inventory, used when the provider has no value
  SHIPMI_RESTORE                   path of a file; the power restore policy is carried
                                   out when the file exists
  SHIPMI_IDLE_TIMEOUT      (10s)   exit after this time without an answered datagram
  SHIPMI_SESSION_TIMEOUT   (1m)    close a session after this time without a packet
  SHIPMI_QUERY_TIMEOUT     (15s)   time limit of a script that reads, such as status
  SHIPMI_ACTION_TIMEOUT    (5m)    time limit of a script that acts, such as on
  SHIPMI_ANSWER_TIMEOUT    (2s)    answer Chassis Control after this time at the latest,
                                   while its script goes on
  SHIPMI_CIPHER_SUITES     (3 17)  cipher suites to offer
  SHIPMI_LOG               (info)  least important messages to log: debug, info, warn
                                   or error

Exit status:
  0   idle, or stopped by a signal
  1   something failed that may work later
  2   an argument is wrong
  78  a setting is wrong; the journal names it
`

func main() {
	flags := pflag.NewFlagSet("shipmi-bmc", pflag.ContinueOnError)
	help := flags.BoolP("help", "h", false, "")
	showVersion := flags.Bool("version", false, "")
	switch err := flags.Parse(os.Args[1:]); {
	case err != nil:
		fmt.Fprintln(os.Stderr, "shipmi-bmc: error:", err)
		os.Exit(exitUsage)
	case *help:
		fmt.Print(usage)
	case *showVersion:
		fmt.Println("shipmi-bmc", version)
	case flags.NArg() > 0:
		fmt.Fprintf(os.Stderr, "shipmi-bmc: error: unexpected argument %q\n", flags.Arg(0))
		os.Exit(exitUsage)
	default:
		os.Exit(run())
	}
}

func run() int {
	// Without this, passwords and keys would be in core dumps, and processes of the same user could read them from
	// memory. Scripts are not affected: exec resets it.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	// Three of Go's processors are enough: one for the goroutine that waits in the kernel for datagrams, one for a
	// goroutine that waits for a script, and an idle one. Without an idle one, a thread of the Go runtime wakes up every
	// few microseconds to take a processor away from one of the others. With a thousand BMCs on a host, free memory is
	// worth more than the time of the garbage collector.
	runtime.GOMAXPROCS(3)
	debug.SetGCPercent(gcPercent)
	out := newLogWriter(unix.Stderr)
	defer out.flush()
	level, wrongLevel := logLevel(os.Getenv("SHIPMI_LOG"))
	limiter := newRateLimiter(&logHandler{out: out, level: level})
	defer limiter.flush()
	log := slog.New(limiter)
	if wrongLevel != nil {
		log.Warn(wrongLevel.Error())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	passed := allPassed()
	sockets, err := sockets(passed)
	if err == nil {
		err = serve(ctx, sockets, keptTerminal(passed, log), log)
	}
	var setting settingError
	switch {
	case errors.As(err, &setting):
		log.Error("bad setting: " + setting.Error())
		notify("STATUS=bad setting: " + setting.Error())
		sockets.Discard(discardTime)
		return exitConfig
	case err != nil:
		log.Error(err.Error())
		return exitFailure
	case ctx.Err() != nil:
		log.Info("stopped")
	default:
		log.Info("idle, exiting")
	}
	return exitOK
}

// logLevel returns the least important level that is logged, which $SHIPMI_LOG names. A wrong
// name is no reason for a BMC not to run.
func logLevel(name string) (slog.Level, error) {
	level := slog.LevelInfo
	if name == "" {
		return level, nil
	}
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo, fmt.Errorf("SHIPMI_LOG: %q: want debug, info, warn or error", name)
	}
	return level, nil
}

// serve creates the BMC and serves until it is idle or ctx ends.
func serve(ctx context.Context, sockets *lan.Sockets, kept *script.Terminal, log *slog.Logger) error {
	p, err := newService(sockets, kept, os.Environ(), log)
	if err != nil {
		return err
	}
	defer p.sessions.Close()
	n := newNotifier(ctx, notify)
	p.bmc.Status, p.bmc.Alive = n.status, n.alive
	notify(daemon.SdNotifyReady)
	defer notify(daemon.SdNotifyStopping)
	return p.bmc.Run(ctx, p.front)
}

// notify sends a message to systemd. It does nothing if the process was not started by systemd.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }
