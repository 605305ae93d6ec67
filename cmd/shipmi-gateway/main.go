// Shipmi-gateway is the gateway of a host: it serves the Redfish of all BMCs of the host at one address. systemd binds its sockets
// and starts this process when the first request arrives. The process exits when it is idle, and keeps nothing.
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
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/activation"
	"github.com/shipmi/shipmi/internal/gateway"
	"github.com/shipmi/shipmi/internal/httpserver"
	"github.com/shipmi/shipmi/internal/identity"
	"github.com/shipmi/shipmi/internal/redfish"
)

// program is the name of this program.
const program = "shipmi-gateway"

// version is set by the linker.
var version = "unknown"

// idleTime is how long the process waits for another request before it exits.
const idleTime = 10 * time.Second

const usage = `shipmi-gateway serves the Redfish of all BMCs of this host at one address.
systemd starts it when a request arrives for shipmi-gateway.socket. Do not start
it by hand: "shipmi gateway enable" sets it up.

Usage:
  shipmi-gateway [--help | --version]

Environment (see the unit):
  RUNTIME_DIRECTORY                directory with the sockets of the BMCs
  SHIPMI_TLS_CERT, SHIPMI_TLS_KEY  paths of the certificate and its key, if systemd
                                   passes no credentials
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
	// Passwords of clients pass through the memory of this process.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	log, flush := activation.NewLog(program, os.Getenv("SHIPMI_LOG"), "", "")
	defer flush()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	sockets, err := takeSockets()
	if err == nil {
		err = serve(ctx, sockets, log)
	}
	discard := func() {
		for _, l := range sockets {
			l.Discard()
		}
	}
	return activation.End(ctx, err, discard, log)
}

// takeSockets returns the sockets that systemd has passed. If it returns an error, it also returns those that are usable.
func takeSockets() (sockets []*httpserver.Listener, err error) {
	for _, p := range activation.AllPassed() {
		l, bad := httpserver.NewListener(p.FD)
		if bad != nil {
			err = activation.SettingError{Err: fmt.Errorf("socket %s: want ListenStream= with an address and a port: %w", p.Name, bad)}
			continue
		}
		sockets = append(sockets, l)
	}
	if sockets == nil && err == nil {
		err = activation.SettingError{Err: errors.New("no socket was passed: start shipmi-gateway.socket, not the program")}
	}
	return sockets, err
}

// serve serves until the gateway is idle or ctx ends.
func serve(ctx context.Context, sockets []*httpserver.Listener, log *slog.Logger) error {
	dir := os.Getenv("RUNTIME_DIRECTORY")
	if dir == "" {
		return activation.SettingError{Err: errors.New("RUNTIME_DIRECTORY not set: does the unit have RuntimeDirectory=?")}
	}
	certificate, err := httpserver.Certificate(sockets, os.Getenv)
	if err != nil {
		return activation.SettingError{Err: err}
	}
	host, err := identity.MachineID(identity.MachineIDFile)
	if err != nil {
		return activation.SettingError{Err: err}
	}
	manager := identity.ManagerID(host, os.Getenv, os.Getuid())
	n := activation.NewNotifier(ctx, activation.Notify)
	g := gateway.New(gateway.Config{
		Identity:    redfish.Identity{Version: version, ManagerUUID: identity.UUID(identity.GUID(manager, "the gateway"))}, // no name contains a space
		Dir:         dir,
		UUID:        func(name string) string { return identity.UUID(identity.GUID(manager, name)) },
		Uptime:      activation.Uptime,
		Now:         time.Now,
		Idle:        idleTime,
		Alive:       n.Alive,
		Certificate: certificate,
		Log:         log,
	})
	activation.Notify(daemon.SdNotifyReady)
	defer activation.Notify(daemon.SdNotifyStopping)
	return g.Run(ctx, sockets)
}
