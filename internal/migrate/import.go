package migrate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

// An Importer adds the BMCs of other programs. systemd does not know of them until it
// reloads its configuration.
type Importer struct {
	Store  units.Store
	Host   settings.Host
	DryRun bool

	// Domains lists the domains of a URI of libvirt, for sushy-tools.
	Domains func(ctx context.Context, uri string) ([]Domain, error)

	config settings.Config
	before []units.BMC // those that existed before the import
	added  []addition
}

// An addition is a BMC to be added.
type addition struct {
	units.Target
	outcome int // index of its outcome
}

// An Outcome is what became of one BMC.
type Outcome struct {
	Old    BMC
	Result Result
	New    units.BMC // if Result is Added or WouldAdd
}

// A Result is a word for the result of an import.
type Result string

// The results of an import.
const (
	Added    Result = "added"
	WouldAdd Result = "to be added"
	Exists   Result = "exists"
	Failed   Result = "failed"
)

// Import adds the BMCs in directories, each of which has a directory for each BMC, and those
// in configuration files of sushy-tools. A BMC whose name exists already stays as it is. The
// error names every BMC that cannot be added. The others are added all at once.
func (i *Importer) Import(ctx context.Context, paths []string) (outcomes []Outcome, err error) {
	if i.config, err = i.Host.LoadConfig(); err != nil {
		return nil, err
	}
	if i.before, err = i.Store.List(); err != nil {
		return nil, err
	}
	var errs []error
	for _, path := range paths {
		found, err := i.read(ctx, path)
		errs = append(errs, err)
		for _, old := range found {
			o, err := i.importOne(old, path, len(outcomes))
			outcomes = append(outcomes, o)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", filepath.Join(path, old.Directory), err))
			}
		}
	}
	if err := i.addAll(); err != nil {
		errs = append(errs, err)
		for _, a := range i.added {
			outcomes[a.outcome].Result = Failed
		}
	}
	return outcomes, errors.Join(errs...)
}

// addAll adds what was found, unless this is a dry run.
func (i *Importer) addAll() error {
	if i.DryRun || i.added == nil {
		return nil
	}
	var targets []units.Target
	for _, a := range i.added {
		targets = append(targets, a.Target)
	}
	nothing := func(units.Plan) error { return nil }
	return i.Store.Apply(func(existing []units.Existing, _ units.Gateway) (units.Decision, error) {
		for _, e := range existing {
			if slices.ContainsFunc(targets, func(t units.Target) bool { return t.Name == e.Name }) {
				return units.Decision{}, fmt.Errorf("BMC %q %w", e.Name, units.ErrExist) // since the import began
			}
		}
		return units.Decision{Targets: targets}, nil
	}, nothing, nothing)
}

// read returns the BMCs of a directory or of a configuration file of sushy-tools.
func (i *Importer) read(ctx context.Context, path string) ([]BMC, error) {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return readSushy(ctx, path, i.Domains)
	}
	return Read(path)
}

func (i *Importer) importOne(old BMC, dir string, outcome int) (o Outcome, err error) {
	o = Outcome{Old: old, Result: Failed}
	switch {
	case old.Err != nil:
		return o, old.Err
	case slices.ContainsFunc(i.before, func(b units.BMC) bool { return b.Name == old.Name }):
		o.Result = Exists
		return o, nil
	}
	o.Old.Notes = append(o.Old.Notes, i.checkCertificate(&old)...)
	o.Old.Certificate = old.Certificate
	if o.New, err = i.add(old, dir, outcome); err != nil {
		return o, err
	}
	o.Result = Added
	if i.DryRun {
		o.Result = WouldAdd
	}
	return o, nil
}

// checkCertificate gives a BMC whose certificate cannot be used that of the host, and
// returns a note about that.
func (i *Importer) checkCertificate(old *BMC) (notes []string) {
	if old.Certificate == (units.Certificate{}) {
		return nil
	}
	found, err := i.Host.FindCertificate(old.Certificate.Cert, old.Certificate.Key)
	if err != nil {
		notes = append(notes, fmt.Sprintf("its certificate is left behind, and that of this host replaces it: %v", err))
	}
	old.Certificate = found
	return notes
}

// add makes sure that one BMC can be added, and keeps it for addAll.
func (i *Importer) add(old BMC, dir string, outcome int) (units.BMC, error) {
	b, c, err := i.translate(old, dir)
	if err != nil {
		return b, err
	}
	others := slices.Clone(i.before)
	for _, other := range i.added {
		if other.Name == b.Name {
			return b, fmt.Errorf("another BMC has the name %q, too", b.Name)
		}
		others = append(others, other.BMC)
	}
	if err := i.Store.CheckAdd(b, c, others); err != nil {
		return b, err
	}
	if old.Login != nil && !i.DryRun {
		if err := i.Store.AddLogin(old.Login.Name, []byte(old.Login.Text.Reveal())); err != nil {
			return b, err
		}
	}
	i.added = append(i.added, addition{units.Target{BMC: b, Credentials: c}, outcome})
	return b, nil
}

// translate returns the settings and the credentials of the new BMC.
func (i *Importer) translate(old BMC, dir string) (b units.BMC, c instance.Credentials, err error) {
	if old.Password.Reveal() == "" {
		return b, c, errors.New("it has no password")
	}
	err = c.Add(instance.User{Name: old.Username, Password: old.Password, Privilege: instance.PrivilegeAdministrator})
	if err != nil {
		return b, c, err
	}
	if old.Login != nil {
		old.Parameters[old.Login.Parameter] = i.Store.LoginPath(old.Login.Name)
	}
	path, err := i.providerFile(old.Provider, dir)
	if err != nil {
		return b, c, err
	}
	p, err := i.Host.LoadProvider(path)
	if err != nil {
		return b, c, err
	}
	if _, err := p.Values(old.Name, old.Parameters); err != nil {
		return b, c, err
	}
	b = units.BMC{
		Instance: instance.Instance{
			Name: old.Name, Provider: i.Host.NamedProvider(p.Path), Parameters: old.Parameters,
			Timeouts: i.config.Timeouts, CipherSuites: i.config.CipherSuites, Media: i.config.Media,
			SystemUUID: old.SystemUUID,
		},
	}
	if old.Listen.IsValid() {
		b.Listen = []netip.AddrPort{old.Listen}
	}
	switch {
	case old.Gateway:
		b.Gateway = true
	case old.Redfish.IsValid():
		b.Redfish, b.Certificate = []netip.AddrPort{old.Redfish}, old.Certificate
	}
	return b, c, nil
}

// providerFile returns the path of the provider of a BMC. It refuses a file that would run
// as root and that other users can change, unless the administrator has put a copy of it
// into the directory of providers.
func (i *Importer) providerFile(name, dir string) (string, error) {
	places := append([]string{i.Host.BuiltIn}, i.Host.OwnProviders()...)
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		places = append(places, filepath.Join(dir, "providers"))
	}
	path, err := provider.Find(places, name)
	if err != nil || i.Host.User || i.Host.UntrustedFile(path) == "" {
		return path, err
	}
	safe := filepath.Join(i.Store.ConfigDir(), "providers")
	if copied, err := provider.Find([]string{safe}, name); err == nil && copied != path && i.Host.UntrustedFile(copied) == "" {
		return copied, nil
	}
	err = fmt.Errorf("%s would run as root, and other users can change it", path)
	return "", hint.Add(err, "see what it does, then install -D -m 644 -t %s %s, and import again", safe, path)
}
