// Shipmi-bmc is the process of one BMC. systemd binds the sockets of the BMC and starts this process when the first
// datagram arrives. The process serves IPMI over LAN, and exits when it is idle. All its settings come from its unit:
// environment variables, credentials, and the directories for what outlives the process. The package connects the parts
// of the program and knows no IPMI.
//
// Start reading at serve.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/activation"
	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/instance"
)

// program is the name of this program.
const program = "shipmi-bmc"

// version is set by the linker.
var version = "unknown"

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
  SHIPMI_CREDENTIALS               path of the file in which clients change users over
                                   IPMI; if unset, they cannot change them
  SHIPMI_PROVIDERS                 directories of files that the provider includes by
                                   name, separated by colons, after those of the host
  SHIPMI_SANDBOX                   path of the drop-in with the sandbox; the process does
                                   not run if it is a link to a file that is gone
  SHIPMI_TLS_CERT, SHIPMI_TLS_KEY  paths of the certificate for Redfish and its key, if
                                   systemd passes no credentials
  SHIPMI_SYSTEM_UUID               UUID of the managed machine
  SHIPMI_PARAM_...                 parameters of the provider, named in capitals
  SHIPMI_FRU_MANUFACTURER, SHIPMI_FRU_PRODUCT, SHIPMI_FRU_SERIAL, SHIPMI_FRU_ASSET
                                   inventory, used when the provider has no value
  SHIPMI_RESTORE                   path of a file; if the file exists, the process follows
                                   the power restore policy
  SHIPMI_IDLE_TIMEOUT      (10s)   exit after this time without an answered datagram
  SHIPMI_SESSION_TIMEOUT   (1m)    close a session after this time without a packet
  SHIPMI_QUERY_TIMEOUT     (15s)   time limit of a script that reads, such as status
  SHIPMI_ACTION_TIMEOUT    (5m)    time limit of a script that acts, such as on
  SHIPMI_ANSWER_TIMEOUT    (2s)    answer Chassis Control after this time at the latest,
                                   while its script goes on
  SHIPMI_MEDIA_TIMEOUT     (30m)   time limit of a script that inserts an image
  SHIPMI_MEDIA_URLS                beginnings of the URLs that images may come from,
                                   separated by spaces; if unset, all of them
  SHIPMI_MEDIA_LOCAL       (0)     1: images may also come from this host, and from
                                   link-local addresses
  SHIPMI_CIPHER_SUITES     (3 17)  cipher suites to offer
  SHIPMI_CONSOLE_LOG    (watched)  watched: run the console script while a client needs it;
                                   always: run it all the time
  SHIPMI_CONSOLE_REPLAY     (yes)  send the last screenful to a client that opens the
                                   console: yes or no
  SHIPMI_ADVERTISE                 [ADDRESS]:PORT that clients send to, if it is not the
                                   address of the socket
  SHIPMI_INBAND                    privilege of the guest, if there is a socket for the
                                   guest: user, operator or administrator
  SHIPMI_LOG               (info)  least important messages to log: debug, info, warn
                                   or error

Exit status:
  0   idle, or stopped by a signal
  1   something failed that may work later
  2   an argument is wrong
  78  a setting is wrong; the journal names it
`

func main() { activation.Main(program, version, usage, run) }

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
	counters := filepath.Join(os.Getenv("RUNTIME_DIRECTORY"), instance.CountersFile)
	log, flush := activation.NewLog(program, os.Getenv("SHIPMI_LOG"), os.Getenv("SHIPMI_NAME"), counters)
	defer flush()
	log.Log(context.Background(), event.Counted, "started", event.Started.Attr())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	passed := activation.AllPassed()
	sockets, err := takeSockets(passed)
	if err == nil {
		err = serve(ctx, sockets, passed, log)
	}
	return activation.End(ctx, err, sockets.discard, log, event.Exited.Attr())
}

// serve creates the BMC and serves until it is idle or ctx ends.
func serve(ctx context.Context, sockets sockets, passed []activation.Passed, log *slog.Logger) error {
	ctx, restart := context.WithCancel(ctx)
	defer restart()
	p, err := newService(sockets, passed, os.Environ(), restart, log)
	if err != nil {
		leaveAll(passed, log)
		return err
	}
	defer p.consoles.leave(log)
	defer p.sessions.Close()
	n := activation.NewNotifier(ctx, activation.Notify)
	p.bmc.Status, p.bmc.Alive = n.Status, n.Alive
	activation.Notify(daemon.SdNotifyReady)
	defer activation.Notify(daemon.SdNotifyStopping)
	return p.run(ctx, sockets)
}
