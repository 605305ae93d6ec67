package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/activation"
	"github.com/shipmi/shipmi/internal/guest"
	"github.com/shipmi/shipmi/internal/httpserver"
	"github.com/shipmi/shipmi/internal/lan"
)

// guestName is what the unit of the socket for the guest has for FileDescriptorName=.
const guestName = "inband"

// sockets are those that systemd has passed.
type sockets struct {
	lan    *lan.Sockets           // for IPMI, possibly none
	stream []*httpserver.Listener // for Redfish
	guest  *guest.Listener        // for the guest; nil: it has no access
	guests []guest.Kept           // connections that systemd has kept since an earlier process
}

// takeSockets takes the sockets among the descriptors. If it returns an error, it also returns
// the sockets that are usable.
func takeSockets(all []activation.Passed) (sockets, error) {
	var s sockets
	var err error
	var datagram []*lan.Socket
	for _, p := range all {
		var bad error
		switch {
		case isTerminalName(p.Name):
			continue
		case guest.IsKept(p.Name):
			s.guests = append(s.guests, guest.Kept{Name: p.Name, FD: p.FD})
			continue
		case p.Name == guestName:
			if s.guest, bad = guest.NewListener(p.FD); bad != nil {
				err = activation.SettingError{Err: fmt.Errorf("socket %s: want ListenStream= with a path: %w", p.Name, bad)}
			}
			continue
		}
		switch kind, _ := unix.GetsockoptInt(p.FD, unix.SOL_SOCKET, unix.SO_TYPE); kind {
		case unix.SOCK_STREAM:
			var l *httpserver.Listener
			if l, bad = httpserver.NewListener(p.FD); bad == nil {
				s.stream = append(s.stream, l)
			}
		default:
			var one *lan.Socket
			if one, bad = lan.NewSocket(p.FD); bad == nil {
				bad = one.DropNoise()
			}
			if bad == nil {
				datagram = append(datagram, one)
			}
		}
		if bad != nil {
			err = activation.SettingError{Err: fmt.Errorf("socket %s: want ListenDatagram= or ListenStream= with an address and a port: %w", p.Name, bad)}
		}
	}
	if len(datagram) == 0 && len(s.stream) == 0 && err == nil {
		err = activation.SettingError{Err: errors.New("no socket was passed: start shipmi-bmc@NAME.socket, not the program")}
	}
	var failed error
	if s.lan, failed = lan.NewSockets(datagram...); failed != nil {
		return s, failed
	}
	return s, err
}

// https is the first address for Redfish; not valid: only the gateway of the host reaches the BMC.
func (s sockets) https() netip.AddrPort {
	for _, l := range s.stream {
		if l.NeedsCertificate() {
			return l.Address()
		}
	}
	return netip.AddrPort{}
}

// discardTime is how long a process that cannot serve empties its sockets. As long as datagrams remain there, systemd
// starts the process again and again.
const discardTime = time.Second

// discard throws away what has come.
func (s sockets) discard() {
	for _, l := range s.stream {
		l.Discard()
	}
	if s.guest != nil {
		s.guest.Discard()
	}
	s.lan.Discard(discardTime)
}
