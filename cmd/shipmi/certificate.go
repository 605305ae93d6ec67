package main

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/certificate"
	"github.com/shipmi/shipmi/internal/units"
)

// certify makes the certificate of this host if one of the BMCs needs it and there is none.
// It reports whether it made one.
func (a *app) certify(ctx context.Context, bmcs []units.BMC) (made bool, err error) {
	if !slices.ContainsFunc(bmcs, usesHostCertificate) {
		return false, nil
	}
	return a.store.AddHostCertificate(func() (cert, key []byte, err error) {
		addrs, err := listenedOn(bmcs)
		if err != nil {
			return nil, nil, err
		}
		return certificate.Create(hostNames(ctx), addrs, a.host.Now())
	})
}

func usesHostCertificate(b units.BMC) bool {
	return b.Redfish != nil && b.Certificate == units.Certificate{}
}

// resolvePatience is how long the name of the host is looked up.
const resolvePatience = 2 * time.Second

// hostNames returns the names of this host: as hostname(1) prints it, the full one, and
// localhost.
func hostNames(ctx context.Context) []string {
	var names []string
	if name, err := os.Hostname(); err == nil {
		names = append(names, name)
		ctx, cancel := context.WithTimeout(ctx, resolvePatience)
		defer cancel()
		if full, err := net.DefaultResolver.LookupCNAME(ctx, name); err == nil {
			names = append(names, strings.TrimSuffix(full, "."))
		}
	}
	slices.Sort(names[min(len(names), 1):])
	return slices.Compact(append(names, "localhost"))
}

// listenedOn returns the addresses at which clients reach the Redfish of BMCs: those that
// they listen on, all of the host for a BMC that listens on every address, and those of the
// loopback interface.
func listenedOn(bmcs []units.BMC) ([]netip.Addr, error) {
	all := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	add := func(addr netip.Addr) {
		if !slices.Contains(all, addr) {
			all = append(all, addr)
		}
	}
	everywhere := false
	for _, b := range bmcs {
		for _, listen := range b.Redfish {
			if listen.Addr().IsUnspecified() {
				everywhere = true
			} else {
				add(listen.Addr())
			}
		}
	}
	if !everywhere {
		return all, nil
	}
	own, err := net.InterfaceAddrs()
	for _, addr := range own {
		network, err := netip.ParsePrefix(addr.String())
		if err == nil && !network.Addr().IsLinkLocalUnicast() {
			add(network.Addr())
		}
	}
	return all, err
}

// explainRedfish says what Redfish clients have to be told about the certificates of BMCs
// that got Redfish.
func (a *app) explainRedfish(bmcs []units.BMC) {
	valid := make(map[string]*certificate.Certificate) // by path; nil: it was warned of
	var paths []string
	for _, b := range bmcs {
		if b.Redfish == nil {
			continue
		}
		path := a.store.CertificateFiles(b).Cert
		c, seen := valid[path]
		if !seen {
			c = a.readCertificate(b.Name, path)
			valid[path] = c
			paths = append(paths, path)
		}
		if c == nil {
			continue
		}
		for _, listen := range b.Redfish {
			if c.Misses(listen.Addr()) {
				a.Warn("%s: %s does not name the address %v, so clients that verify it refuse to connect", b.Name, path, listen.Addr())
			}
		}
	}
	for _, path := range paths {
		c := valid[path]
		if c == nil || !c.SelfSigned() {
			continue
		}
		a.Note("Redfish clients must be told to trust the self-signed certificate %s", path)
		a.Note("its SHA-256 fingerprint is %s", c.Fingerprint())
		a.Note("copy it to them, or let them accept every certificate: with disableCertificateVerification: true in Metal3, --ssl-insecure for fence_redfish, validate_certs: false in Ansible")
	}
}

// readCertificate reads the certificate of a BMC, or warns of it and returns nil.
func (a *app) readCertificate(name, path string) *certificate.Certificate {
	text, err := os.ReadFile(path)
	if err != nil {
		a.Warn("%s: %v", name, err)
		return nil
	}
	c, err := certificate.ParsePublic(text)
	if err != nil {
		a.Warn("%s: %s: %v", name, path, err)
		return nil
	}
	return &c
}
