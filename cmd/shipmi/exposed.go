package main

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/units"
)

// exposed returns for each BMC of which others than root say what root does, by its name,
// the file by which they do.
func (a *app) exposed(bmcs []units.BMC) map[string]string {
	files, seen := make(map[string]string), make(map[string]string)
	for _, b := range bmcs {
		if a.user || b.RunAs != (units.Account{}) {
			continue
		}
		file, known := seen[b.Provider]
		if !known {
			file = a.changeable(b.Provider)
			seen[b.Provider] = file
		}
		if file != "" {
			files[b.Name] = file
		}
	}
	return files
}

// changeable returns the file of a provider, or one that it includes, if others than
// root and the caller can change that, else "".
func (a *app) changeable(provider string) string {
	p, err := a.loadProvider(provider)
	if err != nil {
		return ""
	}
	files := append([]string{p.Path}, p.Files()...)
	if i := slices.IndexFunc(files, othersCanChange); i >= 0 {
		return files[i]
	}
	return ""
}

// othersCanChange tells whether others than root and the caller can change a file, or put another
// one in its place: by its directory, by one above, or by those of what it links to. A
// group that can change a directory above has all below it, and is taken for
// administrators, as Debian's staff is in /usr/local.
func othersCanChange(file string) bool {
	if real, err := filepath.EvalSymlinks(file); err == nil && real != file && othersCanChange(real) {
		return true
	}
	dir := filepath.Dir(file)
	for place := file; ; place = filepath.Dir(place) {
		var stat unix.Stat_t
		if err := unix.Stat(place, &stat); err == nil {
			above := len(place) < len(dir)
			kept := above && stat.Mode&unix.S_ISVTX != 0
			switch {
			case stat.Uid != 0 && int(stat.Uid) != os.Geteuid(),
				stat.Mode&unix.S_IWOTH != 0 && !kept,
				stat.Mode&unix.S_IWGRP != 0 && !above:
				return true
			}
		}
		if place == filepath.Dir(place) {
			return false
		}
	}
}
