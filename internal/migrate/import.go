package migrate

import (
	"errors"
	"fmt"
	"net/netip"
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

	config settings.Config
	before []units.BMC // those that existed before the import
	added  []units.BMC
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

// Import adds the BMCs in directories, each of which has a directory for each BMC. A BMC
// whose name exists already stays as it is. The error names every BMC that could not be
// added; the others were.
func (i *Importer) Import(dirs []string) (outcomes []Outcome, err error) {
	if i.config, err = i.Host.LoadConfig(); err != nil {
		return nil, err
	}
	if i.before, err = i.Store.List(); err != nil {
		return nil, err
	}
	var errs []error
	for _, dir := range dirs {
		found, err := Read(dir)
		errs = append(errs, err)
		for _, old := range found {
			o, err := i.importOne(old, dir)
			outcomes = append(outcomes, o)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", filepath.Join(dir, old.Directory), err))
			}
		}
	}
	return outcomes, errors.Join(errs...)
}

func (i *Importer) importOne(old BMC, dir string) (o Outcome, err error) {
	o = Outcome{Old: old, Result: Failed}
	switch {
	case old.Err != nil:
		return o, old.Err
	case slices.ContainsFunc(i.before, func(b units.BMC) bool { return b.Name == old.Name }):
		o.Result = Exists
		return o, nil
	}
	if o.New, err = i.add(old, dir); err != nil {
		return o, err
	}
	o.Result = Added
	if i.DryRun {
		o.Result = WouldAdd
	}
	return o, nil
}

// add adds one BMC or, in a dry run, makes sure that it could be added.
func (i *Importer) add(old BMC, dir string) (units.BMC, error) {
	b, c, err := i.translate(old, dir)
	if err != nil {
		return b, err
	}
	if slices.ContainsFunc(i.added, func(other units.BMC) bool { return other.Name == b.Name }) {
		return b, fmt.Errorf("another BMC has the name %q, too", b.Name)
	}
	if err := i.Store.CheckAdd(b, c, slices.Concat(i.before, i.added)); err != nil {
		return b, err
	}
	if !i.DryRun {
		if old.Login != nil {
			if err := i.Store.AddLogin(old.Login.Name, []byte(old.Login.Text.Reveal())); err != nil {
				return b, err
			}
		}
		if err := i.Store.Add([]units.BMC{b}, c, func() error { return nil }); err != nil {
			return b, err
		}
	}
	i.added = append(i.added, b)
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
			Timeouts: i.config.Timeouts, CipherSuites: i.config.CipherSuites,
		},
		Listen: []netip.AddrPort{old.Listen},
	}
	return b, c, nil
}

// providerFile returns the path of the provider of a BMC. It refuses a file that would run
// as root and that other users can change, unless the administrator has put a copy of it
// into the directory of providers.
func (i *Importer) providerFile(name, dir string) (string, error) {
	places := append([]string{i.Host.BuiltIn}, append(i.Host.OwnProviders(), filepath.Join(dir, "providers"))...)
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
