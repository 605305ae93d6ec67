package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads the provider file at path and the files that it includes, and checks them. A file that is included by name is looked
// for beside the file that says so, then in dirs, the last one first. Errors name the file, and where there is one the
// line and the key.
func Load(path string, dirs ...string) (*Provider, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("provider file: %w", err)
	}
	var (
		files    = make(snapshot)
		chain    []string
		first    string
		settings = make(settingsByName)
	)
	for next := path; next != ""; {
		text, err := files.read(next)
		if err != nil {
			return nil, err
		}
		own, err := parseFile(next, text)
		if err != nil {
			return nil, err
		}
		for name, s := range own {
			s.depth = len(chain)
			if _, overridden := settings[name]; !overridden {
				settings[name] = s
			}
		}
		if chain = append(chain, next); len(chain) == 1 {
			first = text
		}
		include := own["provider include"]
		if next, err = files.find(include, dirs); err != nil {
			return nil, include.fail(err)
		}
		if slices.Contains(chain, next) {
			return nil, include.fail(fmt.Errorf("these files include each other: %s", strings.Join(chain, ", ")))
		}
	}
	p, err := newProvider(path, settings)
	if err != nil {
		return nil, err
	}
	p.Header, p.files = header(first), files
	return p, nil
}

// Changed reports whether Load would find other files now, or the same with something else in them, as far as their
// times and sizes tell.
func (p *Provider) Changed() bool {
	for path, then := range p.files {
		now, _ := os.Stat(path)
		same := os.SameFile(now, then) && now.ModTime().Equal(then.ModTime()) && now.Size() == then.Size()
		if !same && (now != nil || then != nil) {
			return true
		}
	}
	return false
}

// A snapshot is what was found at paths when they were first looked at; nil: nothing.
type snapshot map[string]fs.FileInfo

func (s snapshot) read(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("provider file: %w", err)
	}
	// Opening anything but a regular file, such as a FIFO, could block.
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("provider file: %s is not a regular file", path)
	}
	s[path] = info
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("provider file: %w", err)
	}
	return string(text), nil
}

// find gives the path of the file that include names, "" if it names none. A file may include another one of its own
// name that it takes the place of.
func (s snapshot) find(include setting, dirs []string) (string, error) {
	name, home := include.value, filepath.Dir(include.path)
	switch {
	case name == "":
		return "", nil
	case strings.HasSuffix(name, ".conf") && filepath.IsAbs(name):
		return filepath.Clean(name), nil
	case strings.HasSuffix(name, ".conf"):
		return filepath.Join(home, name), nil
	case name != filepath.Base(name):
		return "", fmt.Errorf("%q: want the name of a provider, or a path that ends in .conf", name)
	}
	places := append(slices.Clone(dirs), home)
	for _, dir := range slices.Backward(places) {
		path := filepath.Join(dir, name+".conf")
		if dir == "" || path == include.path {
			continue
		}
		info, err := os.Stat(path)
		if s[path] = info; !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
	}
	return "", fmt.Errorf("no provider %q in %s", name, strings.Join(places, ", "))
}
