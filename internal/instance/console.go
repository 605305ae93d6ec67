package instance

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A Console has the settings of the serial console. The zero value has the defaults.
type Console struct {
	LogAlways bool // the console script always runs, so that the log has all output; else while a client needs it
	NoReplay  bool // a client that opens the console gets only output that is printed from then on
}

// consoleKeys has the names of the settings on the command line and in the environment, and their two values.
var consoleKeys = []struct {
	name     string
	variable string
	off, on  string // off is the default
	field    func(*Console) *bool
}{
	{"log", "SHIPMI_CONSOLE_LOG", "watched", "always", func(c *Console) *bool { return &c.LogAlways }},
	{"replay", "SHIPMI_CONSOLE_REPLAY", "yes", "no", func(c *Console) *bool { return &c.NoReplay }},
}

// Set sets the setting with that name: log to watched or always, or replay to yes or no. An empty value is the default. Set
// returns an error, and changes nothing, for another name and for another value.
func (c *Console) Set(name, value string) error {
	for _, key := range consoleKeys {
		switch {
		case key.name != name:
			continue
		case value == key.on:
			*key.field(c) = true
		case value == key.off, value == "":
			*key.field(c) = false
		default:
			return fmt.Errorf("%q: want %s or %s", value, key.off, key.on)
		}
		return nil
	}
	return fmt.Errorf("%q: want log or replay", name)
}

// Get returns the value of the setting with that name, or "" if there is none.
func (c Console) Get(name string) string {
	for _, key := range consoleKeys {
		switch {
		case key.name != name:
		case *key.field(&c):
			return key.on
		default:
			return key.off
		}
	}
	return ""
}

// ParseAdvertise parses ADDRESS:PORT or :PORT, an IP address and a UDP port. Without an address, that of the result is the
// zero Addr. An empty text gives the zero value.
func ParseAdvertise(text string) (netip.AddrPort, error) {
	if text == "" {
		return netip.AddrPort{}, nil
	}
	wrong := fmt.Errorf("%q: want a port, and an address before it if clients use another one, such as :6230, 192.0.2.1:623 or [2001:db8::1]:623", text)
	if digits, alone := strings.CutPrefix(text, ":"); alone {
		port, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || port == 0 {
			return netip.AddrPort{}, wrong
		}
		return netip.AddrPortFrom(netip.Addr{}, uint16(port)), nil
	}
	addr, err := netip.ParseAddrPort(text)
	if err != nil || addr.Port() == 0 || addr.Addr().Zone() != "" || addr.Addr().IsUnspecified() || addr.Addr().IsMulticast() {
		return netip.AddrPort{}, wrong
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), nil
}

// FormatAdvertise is the inverse of ParseAdvertise.
func FormatAdvertise(a netip.AddrPort) string {
	switch {
	case a.Port() == 0:
		return ""
	case a.Addr().IsValid():
		return a.String()
	default:
		return fmt.Sprintf(":%d", a.Port())
	}
}
