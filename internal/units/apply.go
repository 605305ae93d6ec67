package units

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"

	"github.com/shipmi/shipmi/internal/instance"
)

// An Existing is a BMC as it is.
type Existing struct {
	BMC
	Credentials instance.Credentials
	Enabled     bool // it starts at boot
}

// A Target is what a BMC is to become.
type Target struct {
	BMC
	Credentials instance.Credentials
	Disabled    bool // it must not start at boot; false leaves that as it is
	// State is the texts of files for the state directory of a BMC that is new, by name; nil:
	// it has no state, or one that was there before.
	State map[string][]byte
}

// A Decision is what Apply is to do.
type Decision struct {
	Targets []Target
	Gone    []string // BMCs to delete
	Gateway *Gateway // what the gateway is to become; nil: it stays as it is
}

// A Plan is what Apply is about to do.
type Plan struct {
	Added    []string
	Changes  []Change
	Disabled []string
	Deleted  []string
	Gateway  bool // the gateway is added, changed or removed
}

// Apply makes BMCs and the gateway what decide returns. decide gets all BMCs, and the gateway. When it is certain that files
// can be changed, Apply calls stop with what it is about to do. It then changes all files at once, and calls commit. If
// anything fails, commit included, no file is changed.
func (s Store) Apply(decide func([]Existing, Gateway) (Decision, error), stop, commit func(Plan) error) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	a, err := s.application(decide)
	if err != nil {
		return err
	}
	if len(a.files) > 0 || a.plan.Deleted != nil {
		if err := s.tryToStage(); err != nil {
			return err
		}
	}
	if err := stop(a.plan); err != nil {
		return err
	}
	gone, rest, err := s.belongings(a.plan.Deleted...)
	if err != nil {
		return err
	}
	err = s.replace(append(takenAway(gone), a.files...), func() error {
		if err := s.checkEffect(a.changed); err != nil {
			return err
		}
		if a.plan.Gateway {
			if err := s.checkGateway(a.gateway); err != nil {
				return err
			}
		}
		return commit(a.plan)
	})
	if err != nil {
		return err
	}
	return removeAll(rest)
}

// PlanApply returns what Apply would do. It changes nothing, and cannot know of ErrOverridden.
func (s Store) PlanApply(decide func([]Existing, Gateway) (Decision, error)) (Plan, error) {
	a, err := s.application(decide)
	return a.plan, err
}

// An application is a Plan with the files that it needs.
type application struct {
	plan    Plan
	files   []file
	changed []BMC   // the new settings of BMCs that exist
	gateway Gateway // its settings, which may be new
}

func (s Store) application(decide func([]Existing, Gateway) (Decision, error)) (a application, err error) {
	existing, err0 := s.existing()
	gateway, err1 := s.Gateway()
	if err := errors.Join(err0, err1); err != nil {
		return a, err
	}
	d, err := decide(existing, gateway)
	if err != nil {
		return a, err
	}
	before := make(map[string]Existing)
	for _, e := range existing {
		before[e.Name] = e
	}
	for _, name := range d.Gone {
		if _, exists := before[name]; exists {
			a.plan.Deleted = append(a.plan.Deleted, name)
		}
	}
	var errs []error
	for _, t := range d.Targets {
		if err := s.plant(&a, before, t); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.Name, err))
		}
	}
	links, err := s.bootLinks(a.plan.Disabled)
	a.files = append(a.files, takenAway(links)...)
	errs = append(errs, err)
	if a.gateway = gateway; d.Gateway != nil {
		a.gateway = *d.Gateway
		files, err := s.rewriteGateway(gateway, a.gateway)
		a.files, a.plan.Gateway = append(a.files, files...), files != nil || !reflect.DeepEqual(gateway, a.gateway)
		errs = append(errs, err)
	}
	return a, errors.Join(append(errs, claimAll(existing, a.gateway, d))...)
}

// existing returns all BMCs.
func (s Store) existing() (all []Existing, err error) {
	bmcs, err0 := s.List()
	enabled, err1 := s.Enabled()
	if err := errors.Join(err0, err1); err != nil {
		return nil, err
	}
	for _, b := range bmcs {
		e := Existing{BMC: b, Enabled: enabled[b.Name]}
		if b.Err == nil {
			e.Credentials, e.Err = s.keyring().Read(b.Name)
		}
		all = append(all, e)
	}
	return all, nil
}

// plant adds to a what one target needs.
func (s Store) plant(a *application, before map[string]Existing, t Target) error {
	old, exists := before[t.Name]
	switch {
	case !exists:
		files, err := s.files(t.BMC, t.Credentials)
		if err != nil {
			return err
		}
		if t.State != nil {
			if err := s.checkUnused(t.Name); err != nil {
				return err
			}
			a.files = append(a.files, s.stateFiles(t.Name, t.State)...)
		}
		a.files = append(a.files, files...)
		a.plan.Added = append(a.plan.Added, t.Name)
		return nil
	case old.Err != nil:
		return old.Err
	}
	if err := t.Credentials.Check(); err != nil {
		return err
	}
	files, what, err := s.rewrite(old.BMC, t.BMC, t.Credentials)
	if err != nil {
		return err
	}
	if files != nil {
		a.files, a.changed, a.plan.Changes = append(a.files, files...), append(a.changed, t.BMC), append(a.plan.Changes, what)
	}
	if t.Disabled && old.Enabled {
		a.plan.Disabled = append(a.plan.Disabled, t.Name)
	}
	return nil
}

// claimAll returns an error for each target, and for the gateway, if it would have an address that another BMC or the gateway
// has, too.
func claimAll(existing []Existing, gateway Gateway, d Decision) error {
	replaced := make(map[string]bool)
	for _, t := range d.Targets {
		replaced[t.Name] = true
	}
	for _, name := range d.Gone {
		replaced[name] = true
	}
	var others []BMC
	for _, e := range existing {
		if !replaced[e.Name] {
			others = append(others, e.BMC)
		}
	}
	taken := addressesOf(others)
	var errs []error
	if gateway.Listen != nil {
		if err := taken.claim(gateway.AsBMC()); err != nil && d.Gateway != nil {
			errs = append(errs, fmt.Errorf("gateway: %w", err))
		}
	}
	for _, t := range d.Targets {
		if err := taken.claim(t.BMC); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.Name, err))
		}
	}
	return errors.Join(errs...)
}

// stateFiles returns files for the state directory of a BMC. Of two directories, they are in
// the one that every version of systemd finds.
func (s Store) stateFiles(name string, texts map[string][]byte) (files []file) {
	dir := s.StateDirs(name)[len(s.State)-1]
	for base, text := range texts {
		files = append(files, file{path: filepath.Join(dir, base), text: text, mode: 0o600})
	}
	return files
}
