package main

import (
	"context"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/script"
	"github.com/shipmi/shipmi/internal/serial"
)

// Messages to systemd about its descriptor store, see sd_notify(3). Systemd must not look
// at the terminal: it would drop a terminal whose script has ended, and with it the last
// output, which the next process has not read yet.
const (
	storeTerminal = "FDSTORE=1\nFDNAME=" + consoleName + "\nFDPOLL=0"
	dropTerminal  = "FDSTOREREMOVE=1\nFDNAME=" + consoleName
)

// A storedTerminal is a terminal that systemd keeps for the next process, so that the script
// survives the end of this one.
type storedTerminal struct{ *script.Terminal }

// startTerminal starts the console script.
func startTerminal(ctx context.Context, loader *script.Loader) (serial.Terminal, error) {
	runner, err := loader.Load(ctx)
	if err != nil {
		return nil, err
	}
	t, err := runner.Connect()
	if err != nil {
		return nil, err
	}
	notifyWith(storeTerminal, t.Fd())
	return storedTerminal{t}, nil
}

// End implements serial.Terminal.
func (t storedTerminal) End() string {
	notify(dropTerminal)
	return t.Terminal.End()
}

// keptTerminal returns the terminal that systemd has kept since an earlier process; nil if
// there is none.
func keptTerminal(all []passed, log *slog.Logger) (kept *script.Terminal) {
	for _, p := range all {
		if p.name != consoleName {
			continue
		}
		t, err := script.AdoptTerminal(p.fd)
		if err != nil {
			log.Error("console script lost", "err", err)
			unix.Close(p.fd)
			notify(dropTerminal)
			continue
		}
		kept = t
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
