package units

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/shipmi/shipmi/internal/instance"
)

// The units of the gateway of a host.
const (
	GatewaySocket  = "shipmi-gateway.socket"
	GatewayService = "shipmi-gateway.service"
)

// gatewayDir is the directory, with specifiers of systemd, in which BMCs listen for the gateway. It is the runtime directory of
// the gateway, as systemd keeps it for a service with DynamicUser=.
const gatewayDir = "%t/private/shipmi-gateway/"

// A Gateway is the gateway of the host as its files describe it.
type Gateway struct {
	Listen      []netip.AddrPort // TCP; nil: there is no gateway
	Allow       []string         // networks to accept connections from, as in IPAddressAllow=; nil: all
	Certificate Certificate      // the zero value is the certificate of the host
}

// GatewayName is written in place of the name of a BMC if the gateway is meant. No BMC can have this name.
const GatewayName = "(gateway)"

// AsBMC returns a BMC that has the addresses, the networks and the certificate of the gateway.
func (g Gateway) AsBMC() BMC {
	return BMC{Instance: instance.Instance{Name: GatewayName}, Redfish: g.Listen, Allow: g.Allow, Certificate: g.Certificate}
}

// Endpoints returns all addresses that the gateway listens on.
func (g Gateway) Endpoints() []Endpoint { return g.AsBMC().Endpoints() }

// GatewaySocketPath returns the path of the local socket of a BMC that the gateway serves.
func (s Store) GatewaySocketPath(name string) string {
	return filepath.Join(s.RuntimeDir(), "private", "shipmi-gateway", name)
}

// CertificateFilesOf returns the files of the certificate of the gateway.
func (s Store) CertificateFilesOf(g Gateway) Certificate { return s.CertificateFiles(g.AsBMC()) }

// Gateway reads the files of the gateway.
func (s Store) Gateway() (g Gateway, err error) {
	p, err := s.loadPath()
	if err != nil {
		return g, err
	}
	socket, err0 := p.settings(GatewaySocket)
	service, err1 := p.settings(GatewayService)
	if err := errors.Join(err0, err1); err != nil {
		return g, err
	}
	for _, set := range listens(socket) {
		addr, err := parseListen(p.expand(GatewaySocket, set.Value))
		if err != nil {
			return Gateway{}, fmt.Errorf("%s: %s=%w", set.file, set.Name, err)
		}
		g.Listen = append(g.Listen, addr)
	}
	g.Allow = allowed(socket)
	g.Certificate, err = p.certificate(GatewayService, service)
	return g, err
}

// dropIns returns the drop-ins of the socket and of the service.
func (g Gateway) dropIns() ([]dropIn, error) {
	socket, service := dropIn{unit: GatewaySocket}, dropIn{unit: GatewayService}
	for _, addr := range g.Listen {
		socket.options = append(socket.options, unit.NewUnitOption(socketSection, tcpSetting, formatListen(addr)))
	}
	socket.options = append(socket.options, filterOptions(g.Allow)...)
	if g.Certificate != (Certificate{}) {
		service.options = g.Certificate.options()
	}
	return []dropIn{socket, service}, errors.Join(escape(socket.options), escape(service.options))
}

// rewriteGateway returns the files of the gateway that have to be written, or removed if it listens nowhere. Settings that
// were added to the files by hand stay while there is a gateway.
func (s Store) rewriteGateway(old, g Gateway) (files []file, err error) {
	before, err0 := old.dropIns()
	after, err1 := g.dropIns()
	if err := errors.Join(err0, err1); err != nil {
		return nil, err
	}
	for i, d := range after {
		path := s.dropInPath(d.unit)
		switch {
		case g.Listen == nil && exists(path):
			files = append(files, file{path: path, gone: true})
			continue
		case d.equal(before[i]):
			continue
		}
		foreign, err := foreignOptions(path, slices.Concat(before[i].options, d.options))
		if err != nil {
			return nil, err
		}
		d.options = append(d.options, foreign...)
		f, err := s.render(d)
		if err != nil {
			return nil, err
		}
		f.gone = d.options == nil
		files = append(files, f)
	}
	return files, nil
}

// checkGateway returns an error if the gateway, with all its drop-ins, does not have the settings that it was given.
func (s Store) checkGateway(wanted Gateway) error {
	g, err := s.Gateway()
	if err != nil {
		return err
	}
	is, err0 := g.dropIns()
	want, err1 := wanted.dropIns()
	if err := errors.Join(err0, err1); err != nil {
		return err
	}
	return sameEffect(is, want)
}

// listeners returns everything that listens: the BMCs, and the gateway like one.
func (s Store) listeners() ([]BMC, error) {
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	g, err := s.Gateway()
	return append(all, g.AsBMC()), err
}
