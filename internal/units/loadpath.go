package units

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// unitFiles are the names of the unit files of ShIPMI.
var unitFiles = []string{SocketUnit(""), ServiceUnit(""), InbandUnit(""), "shipmi-restore.service", GatewaySocket, GatewayService}

// A loadPath is the content of the directories of a Store: unit files, and directories with
// drop-ins.
type loadPath struct {
	dirs []string        // the first takes precedence
	has  map[string]bool // by path

	certificateOfHost Certificate
	units             string // the directory in which ShIPMI writes
	specifiers        map[byte]string
	root              string
}

func (s Store) loadPath() (loadPath, error) {
	p := loadPath{has: make(map[string]bool), units: s.path(s.Units), certificateOfHost: s.HostCertificate(), specifiers: s.specifiers, root: s.root}
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

// dropIns returns the drop-ins of a unit, which may be an instance of a template, in the order in which systemd
// applies them, which is that of their names. If several have the same name, only the one in
// the first directory is used.
func (p loadPath) dropIns(instance string) ([]string, error) {
	used := make(map[string]string) // by name
	for _, dir := range p.dropInDirs(instance) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			name := entry.Name()
			if _, isUsed := used[name]; !isUsed && filepath.Ext(name) == ".conf" {
				used[name] = filepath.Join(dir, name)
			}
		}
	}
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(used)) {
		paths = append(paths, used[name])
	}
	return paths, nil
}

// dropInDirs returns the directories with drop-ins of a unit. The first takes
// precedence. In each directory of the load path, these are the drop-ins of the instance, of
// its template, and of both with the name cut at each dash. The drop-ins of the unit type
// come last.
func (p loadPath) dropInDirs(instance string) (paths []string) {
	kind := filepath.Ext(instance)
	stem, id, isInstance := strings.Cut(strings.TrimSuffix(instance, kind), "@")
	var units []string
	for stem != "" {
		if isInstance {
			units = append(units, stem+"@"+id+kind, stem+"@"+kind)
		} else {
			units = append(units, stem+kind)
		}
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
// file in another directory that it uses instead. For the service manager of the host, it
// also looks at the unit files of all users.
func (s Store) Replaced() map[string]string {
	replaced := make(map[string]string)
	for _, dirs := range [][]string{s.LoadPath, s.UserLoadPath} {
		for _, unit := range unitFiles {
			used := ""
			for _, dir := range dirs {
				switch path := s.path(dir, unit); {
				case !exists(path):
				case used == "":
					used = path
				default:
					replaced[path] = used
				}
			}
		}
	}
	return replaced
}
