package settings

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/units"
)

// A portValue is the UDP port of --port.
type portValue struct {
	first    int
	counting bool // each further BMC has the next port
}

const lastPort = 65535

func (p *portValue) Set(text string) error {
	digits, counting := strings.CutSuffix(text, "+")
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("want 1 to %d, or a number to count from, like 6230+", lastPort)
	}
	*p = portValue{int(n), counting}
	return nil
}

// at returns the port of the BMC with that index, counted from 0.
func (p *portValue) at(index int) (uint16, error) {
	port := p.first
	if p.counting {
		port += index
	}
	if port > lastPort {
		return 0, fmt.Errorf("not enough ports from %d on", p.first)
	}
	return uint16(port), nil
}

func (p *portValue) String() string { return strconv.Itoa(p.first) }

func (p *portValue) Type() string { return "port" }

// defaultRedfish is the value of --redfish that stands without one.
const defaultRedfish = "443"

// A redfishValue is the TCP port of --redfish. The zero value means no Redfish.
type redfishValue struct {
	addr    netip.Addr // the zero Addr means every address of the BMC
	port    portValue  // the zero value means that only the gateway serves the BMC
	gateway bool
}

// throughGateway is the text of --redfish for a BMC that the gateway of the host serves.
const throughGateway = "gateway"

func (r *redfishValue) Set(text string) error {
	if text == "none" {
		*r = redfishValue{}
		return nil
	}
	var value redfishValue
	if text == throughGateway {
		*r = redfishValue{gateway: true}
		return nil
	}
	text, value.gateway = strings.CutSuffix(text, ","+throughGateway)
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		var addresses addressesValue
		if err := addresses.Set(text[:i]); err != nil {
			return err
		}
		value.addr, text = addresses.addrs[0], text[i+1:]
	}
	if err := value.port.Set(text); err != nil {
		return fmt.Errorf("want PORT or ADDRESS:PORT, like 8443 or [2001:db8::1]:8443, none, or gateway: %w", err)
	}
	*r = value
	return nil
}

func (r *redfishValue) String() string { return "" }

func (r *redfishValue) Type() string { return "[address:]port|gateway" }

// optional are the flags whose value may be left out, with what accepts a value.
var optional = map[string]func(text string) error{
	"--redfish": func(text string) error { return new(redfishValue).Set(text) },
	"--inband":  func(text string) error { return new(inbandValue).Set(text) },
}

// JoinOptional returns args with each value of a flag whose value may be left out joined to the
// flag, as in --redfish=8443: pflag would take the value for the name of a BMC. An argument that
// follows such a flag is its value if the flag accepts it.
func JoinOptional(args []string) (joined []string) {
	for i := 0; i < len(args); i++ {
		accepts := optional[args[i]]
		switch {
		case args[i] == "--":
			return append(joined, args[i:]...)
		case accepts != nil && i+1 < len(args) && accepts(args[i+1]) == nil:
			joined = append(joined, args[i]+"="+args[i+1])
			i++
		default:
			joined = append(joined, args[i])
		}
	}
	return joined
}

// An addressesValue is the IP addresses of --address, which may be repeated. The
// first replaces the default.
type addressesValue struct {
	addrs []netip.Addr
	set   bool
}

func (a *addressesValue) Set(text string) error {
	addr, err := ParseAddress(text)
	if err != nil {
		return err
	}
	if !a.set {
		a.addrs, a.set = nil, true
	}
	a.addrs = append(a.addrs, addr)
	return nil
}

// ParseAddress parses an IP address that a BMC can listen on, in brackets or not. IPv4
// addresses are unmapped.
func ParseAddress(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	switch {
	case err != nil || units.CheckInterface(addr.Zone()) != nil:
		err = fmt.Errorf("want an IP address like ::, 0.0.0.0, 192.0.2.1 or fe80::1%%eth0")
	case addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		err = fmt.Errorf("want an address of one host: %v reaches several", addr)
	case addr.IsLinkLocalUnicast() && addr.Is6() && addr.Zone() == "":
		err = fmt.Errorf("a link-local address needs an interface, as in %v%%eth0", addr)
	}
	return addr.Unmap(), err
}

func (a *addressesValue) String() string {
	var texts []string
	for _, addr := range a.addrs {
		texts = append(texts, addr.String())
	}
	return strings.Join(texts, ", ")
}

func (a *addressesValue) Type() string { return "address" }

// A networksValue is the networks of --allow, in the form of IPAddressAllow=. nil means
// every address.
type networksValue []string

func (n *networksValue) Set(text string) error {
	if text == "any" {
		*n = nil
		return nil
	}
	network, err := ParseNetwork(text)
	if err == nil {
		*n = append(*n, network)
	}
	return err
}

