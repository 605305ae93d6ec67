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

// named returns the paths of the files or directories with a name.
func (p loadPath) named(name string) (paths []string) {
	for _, dir := range p.dirs {
		if path := filepath.Join(dir, name); p.has[path] {
			paths = append(paths, path)
		}
	}
	return paths
}

// dropIns returns the drop-ins of an instance of a template, in the order in which
// systemd applies them, which is that of their names. Of several with the same name
// the one in the directory that counts most does.
func (p loadPath) dropIns(instance string) ([]string, error) {
	counts := make(map[string]string) // by name
	for _, dir := range p.dropInDirs(instance) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			name := entry.Name()
			if _, hidden := counts[name]; !hidden && filepath.Ext(name) == ".conf" {
				counts[name] = filepath.Join(dir, name)
			}
		}
	}
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		paths = append(paths, counts[name])
	}
	return paths, nil
}

// dropInDirs returns the directories with drop-ins of an instance, the one that counts
// most first: in each place those of the instance, of its template, and of both with
// the name cut at each dash; those of the type come after all others.
func (p loadPath) dropInDirs(instance string) (paths []string) {
	stem, id, _ := strings.Cut(instance, "@")
	kind := filepath.Ext(id)
	var units []string
	for stem != "" {
		units = append(units, stem+"@"+id, stem+"@"+kind)
		stem = stem[:strings.LastIndexByte(strings.TrimSuffix(stem, "-"), '-')+1]
	}
	for _, dir := range p.dirs {
		for _, unit := range units {
			paths = append(paths, filepath.Join(dir, unit+".d"))
		}
	}
	for _, dir := range p.dirs {
		paths = append(paths, filepath.Join(dir, kind[1:]+".d"))
	}
	return slices.DeleteFunc(paths, func(path string) bool { return !p.has[path] })
}

// Replaced returns the unit files of ShIPMI that systemd does not use, and for each the
// file in another directory that it uses instead.
func (s Store) Replaced() (map[string]string, error) {
	p, err := s.loadPath()
	if err != nil {
		return nil, err
	}
	replaced := make(map[string]string)
	for _, unit := range templates {
		found := p.named(unit)
		for i := 1; i < len(found); i++ {
			replaced[found[i]] = found[0]
		}
	}
	return replaced, nil
}
