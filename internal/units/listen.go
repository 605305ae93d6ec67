package units

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// formatListen returns addr in the form of ListenDatagram= and ListenStream= (systemd.socket(5)), in which the
// interface of a link-local address follows the port.
func formatListen(addr netip.AddrPort) string {
	zone := addr.Addr().Zone()
	text := netip.AddrPortFrom(addr.Addr().WithZone(""), addr.Port()).String()
	if zone != "" {
		text += "%" + zone
	}
	return text
}

// parseListen reads what formatListen returns. A port without an address means every
// address.
func parseListen(text string) (netip.AddrPort, error) {
	if port, err := strconv.ParseUint(text, 10, 16); err == nil && port > 0 {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(port)), nil
	}
	text, zone, _ := strings.Cut(text, "%")
	addr, err := netip.ParseAddrPort(text)
	if err != nil || addr.Port() == 0 {
		return netip.AddrPort{}, fmt.Errorf("%q: want an address and a port like [::]:623 or 192.0.2.1:623", text)
	}
	if err := CheckInterface(zone); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: %w", text+"%"+zone, err)
	}
	return netip.AddrPortFrom(addr.Addr().Unmap().WithZone(zone), addr.Port()), nil
}

// CheckInterface returns an error if systemd does not accept the name of a network
// interface.
func CheckInterface(name string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(":/%", r) }) {
		return fmt.Errorf("invalid name of a network interface: %q", name)
	}
	return nil
}
