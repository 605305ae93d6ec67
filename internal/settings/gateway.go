package settings

import (
	"errors"
	"net/netip"

	"github.com/spf13/pflag"

	"github.com/shipmi/shipmi/internal/units"
)

// GatewayFlags are the settings of the gateway of a host.
type GatewayFlags struct {
	listen    listenValue
	allow     networksValue
	cert, key string // files
	flags     *pflag.FlagSet
}

// defaultGatewayPort is the port that sushy-tools has.
const defaultGatewayPort = 8000

// DefaultGatewayListen returns the addresses at which the gateway listens if none is given.
func DefaultGatewayListen() []netip.AddrPort {
	return []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), defaultGatewayPort)}
}

// AddTo adds the flags to those of a command.
func (f *GatewayFlags) AddTo(flags *pflag.FlagSet) {
	f.flags = flags
	flags.Var(&f.listen, "listen", "TCP port to listen on, at all addresses or at one; may be repeated (default 8000)")
	flags.Var(&f.allow, "allow", "accept connections only from this network or address; may be repeated; any: from all")
	flags.StringVar(&f.cert, "tls-cert", "", "`file` with a certificate in PEM, instead of the one of this host; empty: that of this host")
	flags.StringVar(&f.key, "tls-key", "", "`file` with the private key of that certificate, which only root may be able to read")
}

// Change returns the settings that the flags make of those before. Settings without a flag stay as they are.
func (f *GatewayFlags) Change(g units.Gateway, h Host) (units.Gateway, error) {
	switch {
	case f.listen != nil:
		g.Listen = f.listen
	case g.Listen == nil:
		g.Listen = DefaultGatewayListen()
	}
	if f.flags.Changed("allow") {
		g.Allow = f.allow
	}
	if f.flags.Changed("tls-cert") {
		g.Certificate = units.Certificate{}
	}
	if f.cert == "" && f.key == "" {
		return g, nil
	}
	var err error
	if g.Certificate, err = h.FindCertificate(f.cert, f.key); err != nil {
		return g, err
	}
	return g, nil
}

// A listenValue is the addresses and ports of --listen, which may be repeated.
type listenValue []netip.AddrPort

func (v *listenValue) Set(text string) error {
	addr, err := ParseGatewayListen(text)
	if err == nil {
		*v = append(*v, addr)
	}
	return err
}

// ParseGatewayListen reads an address and a port of the gateway. A port alone means all addresses.
func ParseGatewayListen(text string) (netip.AddrPort, error) {
	var one redfishValue
	if err := one.Set(text); err != nil || one.gateway || one.port == (portValue{}) || one.port.counting {
		return netip.AddrPort{}, errors.New("want PORT or ADDRESS:PORT, like 8000 or [2001:db8::1]:8000")
	}
	if !one.addr.IsValid() {
		one.addr = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(one.addr, uint16(one.port.first)), nil
}

func (v *listenValue) String() string { return "" }

func (v *listenValue) Type() string { return "[address:]port" }
