package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// The time in which a BMC must answer. The first packet starts its process.
const (
	pingTries = 3
	pingWait  = time.Second
)

// presencePing is a message of ASF (section 13.2.3 of the IPMI specification).
var presencePing = []byte{0x06, 0x00, 0xFF, 0x06, 0x00, 0x00, 0x11, 0xBE, 0x80, 0x01, 0x00, 0x00}

const (
	asfType      = 8 // index of the type in a message of ASF
	presencePong = 0x40
)

// ping returns an error if no BMC answers at an address of this host.
func ping(ctx context.Context, addr netip.AddrPort) error {
	if addr.Addr().IsUnspecified() { // such a socket receives IPv4 packets, too
		addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port())
	}
	conn, err := new(net.Dialer).DialContext(ctx, "udp", addr.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	answer := make([]byte, 64)
	for range pingTries {
		if _, err := conn.Write(presencePing); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Now().Add(pingWait)); err != nil {
			return err
		}
		n, err := conn.Read(answer)
		switch {
		case err == nil && n > asfType && answer[asfType] == presencePong:
			return nil
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
	return fmt.Errorf("no answer within %v", pingTries*pingWait)
}
