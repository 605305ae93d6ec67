package redfish

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
)

// A manager is the BMC (Manager).
type manager struct {
	resource
	ManagerType           string
	UUID                  string
	ServiceEntryPointUUID string
	Manufacturer          string
	Model                 string
	FirmwareVersion       string
	DateTime              string
	DateTimeLocalOffset   string
	PowerState            string
	Status                status
	NetworkProtocol       *link
	EthernetInterfaces    *link
	LogServices           *link // of the system: some clients look for the log here
	VirtualMedia          *link `json:",omitempty"` // the same
	Links                 managerLinks
	Actions               managerActions
}

type managerLinks struct {
	ManagerForServers []link
	ManagerForChassis []link
}

type managerActions struct {
	Reset *resettable `json:"#Manager.Reset"`
}

func (s *Service) managerURI() string { return root + "/Managers/" + s.Name }

func getManagers(s *Service, _ *Request) Answer {
	return done(collection(root+"/Managers", "ManagerCollection", "Managers", s.names()...))
}

func getManager(s *Service, r *Request) Answer {
	return provided(func(has scripts) Answer { return done(s.manager(has, r.Now)) })
}

func (s *Service) manager(has scripts, now machine.Moment) manager {
	return manager{
		resource:              newResource(s.managerURI(), "Manager.v1_24_0", s.Name, s.Name),
		ManagerType:           "BMC",
		UUID:                  s.ManagerUUID,
		ServiceEntryPointUUID: s.ManagerUUID,
		Manufacturer:          product,
		Model:                 product,
		FirmwareVersion:       s.Version,
		DateTime:              s.logClock(now),
		DateTimeLocalOffset:   utc,
		PowerState:            "On",
		Status:                enabled,
		NetworkProtocol:       linkTo(s.managerURI() + "/NetworkProtocol"),
		EthernetInterfaces:    linkTo(s.managerURI() + "/EthernetInterfaces"),
		LogServices:           linkTo(s.logServicesURI()),
		VirtualMedia:          s.mediaLink(has),
		Links:                 managerLinks{links(s.systemURI()), links(s.chassisURI())},
		Actions:               managerActions{&resettable{s.managerURI() + "/Actions/" + managerResetAction, managerResets}},
	}
}

const managerResetAction = "Manager.Reset"

var managerResets = []string{"GracefulRestart", "ForceRestart"}

// resetManager ends all sessions and the process. The managed system does not notice.
func resetManager(s *Service, r *Request) Answer {
	f, refused := newForm(r, managerResetAction)
	if refused != nil {
		return *refused
	}
	f.choice("ResetType", managerResets)
	f.finish(nil)
	if len(*f.wrong) > 0 {
		return f.refused()
	}
	a := carriedOut()
	a.Restart = true
	for _, session := range s.Sessions.List() {
		a.Ends = append(a.Ends, session.ID)
	}
	return a
}

// A networkProtocol says which protocols the BMC speaks (ManagerNetworkProtocol).
type networkProtocol struct {
	resource
	HostName *string
	FQDN     *string
	Status   status
	HTTP     protocol
	HTTPS    protocol
	IPMI     protocol
}

type protocol struct {
	ProtocolEnabled bool
	Port            *uint16
}

// protocolAt is a protocol that is spoken at an address; not valid: nowhere.
func protocolAt(at netip.AddrPort) protocol {
	if !at.IsValid() {
		return protocol{}
	}
	return protocol{true, new(at.Port())}
}

func getNetworkProtocol(s *Service, r *Request) Answer {
	https := s.HTTPS
	if !https.IsValid() {
		https = r.Local
	}
	return done(networkProtocol{
		resource: newResource(s.managerURI()+"/NetworkProtocol", "ManagerNetworkProtocol.v1_12_0", "NetworkProtocol", "Network Protocol"),
		HostName: text(s.HostName),
		FQDN:     text(s.FQDN),
		Status:   enabled,
		HTTPS:    protocolAt(https),
		IPMI:     protocolAt(s.IPMI),
	})
}

// An ethernetInterface is the interface of the host that the request came in by
// (EthernetInterface).
type ethernetInterface struct {
	resource
	Description        string
	InterfaceEnabled   bool
	Status             status
	MACAddress         *string
	HostName           *string
	FQDN               *string
	IPv4Addresses      []ipv4Address
	IPv6Addresses      []ipv6Address
	IPv6DefaultGateway *string
}

type ipv4Address struct {
	Address    string
	SubnetMask *string
	Gateway    *string
}

type ipv6Address struct {
	Address      string
	PrefixLength int
}

func (s *Service) interfacesURI() string { return s.managerURI() + "/EthernetInterfaces" }

func getEthernetInterfaces(s *Service, _ *Request) Answer {
	return done(collection(s.interfacesURI(), "EthernetInterfaceCollection", "Ethernet Interfaces", "1"))
}

// getEthernetInterface asks the kernel.
func getEthernetInterface(s *Service, r *Request) Answer {
	at, describe := r.Local.Addr(), s.LAN
	if !at.IsValid() {
		at = s.HTTPS.Addr()
	}
	return Answer{Later: func() func() Answer {
		lan := describe(at)
		return func() Answer { return done(s.ethernetInterface(lan, at)) }
	}}
}

func (s *Service) ethernetInterface(lan LAN, at netip.Addr) ethernetInterface {
	body := ethernetInterface{
		resource:         newResource(s.interfacesURI()+"/1", "EthernetInterface.v1_12_4", "1", "Manager Ethernet Interface"),
		Description:      "The interface of the host that the request came in by",
		InterfaceEnabled: true,
		Status:           enabled,
		HostName:         text(s.HostName),
		FQDN:             text(s.FQDN),
		IPv4Addresses:    []ipv4Address{},
		IPv6Addresses:    []ipv6Address{},
	}
	if lan.MAC != [6]byte{} {
		body.MACAddress = text(macText(lan.MAC))
	}
	prefix := lan.Prefix
	if !prefix.IsValid() && at.IsValid() && !at.IsUnspecified() {
		prefix = netip.PrefixFrom(at, at.BitLen())
	}
	var gateway *string
	if lan.Gateway.IsValid() {
		gateway = text(lan.Gateway.String())
	}
	switch addr := prefix.Addr(); {
	case addr.Is4():
		body.IPv4Addresses = append(body.IPv4Addresses, ipv4Address{addr.String(), text(subnetMask(prefix.Bits())), gateway})
	case addr.Is6():
		body.IPv6Addresses = append(body.IPv6Addresses, ipv6Address{addr.WithZone("").String(), prefix.Bits()})
		body.IPv6DefaultGateway = gateway
	}
	return body
}

func macText(mac [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5])
}

// subnetMask is the mask of an IPv4 network: "255.255.255.0" for 24 bits.
func subnetMask(bits int) string {
	var mask [4]byte
	binary.BigEndian.PutUint32(mask[:], ^uint32(0)<<(32-bits))
	return netip.AddrFrom4(mask).String()
}

// logClock is what the clock of the event log shows: clients reckon the age of its entries by
// the time of the BMC.
func (s *Service) logClock(now machine.Moment) string {
	return dateTime(time.Unix(int64(s.Machine.State.Events.Time(now.Clock)), 0))
}
