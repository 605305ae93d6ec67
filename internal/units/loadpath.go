package units

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// templates are the units of which each BMC has instances.
var templates = []string{SocketUnit(""), ServiceUnit(""), restoreUnit("")}

// A loadPath is what systemd finds in the directories of a Store: unit files, and
// directories with drop-ins, all by their paths.
type loadPath struct {
	dirs []string // the one that counts most first
	has  map[string]bool
}

func (s Store) loadPath() (loadPath, error) {
	p := loadPath{has: make(map[string]bool)}
	for _, dir := range s.LoadPath {
		dir = s.path(dir)
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			return p, err
		}
		for _, entry := range entries {
			p.has[filepath.Join(dir, entry.Name())] = true
		}
		p.dirs = append(p.dirs, dir)
	}
	return p, nil
}

// find returns where there is a file or a directory of that name.
func (p loadPath) find(name string) (paths []string) {
	for _, dir := range p.dirs {
		if path := filepath.Join(dir, name); p.has[path] {
			paths = append(paths, path)
		}
	}
	return paths
}

// dropIns returns the drop-ins of an instance of a template, in the order in which
// systemd applies them, which is that of their names. Where several have the same
// name, the directory decides which of them counts; within one, those of the
// instance come before those of the template, and those of the type are last.
func (p loadPath) dropIns(instance string) ([]string, error) {
	prefix, _, _ := strings.Cut(instance, "@")
	kind := strings.TrimPrefix(filepath.Ext(instance), ".")
	counts := make(map[string]string) // by name
	for _, dir := range p.dirs {
		for _, unit := range []string{instance, prefix + "@." + kind, kind} {
			dropIns := filepath.Join(dir, unit+".d")
			if !p.has[dropIns] {
				continue
			}
			entries, err := os.ReadDir(dropIns)
			if err != nil {
				return nil, err
			}
			for _, entry := range entries {
				name := entry.Name()
				if _, hidden := counts[name]; !hidden && filepath.Ext(name) == ".conf" {
					counts[name] = filepath.Join(dropIns, name)
				}
			}
		}
	}
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		paths = append(paths, counts[name])
	}
	return paths, nil
}

// Hidden returns the unit files of ShIPMI that do not count, and for each the one in
// another directory that takes its place.
func (s Store) Hidden() (map[string]string, error) {
	p, err := s.loadPath()
	if err != nil {
		return nil, err
	}
	hidden := make(map[string]string)
	for _, unit := range templates {
		found := p.find(unit)
		for i := 1; i < len(found); i++ {
			hidden[found[i]] = found[0]
		}
	}
	return hidden, nil
}
