package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/lan"
)

// firstPassed is SD_LISTEN_FDS_START.
const firstPassed = 3

// consoleName is the name under which systemd keeps the console script's terminal, see
// FDNAME= in sd_notify(3). Sockets have the name of their unit, which cannot be this one.
const consoleName = "console"

// A passed descriptor is one that systemd has passed to this process, see sd_listen_fds(3).
// The package of go-systemd for this imports all of crypto/tls.
type passed struct {
	fd   int
	name string // never empty
}

// allPassed returns the descriptors that systemd has passed.
func allPassed() (all []passed) {
	n := 0
	if os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) {
		n, _ = strconv.Atoi(os.Getenv("LISTEN_FDS"))
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := range n {
		p := passed{fd: firstPassed + i}
		if i < len(names) {
			p.name = names[i]
		}
		p.name = cmp.Or(p.name, fmt.Sprintf("descriptor %d", p.fd))
		unix.CloseOnExec(p.fd)
		all = append(all, p)
	}
	return all
}

// sockets takes the datagram sockets among the descriptors. If it returns an error, it also
// returns the sockets that are usable.
func sockets(all []passed) (*lan.Sockets, error) {
	var err error
	var good []*lan.Socket
	for _, p := range all {
		if p.name == consoleName {
			continue
		}
		s, bad := lan.NewSocket(p.fd)
		if bad == nil {
			bad = s.DropNoise()
		}
		if bad == nil {
			good = append(good, s)
			continue
		}
		err = settingError{fmt.Errorf("socket %s: want ListenDatagram= with an address and a port: %w", p.name, bad)}
	}
	if len(good) == 0 && err == nil {
		err = settingError{errors.New("no socket was passed: start shipmi-bmc@NAME.socket, not the program")}
	}
	taken, failed := lan.NewSockets(good...)
	if failed != nil {
		return nil, failed
	}
	return taken, err
}

// discardTime is how long a process that cannot serve empties its sockets. As long as datagrams remain there, systemd
// starts the process again and again.
const discardTime = time.Second
