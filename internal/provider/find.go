package provider

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dir is where the administrator of a host keeps providers.
const Dir = "/etc/shipmi/providers"

// BuiltIn returns the directory of those that come with ShIPMI, seen from the program that runs; "" if that does not
// know where it is.
func BuiltIn() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(self), "../share/shipmi/providers")
}

// Fetch returns the path of the program that fetches images for scripts, given the directory of BuiltIn.
func Fetch(builtIn string) string { return filepath.Join(builtIn, "../media/shipmi-fetch") }

// builtInPlace is how the paths of built-in providers end, wherever ShIPMI is installed.
const builtInPlace = "/share/shipmi/providers"

// Locate returns the path of the provider that a BMC has: it has a built-in provider by name, and any other one by path.
// BMCs of older versions have built-in providers by path, too. If such a file is gone, because ShIPMI was installed
// below another prefix, Locate returns the built-in provider of the same name. builtIn is the directory of BuiltIn.
func Locate(builtIn, named string) string {
	if !filepath.IsAbs(named) {
		return filepath.Join(builtIn, named+".conf")
	}
	if _, err := os.Stat(named); !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(filepath.Dir(named), builtInPlace) {
		return named
	}
	moved := filepath.Join(builtIn, filepath.Base(named))
	if _, err := os.Stat(moved); err != nil {
		return named
	}
	return moved
}

// An Entry is a provider file that was found; it may still be refused by Load.
type Entry struct {
	Name string // base name without ".conf"
	Path string // absolute
}

// List finds the provider files in dirs, sorted by name. Of two with the same name the one in the later directory
// counts. A directory that does not exist holds none.
func List(dirs []string) ([]Entry, error) {
	found := make(map[string]Entry)
	for _, dir := range dirs {
		files, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("provider directory: %w", err)
		}
		for _, file := range files {
			name, ok := strings.CutSuffix(file.Name(), ".conf")
			if !ok || file.IsDir() {
				continue
			}
			path, err := filepath.Abs(filepath.Join(dir, file.Name()))
			if err != nil {
				return nil, fmt.Errorf("provider directory: %w", err)
			}
			found[name] = Entry{name, path}
		}
	}
	byName := func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) }
	return slices.SortedFunc(maps.Values(found), byName), nil
}

// Find gives the absolute path of the provider called name in dirs (see List). A name that ends in ".conf" is a path
// already, and must exist.
func Find(dirs []string, name string) (string, error) {
	if strings.HasSuffix(name, ".conf") {
		if _, err := os.Stat(name); err != nil {
			return "", fmt.Errorf("provider file: %w", err)
		}
		return filepath.Abs(name)
	}
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("%q: want the name of a provider, or a path that ends in .conf", name)
	}
	entries, err := List(dirs)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		if entry.Name == name {
			return entry.Path, nil
		}
	}
	return "", fmt.Errorf("no provider %q in %s", name, strings.Join(dirs, ", "))
}
