package settings

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
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

// An addressesValue is the IP addresses of --address, which may be repeated. The
// first replaces the default.
type addressesValue struct {
	addrs []netip.Addr
	set   bool
}

func (a *addressesValue) Set(text string) error {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	switch {
	case err != nil || units.CheckInterface(addr.Zone()) != nil:
		return fmt.Errorf("want an IP address like ::, 0.0.0.0, 192.0.2.1 or fe80::1%%eth0")
	case addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("want an address of one host: %v reaches several", addr)
	case addr.IsLinkLocalUnicast() && addr.Is6() && addr.Zone() == "":
		return fmt.Errorf("a link-local address needs an interface, as in %v%%eth0", addr)
	}
	if !a.set {
		a.addrs, a.set = nil, true
	}
	a.addrs = append(a.addrs, addr.Unmap())
	return nil
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
	network, err := netip.ParsePrefix(text)
	if addr, noNetwork := netip.ParseAddr(text); noNetwork == nil && addr.Zone() == "" {
		network, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("want a network or an address like 192.0.2.0/24, 192.0.2.1 or 2001:db8::/32")
	case network != network.Masked():
		return fmt.Errorf("it is an address within %v: give the network or one address", network.Masked())
	}
	*n = append(*n, network.String())
	return nil
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
