package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/activation"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/script"
	"github.com/shipmi/shipmi/internal/serial"
)

// terminalName is the name under which systemd keeps the terminal of the console script, see
// FDNAME= in sd_notify(3). It is another one after a change of the provider or its parameters:
// the script may then lead to another machine. Sockets have the name of their unit, which
// cannot be this one.
func terminalName(set instance.Instance) string {
	digest := sha256.New()
	for _, text := range set.Provided() {
		fmt.Fprintf(digest, "%q", text)
	}
	return fmt.Sprintf("%s%x", terminalPrefix, digest.Sum(nil)[:8])
}

const terminalPrefix = "console-"

func isTerminalName(name string) bool { return strings.HasPrefix(name, terminalPrefix) }

// terminals are the terminals that systemd keeps for the next process, so that their script
// survives the end of this one. A BMC has one at a time.
type terminals struct {
	loader *script.Loader
	name   string // see terminalName

	mu     sync.Mutex
	stored *script.Terminal // nil: none
}

// start starts the console script.
func (t *terminals) start(ctx context.Context) (serial.Terminal, error) {
	runner, err := t.loader.Load(ctx)
	if err != nil {
		return nil, err
	}
	terminal, err := runner.Connect()
	if err != nil {
		return nil, err
	}
	// Systemd must not look at the terminal: it would drop a terminal whose script has ended,
	// and with it the last output, which the next process has not read yet.
	notifyWith("FDSTORE=1\nFDNAME="+t.name+"\nFDPOLL=0", terminal.Fd())
	return t.take(terminal), nil
}

// take takes over a terminal that systemd keeps.
func (t *terminals) take(terminal *script.Terminal) serial.Terminal {
	t.set(terminal)
	return storedTerminal{terminal, t}
}

func (t *terminals) set(terminal *script.Terminal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stored = terminal
}

// leave leaves the script to the next process.
func (t *terminals) leave(log *slog.Logger) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stored != nil {
		leave(t.stored, log)
	}
}

// leave leaves a script to the next process. If there is none, because systemd stops the BMC
// and drops the terminal, the script must end.
func leave(terminal *script.Terminal, log *slog.Logger) {
	if err := terminal.Leave(); err != nil {
		log.Warn("console script runs on if it ignores SIGHUP", "err", err)
	}
}

// leaveAll leaves the scripts of all terminals that systemd has passed.
func leaveAll(all []activation.Passed, log *slog.Logger) {
	for _, p := range all {
		if !isTerminalName(p.Name) {
			continue
		}
		if terminal, err := script.AdoptTerminal(p.FD); err == nil {
			leave(terminal, log)
		}
	}
}

// A storedTerminal is the terminal that systemd keeps.
type storedTerminal struct {
	*script.Terminal
	terminals *terminals
}

func dropTerminal(name string) { activation.Notify("FDSTOREREMOVE=1\nFDNAME=" + name) }

// End implements serial.Terminal.
func (t storedTerminal) End() string {
	t.terminals.set(nil)
	dropTerminal(t.terminals.name)
	return t.Terminal.End()
}

// kept returns the terminal that systemd has kept since an earlier process; nil if there is none.
// It hangs up the scripts of terminals with other names.
func (t *terminals) kept(all []activation.Passed, log *slog.Logger) (kept serial.Terminal) {
	for _, p := range all {
		if !isTerminalName(p.Name) {
			continue
		}
		terminal, err := script.AdoptTerminal(p.FD)
		switch {
		case err != nil:
			log.Error("console script lost", "err", err)
			unix.Close(p.FD)
			dropTerminal(p.Name)
		case p.Name != t.name:
			log.Info("console script hung up: the settings have changed")
			dropTerminal(p.Name)
			go terminal.End()
		default:
			kept = t.take(terminal)
		}
	}
	return kept
}

// notifyWith sends a message and a descriptor to systemd. Like notify, it does nothing if
// the process was not started by systemd. go-systemd sends no descriptors, and a connected
// socket of package net cannot either.
func notifyWith(state string, fd int) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(socket)
	_ = unix.Sendmsg(socket, []byte(state), unix.UnixRights(fd), &unix.SockaddrUnix{Name: address}, unix.MSG_NOSIGNAL)
}
