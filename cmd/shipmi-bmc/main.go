// Shipmi-bmc is the process of one BMC. systemd binds its sockets and starts it
// with the first datagram; it serves IPMI over LAN and exits when idle. All that
// it is told comes from its unit: the environment, the credentials, and the
// directories for what outlasts it. It knows how to put the parts together, and
// nothing of the protocol.
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

	"github.com/shipmi/shipmi/internal/bmc"
)

// version is set by the linker.
var version = "unknown"

// Exit statuses.
const (
	exitOK      = 0 // idle, or told to stop
	exitFailure = 1 // of the host: another try may do
	exitUsage   = 2
	exitConfig  = 78 // EX_CONFIG of sysexits.h: somebody must change a setting
)

// gcPercent has a collection begin at 2 MB of heap, where Go's 100 waits for 4. Less would hardly make a difference, for
// Go lets a megabyte of garbage come together in any case.
const gcPercent = 50

const usage = `shipmi-bmc is the process of one BMC. systemd starts it when a datagram arrives
for shipmi-bmc@NAME.socket; it is of no use by hand. BMCs are made with shipmi.

Usage:
  shipmi-bmc [--help | --version]

Environment (see "shipmi add --help" and the unit):
  SHIPMI_NAME, SHIPMI_PROVIDER     name of the BMC, path of its provider file
  SHIPMI_CREDENTIALS               path of the file where users change over IPMI;
                                   none: they do not
  SHIPMI_PROVIDERS                 directories for what the provider includes by name,
                                   separated by colons, beside that of the host
  SHIPMI_PARAM_...                 parameters of the provider, by their names in capitals
  SHIPMI_FRU_MANUFACTURER, SHIPMI_FRU_PRODUCT, SHIPMI_FRU_SERIAL, SHIPMI_FRU_ASSET
                                   inventory, as far as the provider does not know it
  SHIPMI_RESTORE                   a path: once it is there, the power restore policy
                                   can be carried out
  SHIPMI_IDLE_TIMEOUT      (10s)   exit after that long without an answered datagram
  SHIPMI_SESSION_TIMEOUT   (1m)    end of a session without a packet
  SHIPMI_QUERY_TIMEOUT     (15s)   time limit of a script that asks for something
  SHIPMI_ACTION_TIMEOUT    (5m)    time limit of a script that does something
  SHIPMI_ANSWER_TIMEOUT    (2s)    answer to Chassis Control while its script goes on
  SHIPMI_CIPHER_SUITES     (3 17)  cipher suites to offer

Exit status:
  0   idle, or told to stop
  1   something failed that may work later
  2   an argument is wrong
  78  a setting is wrong: the journal says which
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
	// Passwords and keys stay out of core dumps, also of those that a program collects, and out of sight of other
	// processes of the same user. Scripts are not affected.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	// One processor of Go's is for the goroutine that waits for datagrams in the kernel and has nearly all there is to do,
	// one for what waits for a script, and one is free: else a thread of Go's looks every few microseconds whom it can take
	// one away from. There may be a thousand of us, so memory that can be had again is worth more than the time of a
	// garbage collector.
	runtime.GOMAXPROCS(3)
	debug.SetGCPercent(gcPercent)
	out := newLogWriter(unix.Stderr)
	defer out.flush()
	limiter := newRateLimiter(&logHandler{out: out, level: slog.LevelInfo})
	defer limiter.flush()
	log := slog.New(limiter)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	sockets, err := sockets()
	if err == nil {
		err = serve(ctx, sockets, log)
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

// serve puts the BMC together and serves until it is idle or ctx ends.
func serve(ctx context.Context, sockets *bmc.Sockets, log *slog.Logger) error {
	s, err := newServer(sockets, os.Environ(), log)
	if err != nil {
		return err
	}
	defer s.Sessions.Close()
	n := newNotifier(ctx, notify)
	s.Status, s.Alive = n.status, n.alive
	notify(daemon.SdNotifyReady)
	defer notify(daemon.SdNotifyStopping)
	return s.Run(ctx)
}

// notify tells systemd; without one nobody listens.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }
