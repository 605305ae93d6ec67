package main

import (
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

// sockets returns the datagram sockets that systemd has passed to this process, see sd_listen_fds(3). If it returns an
// error, it also returns the sockets that are usable. The package of go-systemd for this imports all of crypto/tls.
func sockets() (*lan.Sockets, error) {
	n := 0
	if os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) {
		n, _ = strconv.Atoi(os.Getenv("LISTEN_FDS"))
	}
	var err error
	if n <= 0 {
		err = settingError{errors.New("no socket was passed: start shipmi-bmc@NAME.socket, not the program")}
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	var good []*lan.Socket
	for i := range n {
		fd := firstPassed + i
		unix.CloseOnExec(fd)
		s, bad := lan.NewSocket(fd)
		if bad == nil {
			bad = s.DropNoise()
		}
		if bad == nil {
			good = append(good, s)
			continue
		}
		name := fmt.Sprintf("descriptor %d", fd)
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		err = settingError{fmt.Errorf("socket %s: want ListenDatagram= with an address and a port: %w", name, bad)}
	}
	all, failed := lan.NewSockets(good...)
	if failed != nil {
		return nil, failed
	}
	return all, err
}

// discardTime is how long a process that cannot serve empties its sockets. As long as datagrams remain there, systemd
// starts the process again and again.
const discardTime = time.Second
