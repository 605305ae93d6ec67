package main

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/units"
)

// exposes tells whether others than root say what a BMC has root do.
func (a *app) exposes(b units.BMC) bool {
	return !a.user && b.RunAs == (units.Account{}) && a.changeable(b.Provider)
}

// changeable tells whether others than root and the caller can change a provider, or
// what it includes.
func (a *app) changeable(path string) bool {
	p, err := a.loadProvider(path)
	return err == nil && slices.ContainsFunc(p.Files(), othersCanChange)
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
