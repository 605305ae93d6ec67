package units

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Leftovers returns the paths of files that belong to BMCs that do not exist, and of
// certificates of the host that were left incomplete.
func (s Store) Leftovers() ([]string, error) {
	names, err := s.Names()
	if err != nil {
		return nil, err
	}
	isBMC := make(map[string]bool, len(names))
	for _, name := range names {
		isBMC[name] = true
	}
	kept := []struct{ dir, pattern string }{
		{s.Units, ServiceUnit("*") + ".d"},
		{filepath.Join(s.Units, "*.wants"), SocketUnit("*")},
		{s.credentialsDir(), "[^.]*"},
		{s.Runtime, "*"},
		{s.Config, stagedCertificate},
	}
	for _, dir := range s.State {
		kept = append(kept, struct{ dir, pattern string }{dir, "*"})
	}
	left, err := filepath.Glob(s.path(s.Units, formerRestoreUnit("*")+"*")) // drop-ins and masks
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		paths, err := filepath.Glob(s.path(k.dir, k.pattern))
		if err != nil {
			return nil, err
		}
		before, after, _ := strings.Cut(strings.TrimPrefix(k.pattern, "[^.]"), "*")
		for _, path := range paths {
			name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), before), after)
			if name != "" && !isBMC[name] { // an empty name is that of the template
				left = append(left, path)
			}
		}
	}
	return left, nil
}

// NotPrivate returns the paths of secrets that users other than the owner can read or change.
func (s Store) NotPrivate() (paths []string, err error) {
	host := s.HostCertificate()
	for _, pattern := range []string{
		s.credentialsDir(), filepath.Join(s.credentialsDir(), "[^.]*"), s.LoginPath("*"), filepath.Dir(host.Key), host.Key,
	} {
		found, err := filepath.Glob(s.path(pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			info, err := os.Stat(path)
			if err != nil {
				return nil, fmt.Errorf("credentials: %w", err)
			}
			if info.Mode().Perm()&0o077 != 0 {
				paths = append(paths, path)
			}
		}
	}
	return paths, nil
}
