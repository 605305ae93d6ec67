// Package doctor examines the BMCs of a host and what they need of it: files, modes,
// providers, accounts, units, ports, addresses, firewalls and limits. It returns findings
// as values, prints nothing, changes nothing and runs no script of a provider. Start
// reading at Doctor.Examine.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/units"
)

// A Doctor has what it needs to examine a host.
type Doctor struct {
	Store   units.Store
	Host    settings.Host
	Systemd Systemd
	ProcDir string // where proc(5) is mounted
	Version string // of the program that calls

	LingerDir string // where logind has a file for each user whose service manager always runs

	// Ping returns an error if no BMC answers at an address of this host.
	Ping func(context.Context, units.Endpoint) error

	// PingAll makes Examine ping all BMCs that listen. Otherwise it starts only some of those
	// at rest, see Unpinged.
	PingAll bool

	// Progress, unless nil, is called with the subject of each examination before it begins.
	Progress func(subject string)

	bmcs       []units.BMC // those whose files are valid
	gateway    units.Gateway
	load       func(named string) (*provider.Provider, error)
	conditions map[string]systemd.Condition
	findings   []Finding
	silent     map[string]bool // BMCs of which a finding says why they do not answer
	unpinged   int
}

// Systemd is a connection to the service manager.
type Systemd interface {
	Conditions(ctx context.Context, units []string) (map[string]systemd.Condition, error)
	NeedReload(ctx context.Context, units []string, changedSince func(time.Time) (changed []string, gone bool, err error)) (bool, error)
	Executions(ctx context.Context, services []string) (map[string]systemd.Execution, error)
	Programs(ctx context.Context, services []string) (map[string]string, error)
}

// A Finding is something that is wrong with a host.
type Finding struct {
	BMC     string // "" if it concerns more than one BMC
	Problem string
	Hint    string
	Warning bool // it may be intended: only the administrator can tell
}

// examinations each add findings. An error means that an examination was not possible.
var examinations = []struct {
	subject string
	examine func(*Doctor, context.Context) error
}{
	{"configuration file", (*Doctor).examineConfig},
	{"leftovers", (*Doctor).examineLeftovers},
	{"credentials", (*Doctor).examineCredentials},
	{"modes", (*Doctor).examineModes},
	{"certificates", (*Doctor).examineCertificates},
	{"providers", (*Doctor).examineProviders},
	{"accounts", (*Doctor).examineAccounts},
	{"units", (*Doctor).examineUnits},
	{"unit files", (*Doctor).examineUnitFiles},
	{"versions", (*Doctor).examineVersions},
	{"gateway", (*Doctor).examineGateway},
	{"ports", (*Doctor).examinePorts},
	{"addresses", (*Doctor).examineAddresses},
	{"firewall", (*Doctor).examineFirewall},
	{"limits", (*Doctor).examineLimits},
	{"services", (*Doctor).examineLacks},
	{"login sessions", (*Doctor).examineLinger},
	{"answers", (*Doctor).examineAnswers},
}

// Examine returns all findings. The error has a line for each examination that was not
// possible; the others were made.
func (d *Doctor) Examine(ctx context.Context) ([]Finding, error) {
	d.progress("BMCs")
	if err := d.learn(ctx); err != nil {
		return nil, err
	}
	var errs []error
	for _, e := range examinations {
		d.progress(e.subject)
		if err := e.examine(d, ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s could not be examined: %w", e.subject, err))
		}
	}
	return d.findings, errors.Join(errs...)
}

func (d *Doctor) progress(subject string) {
	if d.Progress != nil {
		d.Progress(subject)
	}
}

// learn finds out which BMCs there are, and the condition of their units.
func (d *Doctor) learn(ctx context.Context) error {
	d.silent = make(map[string]bool)
	d.load = d.Host.ProviderLoader()
	all, err := d.Store.List()
	if err != nil {
		return err
	}
	var names []string
	for _, b := range all {
		if errors.Is(b.Err, units.ErrNoSandbox) {
			d.problem(b.Name, b.Err.Error(), "ln -sf %s %s", d.Store.Sandbox, d.Store.SandboxLink(b.Name))
			continue
		}
		if b.Err != nil {
			d.problem(b.Name, "its files are invalid: "+b.Err.Error(), `correct them, see "systemctl cat"; "shipmi delete" removes what "shipmi add" wrote`)
			continue
		}
		d.bmcs = append(d.bmcs, b)
		names = append(names, examined(b)...)
	}
	if d.gateway, err = d.Store.Gateway(); err != nil {
		return err
	}
	if d.gateway.Listen != nil {
		names = append(names, units.GatewaySocket, units.GatewayService)
	}
	d.conditions, err = d.Systemd.Conditions(ctx, names)
	return err
}

// examined returns the units of a BMC that must be sound.
func examined(b units.BMC) []string {
	names := []string{units.SocketUnit(b.Name), units.ServiceUnit(b.Name)}
	if b.Inband != 0 {
		names = append(names, units.InbandUnit(b.Name))
	}
	return names
}

func (d *Doctor) problem(bmc, problem, hint string, args ...any) {
	d.findings = append(d.findings, Finding{BMC: bmc, Problem: problem, Hint: fmt.Sprintf(hint, args...)})
}

func (d *Doctor) warning(bmc, problem, hint string, args ...any) {
	d.findings = append(d.findings, Finding{BMC: bmc, Problem: problem, Hint: fmt.Sprintf(hint, args...), Warning: true})
}
