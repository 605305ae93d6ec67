package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/certificate"
	"github.com/shipmi/shipmi/internal/check"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/units"
)

// answerPatience is how long the process of a BMC may take to start and to answer, beside the
// time of its script.
const answerPatience = 10 * time.Second

// checkRedfish tries the Redfish of a BMC, if it has Redfish and listens. results are those
// of its scripts.
func (a *app) checkRedfish(ctx context.Context, r checkRequest, name string, results []check.Result) (all []check.Exchange, err error) {
	found, err := a.findBMCs(name)
	if err != nil || !found[0].HasRedfish() {
		return nil, err
	}
	b := found[0]
	s, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	states, err := s.States(ctx, sockets(found))
	if err != nil {
		return nil, err
	}
	if states[units.SocketUnit(name)] != "active" {
		a.Warn(`%s: it does not listen, so its Redfish was not tried; "shipmi start %s" starts it`, name, name)
		return nil, nil
	}
	client, err := a.redfishClient(b)
	if err != nil {
		return nil, fmt.Errorf("%s: Redfish: %w", name, err)
	}
	client.Report = func(e check.Exchange) {
		all = append(all, e)
		if r.options.ForPeople() {
			a.printEnd(e.Request, e.Error, e.Took)
			a.printPart("client", e.Answer)
		}
	}
	err = client.Run(ctx, printedStatus(results))
	return all, err
}

// redfishClient returns a client that logs in as the first administrator.
func (a *app) redfishClient(b units.BMC) (c check.Redfish, err error) {
	credentials, err := a.store.Credentials(b.Name)
	if err != nil {
		return c, err
	}
	i := slices.IndexFunc(credentials.Users, func(u instance.User) bool {
		return u.Privilege == instance.PrivilegeAdministrator && u.CanLogIn()
	})
	if i < 0 {
		return c, errors.New("no administrator can log in")
	}
	c = check.Redfish{
		Name: b.Name, User: credentials.Users[i], Timeout: b.Timeouts.Query + answerPatience, Now: a.host.Now,
		Socket: a.store.GatewaySocketPath(b.Name),
	}
	if b.Redfish == nil {
		return c, nil
	}
	roots, err := os.ReadFile(a.store.CertificateFiles(b).Cert)
	if err != nil {
		return c, err
	}
	parsed, err := certificate.ParsePublic(roots)
	if err != nil {
		return c, err
	}
	addr := local(b.Redfish[0])
	c.Addr, c.Roots, c.ServerName = addr, roots, parsed.ServerName(addr.Addr())
	return c, nil
}

// printedStatus returns what the status script printed, or "" if it failed.
func printedStatus(results []check.Result) string {
	for _, r := range results {
		if r.Verb == provider.Status && r.Error == "" {
			return strings.TrimSpace(r.Stdout)
		}
	}
	return ""
}
