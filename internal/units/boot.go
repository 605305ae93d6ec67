package units

import "path/filepath"

// Enabled returns which BMCs start at boot.
func (s Store) Enabled() (map[string]bool, error) {
	links, err := filepath.Glob(s.path(s.Units, "*.wants", SocketUnit("*")))
	enabled := make(map[string]bool)
	for _, link := range links {
		enabled[socketName(filepath.Base(link))] = true
	}
	return enabled, err
}

// Disable removes the links that start BMCs at boot, as "systemctl disable" does. systemd
// itself takes 4 ms for each unit, because it reads the directories of all units each time.
func (s Store) Disable(names []string) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	links, err := s.bootLinks(names)
	if err != nil {
		return err
	}
	return s.replace(takenAway(links), func() error { return nil })
}

// bootLinks returns the links that start BMCs at boot.
func (s Store) bootLinks(names []string) (paths []string, err error) {
	links, err := s.links(s.Units)
	for _, name := range names {
		paths = append(paths, links[SocketUnit(name)]...)
	}
	return paths, err
}
