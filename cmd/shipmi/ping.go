package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/shipmi/shipmi/internal/units"
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

// dial connects to a BMC that listens on an address of this host.
func dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "udp", local(addr).String())
}

// ping returns an error if no BMC answers at an address of this host.
func ping(ctx context.Context, e units.Endpoint) error {
	if e.Network == units.TCP {
		return pingRedfish(ctx, local(e.AddrPort))
	}
	return pingIPMI(ctx, e.AddrPort)
}

// local returns an address to connect to. A socket that listens on every address receives
// packets of IPv4, too.
func local(listen netip.AddrPort) netip.AddrPort {
	if listen.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), listen.Port())
	}
	return listen
}

// pingRedfish asks for the versions of Redfish, which needs no login. The certificate is
// examined elsewhere.
func pingRedfish(ctx context.Context, addr netip.AddrPort) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+addr.String()+"/redfish", nil)
	if err != nil {
		return err
	}
	client := http.Client{
		Timeout:   pingTries * pingWait,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
	}
	response, err := client.Do(request)
	if err != nil {
		return errors.Unwrap(err) // the address is in the finding
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return nil
}

func pingIPMI(ctx context.Context, addr netip.AddrPort) error {
	conn, err := dial(ctx, addr)
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
