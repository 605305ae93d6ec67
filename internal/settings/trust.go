package settings

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/units"
)

// Untrusted finds the BMCs whose scripts run as root although other users can change
// them. It returns the file that they can change, by the name of the BMC.
func (h Host) Untrusted(bmcs []units.BMC) map[string]string {
	files, seen := make(map[string]string), make(map[string]string)
	for _, b := range bmcs {
		if h.User || b.RunAs != (units.Account{}) {
			continue
		}
		file, known := seen[b.Provider]
		if !known {
			file = h.UntrustedFile(b.Provider)
			seen[b.Provider] = file
		}
		if file != "" {
			files[b.Name] = file
		}
	}
	return files
}

// UntrustedFile returns the file of a provider, or one that it includes, that users other
// than root and the caller can change. It returns "" if there is none.
func (h Host) UntrustedFile(provider string) string {
	p, err := h.LoadProvider(provider)
	if err != nil {
		return ""
	}
	files := append([]string{p.Path}, p.Files()...)
	if i := slices.IndexFunc(files, othersCanChange); i >= 0 {
		return files[i]
	}
	return ""
}

// othersCanChange reports whether users other than root and the caller can change a file
// or replace it: because of its mode, or that of a directory above, or that of the target
// of a link. A group that can write to a directory above the file's own is trusted: on
// Debian the group staff, of administrators, can write to /usr/local.
func othersCanChange(file string) bool {
	if real, err := filepath.EvalSymlinks(file); err == nil && real != file && othersCanChange(real) {
		return true
	}
	dir := filepath.Dir(file)
	for place := file; ; place = filepath.Dir(place) {
		var stat unix.Stat_t
		if err := unix.Stat(place, &stat); err == nil {
			above := len(place) < len(dir)
			sticky := above && stat.Mode&unix.S_ISVTX != 0
			switch {
			case stat.Uid != 0 && int(stat.Uid) != os.Geteuid(),
				stat.Mode&unix.S_IWOTH != 0 && !sticky,
				stat.Mode&unix.S_IWGRP != 0 && !above:
				return true
			}
		}
		if place == filepath.Dir(place) {
			return false
		}
	}
}
