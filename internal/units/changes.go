package units

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ChangedSince returns the given units whose files may have changed since a time. The files of a
// unit are its unit file and its drop-ins; links are followed. ChangedSince cannot know whose
// file or directory is gone from a directory of unit files. gone reports whether that may have
// happened.
func (s Store) ChangedSince(units []string, since time.Time) (changed []string, gone bool, err error) {
	p, err := s.loadPath()
	if err != nil {
		return nil, false, err
	}
	isNew := func(path string) bool { return changedAt(path).After(since) }
	holdsNew := make(map[string]bool) // by directory with drop-ins
	for _, unit := range units {
		template := unit
		if stem, _, isInstance := strings.Cut(unit, "@"); isInstance {
			template = stem + "@" + filepath.Ext(unit)
		}
		isChanged := slices.ContainsFunc(p.dirs, func(dir string) bool {
			file, shared := filepath.Join(dir, unit), filepath.Join(dir, template)
			return p.has[file] && isNew(file) || p.has[shared] && isNew(shared)
		})
		for _, dir := range p.dropInDirs(unit) {
			if _, isKnown := holdsNew[dir]; !isKnown {
				entries, err := os.ReadDir(dir)
				if err != nil {
					return nil, false, err
				}
				holdsNew[dir] = isNew(dir) || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return isNew(filepath.Join(dir, e.Name())) })
			}
			isChanged = isChanged || holdsNew[dir]
		}
		if isChanged {
			changed = append(changed, unit)
		}
	}
	return changed, slices.ContainsFunc(p.dirs, isNew), nil
}

// changedAt returns when a file, or what a link leads to, changed in any way, or the zero time if
// the file is not there. A file that was replaced by an older one has changed as well.
func changedAt(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.ModTime()
	}
	return time.Unix(stat.Ctim.Unix())
}
