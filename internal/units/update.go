package units

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/shipmi/shipmi/internal/instance"
)

// A Change says what Update has changed of a BMC.
type Change struct {
	Name        string
	Listen      bool // addresses of IPMI or Redfish, or the networks that may send packets
	Service     bool // settings of the process
	Inband      bool // whether the guest has access
	Credentials bool
}

// NeedsReload reports whether systemd must read the unit files again.
func (c Change) NeedsReload() bool { return c.Listen || c.Service }

// ErrOverridden means that a drop-in made by hand overrides the change.
var ErrOverridden = errors.New("another drop-in overrides this setting")

// Update calls change with the present settings and credentials of each named BMC, writes
// the files that differ afterwards, and then calls commit with what has changed. It holds
// the lock of all changes meanwhile, so that no change of another command is lost. If
// anything fails, commit included, no BMC is changed. Settings that were added to the
// files by hand stay.
func (s Store) Update(names []string, change func(*BMC, *instance.Credentials) error, commit func([]Change) error) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()

	files, wanted, changes, err := s.plan(names, change)
	if err != nil {
		return err
	}
	return s.replace(files, func() error {
		if err := s.checkEffect(wanted); err != nil {
			return err
		}
		return commit(changes)
	})
}

// Plan returns what Update would change. It changes nothing, and cannot know of
// ErrOverridden.
func (s Store) Plan(names []string, change func(*BMC, *instance.Credentials) error) ([]Change, error) {
	_, _, changes, err := s.plan(names, change)
	return changes, err
}

// plan returns the files to write, and, for each BMC that has any, its new settings and
// what changes.
func (s Store) plan(names []string, change func(*BMC, *instance.Credentials) error) (files []file, wanted []BMC, changes []Change, err error) {
	p, err := s.loadPath()
	if err != nil {
		return nil, nil, nil, err
	}
	if i := slices.IndexFunc(names, func(name string) bool { return !s.exists(name) }); i >= 0 {
		return nil, nil, nil, fmt.Errorf("%w: %q", ErrNotExist, names[i])
	}
	var bmcs []BMC
	moves := false
	for _, name := range names {
		old := p.load(name)
		b, c, err := s.changed(old, change)
		if err != nil {
			return nil, nil, nil, err
		}
		moves = moves || !slices.Equal(old.Listen, b.Listen)
		bmcs = append(bmcs, b)
		rewritten, what, err := s.rewrite(old, b, c)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %w", b.Name, err)
		}
		if rewritten != nil {
			files, wanted, changes = append(files, rewritten...), append(wanted, b), append(changes, what)
		}
	}
	if moves {
		err = s.checkMoved(bmcs)
	}
	return files, wanted, changes, err
}

// checkMoved returns an error if BMCs with new settings have an address that another BMC has,
// too.
func (s Store) checkMoved(moved []BMC) error {
	others, err := s.listeners()
	if err != nil {
		return err
	}
	isMoved := make(map[string]bool)
	for _, b := range moved {
		isMoved[b.Name] = true
	}
	taken := addressesOf(slices.DeleteFunc(others, func(b BMC) bool { return isMoved[b.Name] }))
	for _, b := range moved {
		if err := taken.claim(b); err != nil {
			return err
		}
	}
	return nil
}

// changed lets change work on a copy of a BMC and its credentials, and returns the copies.
func (s Store) changed(old BMC, change func(*BMC, *instance.Credentials) error) (BMC, instance.Credentials, error) {
	if old.Err != nil {
		return BMC{}, instance.Credentials{}, fmt.Errorf("%s: %w", old.Name, old.Err)
	}
	c, err := s.keyring().Read(old.Name)
	if err != nil {
		return BMC{}, c, fmt.Errorf("%s: %w", old.Name, err)
	}
	b := old
	b.Listen, b.Redfish = slices.Clone(old.Listen), slices.Clone(old.Redfish)
	return b, c, errors.Join(change(&b, &c), c.Check())
}

