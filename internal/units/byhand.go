package units

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// A ByHand knows the files that an administrator wrote or changed. It has looked into the
// directories of unit files once, for any number of BMCs.
type ByHand struct {
	s Store
	p loadPath
}

// ByHand returns a ByHand of the present files.
func (s Store) ByHand() (ByHand, error) {
	p, err := s.loadPath()
	return ByHand{s, p}, err
}

// Files returns the paths of files of units that ShIPMI did not write: drop-ins, unit files, and
// links of "systemctl mask".
func (h ByHand) Files(units []string) (paths []string, err error) {
	for _, dir := range h.s.administered() {
		for _, unit := range units {
			if file := h.s.path(dir, unit); h.p.has[file] {
				paths = append(paths, file)
			}
			if !h.p.has[h.s.path(dir, unit+".d")] {
				continue
			}
			entries, err := os.ReadDir(h.s.path(dir, unit+".d"))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			for _, entry := range entries {
				path := h.s.path(dir, unit+".d", entry.Name())
				if dir != h.s.Units || !h.s.isWritten(path) {
					paths = append(paths, path)
				}
			}
		}
	}
	return paths, nil
}

// administered returns the directories in which an administrator and systemctl write files.
func (s Store) administered() []string { return append([]string{s.Units}, s.Owned...) }

// Added returns the paths of the drop-ins that ShIPMI wrote for a BMC, and to which an
// administrator added settings.
func (h ByHand) Added(b BMC) ([]string, error) {
	dropIns, err := h.s.dropIns(b)
	if err != nil {
		return nil, err
	}
	return h.added(dropIns, h.s.formerOptions(b.Name))
}

// AddedToGateway is Added for the gateway.
func (h ByHand) AddedToGateway(g Gateway) ([]string, error) {
	dropIns, err := g.dropIns()
	if err != nil {
		return nil, err
	}
	return h.added(dropIns, nil)
}

func (h ByHand) added(dropIns []dropIn, former []*unit.UnitOption) (paths []string, err error) {
	for _, d := range dropIns {
		path := h.s.dropInPath(d.unit)
		foreign, err := foreignOptions(path, slices.Concat(d.options, former))
		if err != nil {
			return nil, err
		}
		if foreign != nil {
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// Shared returns the paths of the files that an administrator wrote for all BMCs: drop-ins
// of a template, and files that systemd uses in place of a unit file of ShIPMI. It leaves out
// drop-ins of every service and of every socket of the host.
func (h ByHand) Shared() (paths []string, err error) {
	for _, used := range h.s.Replaced() {
		isUsed := func(dir string) bool { return h.s.path(dir) == filepath.Dir(used) }
		if slices.ContainsFunc(h.s.administered(), isUsed) {
			paths = append(paths, used)
		}
	}
	for _, dir := range h.s.administered() {
		for _, unit := range Units("") {
			found, err := filepath.Glob(h.s.path(dir, unit+".d", "*.conf"))
			if err != nil {
				return nil, err
			}
			paths = append(paths, found...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// isWritten reports whether ShIPMI wrote a drop-in.
func (s Store) isWritten(path string) bool {
	switch filepath.Base(path) {
	case dropInName, commentName:
		return true
	case sandboxName:
		target, err := os.Readlink(path)
		return err == nil && strings.HasSuffix(target, sandboxFile)
	default:
		return false
	}
}