// ParseNetwork returns a network, or an address as a network, in the form of
// IPAddressAllow=.
func ParseNetwork(text string) (string, error) {
	network, err := netip.ParsePrefix(text)
	if addr, noNetwork := netip.ParseAddr(text); noNetwork == nil && addr.Zone() == "" {
		network, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("want a network or an address like 192.0.2.0/24, 192.0.2.1 or 2001:db8::/32")
	case network != network.Masked():
		return "", fmt.Errorf("it is an address within %v: give the network or one address", network.Masked())
	}
	return network.String(), nil
}

func (n *networksValue) String() string { return "" }

func (n *networksValue) Type() string { return "network" }

// A fruValue is the flag for one field of the inventory.
type fruValue struct {
	fields map[string]string
	field  string
}

func (v fruValue) Set(text string) error {
	v.fields[v.field] = text
	return new(instance.FRU).Set(v.field, text)
}

func (v fruValue) String() string { return "" }

func (v fruValue) Type() string { return "text" }

// A consoleValue is the flag for one setting of the console.
type consoleValue struct {
	settings map[string]string
	name     string
}

func (v consoleValue) Set(text string) error {
	v.settings[v.name] = text
	return new(instance.Console).Set(v.name, text)
}

func (v consoleValue) String() string { return "" }

func (v consoleValue) Type() string { return "" }

// An advertiseValue is the address and the port of --advertise.
type advertiseValue struct{ netip.AddrPort }

func (v *advertiseValue) Set(text string) (err error) {
	v.AddrPort, err = instance.ParseAdvertise(text)
	return err
}

func (v *advertiseValue) String() string { return "" }

func (v *advertiseValue) Type() string { return "address:port" }

// A timeoutsValue is the timeouts of --timeout, which may be repeated, by name.
type timeoutsValue map[string]string

func (v *timeoutsValue) Set(text string) error {
	name, value, _ := strings.Cut(text, "=")
	if err := new(instance.Timeouts).Set(name, value); err != nil {
		return err
	}
	if !strings.Contains(text, "=") {
		return fmt.Errorf("want NAME=TIME, such as %s=5m", name)
	}
	if *v == nil {
		*v = make(timeoutsValue)
	}
	(*v)[name] = value
	return nil
}

func (v *timeoutsValue) String() string { return "" }

func (v *timeoutsValue) Type() string { return "name=time" }

// A suitesValue is the cipher suites of --cipher-suites. An empty text means the default.
type suitesValue []byte

func (v *suitesValue) Set(text string) (err error) {
	*v = instance.Default().CipherSuites
	if text != "" {
		*v, err = instance.ParseCipherSuites(strings.ReplaceAll(text, ",", " "))
	}
	return err
}

func (v *suitesValue) String() string { return "" }

func (v *suitesValue) Type() string { return "suites" }

// A urlsValue is the beginnings of URLs of --media-urls. An empty text means all URLs.
type urlsValue []string

func (v *urlsValue) Set(text string) (err error) {
	*v, err = media.ParsePrefixes(text)
	return err
}

func (v *urlsValue) String() string { return "" }

func (v *urlsValue) Type() string { return "urls" }

// A localValue is the answer of --media-local.
type localValue bool

func (v *localValue) Set(text string) error {
	if text != "yes" && text != "no" {
		return fmt.Errorf("want yes or no")
	}
	*v = text == "yes"
	return nil
}

func (v *localValue) String() string { return "" }

func (v *localValue) Type() string { return "yes|no" }

// A uuidValue is the UUID of --uuid in canonical form, or "" for none.
type uuidValue string

func (v *uuidValue) Set(text string) (err error) {
	text, err = instance.ParseUUID(text)
	*v = uuidValue(text)
	return err
}

func (v *uuidValue) String() string { return "" }

func (v *uuidValue) Type() string { return "uuid" }

// An inbandValue is the privilege of the guest, of --inband. 0 means that the guest has no
// access.
type inbandValue instance.Privilege

// off switches the access of the guest off.
const off = "off"

func (v *inbandValue) Set(text string) error {
	if text == off {
		*v = 0
		return nil
	}
	p, err := instance.ParseInband(text)
	if err != nil {
		return fmt.Errorf("want user, operator, admin or %s", off)
	}
	*v = inbandValue(p)
	return nil
}

func (v *inbandValue) String() string { return "" }

func (v *inbandValue) Type() string { return "level" }

// Parameters are the parameters of --set, which may be repeated.
type Parameters map[string]string

func (p *Parameters) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" {
		return fmt.Errorf("want NAME=VALUE")
	}
	if err := instance.CheckText(value); err != nil {
		return fmt.Errorf("the value of %q %w", name, err)
	}
	if _, twice := (*p)[name]; twice {
		return fmt.Errorf("%q is set twice", name)
	}
	if *p == nil {
		*p = make(Parameters)
	}
	(*p)[name] = value
	return nil
}

func (p Parameters) String() string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		texts = append(texts, name+"="+p[name])
	}
	return strings.Join(texts, ", ")
}

func (p *Parameters) Type() string { return "parameter=value" }