// rewrite returns the files of a BMC that have to be written, and what changes.
func (s Store) rewrite(old, b BMC, c instance.Credentials) (files []file, what Change, err error) {
	what = Change{
		Name: b.Name,
		Listen: !slices.Equal(old.Endpoints(), b.Endpoints()) || !slices.Equal(old.Allow, b.Allow) ||
			old.Gateway != b.Gateway || b.Gateway && old.SystemUUID != b.SystemUUID,
		Inband: (old.Inband == 0) != (b.Inband == 0),
	}
	before, err := s.dropIns(old)
	if err != nil {
		return nil, what, err
	}
	after, err := s.dropIns(b)
	if err != nil {
		return nil, what, err
	}
	for i, d := range after {
		if d.equal(before[i]) {
			continue
		}
		what.Service = what.Service || d.unit == ServiceUnit(b.Name)
		ours := slices.Concat(before[i].options, d.options, s.formerOptions(b.Name))
		foreign, err := foreignOptions(s.dropInPath(d.unit), ours)
		if err != nil {
			return nil, what, err
		}
		d.options = append(d.options, foreign...)
		f, err := s.render(d)
		if err != nil {
			return nil, what, err
		}
		files = append(files, f)
	}
	if old.Comment != b.Comment || what.Listen && b.Comment != "" { // a former version wrote it into the drop-in
		comment, err := s.commentFile(b)
		if err != nil {
			return nil, what, err
		}
		files = append(files, comment)
	}
	if was, is := old.RunAs == (Account{}), b.RunAs == (Account{}); was != is {
		sandbox, err := s.sandbox(b)
		if err != nil {
			return nil, what, err
		}
		files = append(files, sandbox)
	}
	credentials, err := s.keyring().Read(b.Name)
	if err == nil && !bytes.Equal(credentials.Marshal(), c.Marshal()) {
		if err := s.checkCredentialSource(b.Name); err != nil {
			return nil, what, err
		}
		what.Credentials = true
		files = append(files, s.credentialsFile(b.Name, c))
	}
	return files, what, err
}

// foreignOptions returns the options of a drop-in that ShIPMI did not write. A line that
// sets one of our variables and another one is foreign, and stays as it is.
func foreignOptions(path string, ours []*unit.UnitOption) (foreign []*unit.UnitOption, err error) {
	options, err := readDropIn(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for _, o := range options {
		if !isOurs(o, ours) {
			foreign = append(foreign, o)
		}
	}
	return foreign, nil
}

func isOurs(o *unit.UnitOption, ours []*unit.UnitOption) bool {
	switch o.Name {
	case credSetting, wantsSetting, sliceSetting:
		return slices.ContainsFunc(ours, o.Match)
	case envSetting:
		return setsOnly(o.Value, ours)
	default:
		return slices.ContainsFunc(ours, func(our *unit.UnitOption) bool {
			return o.Section == our.Section && o.Name == our.Name
		})
	}
}

// setsOnly reports whether ours set every variable in a list.
func setsOnly(variables string, ours []*unit.UnitOption) bool {
	words, err := splitWords(variables)
	return err == nil && !slices.ContainsFunc(words, func(word string) bool {
		name, _, _ := strings.Cut(word, "=")
		return !slices.ContainsFunc(ours, func(o *unit.UnitOption) bool {
			return o.Name == envSetting && strings.HasPrefix(o.Value, `"`+name+"=")
		})
	})
}

// checkEffect returns an error if a BMC, with all its drop-ins, does not have the settings
// that it was given.
func (s Store) checkEffect(wanted []BMC) error {
	p, err := s.loadPath()
	if err != nil {
		return err
	}
	for _, b := range wanted {
		got := p.load(b.Name)
		if got.Err != nil {
			return fmt.Errorf("%s: %w", b.Name, got.Err)
		}
		is, err0 := s.dropIns(got)
		want, err1 := s.dropIns(b)
		if err := errors.Join(err0, err1); err != nil {
			return err
		}
		if err := sameEffect(is, want); err != nil {
			return err
		}
	}
	return nil
}

// sameEffect returns an error if drop-ins that are in effect differ from those that are wanted, in the same order.
func sameEffect(is, want []dropIn) error {
	for i, d := range want {
		if !d.equal(is[i]) {
			return fmt.Errorf("%s: %w", d.unit, ErrOverridden)
		}
	}
	return nil
}
