package units

import (
	"slices"
	"strings"
)

// supervision are the prefixes of settings that say how systemd starts and supervises a
// process. They are no part of its environment.
var supervision = []string{"Exec", "Type", "Restart", "Watchdog", "Notify", "Timeout", credSetting}

// Surroundings returns the settings that the drop-ins of a BMC make for its process, as
// NAME=VALUE for systemd-run: environment, user, sandbox and directories.
func (s Store) Surroundings(name string) ([]string, error) {
	p, err := s.loadPath()
	if err != nil {
		return nil, err
	}
	settings, err := p.settings(ServiceUnit(name))
	if err != nil {
		return nil, err
	}
	all := []string{"StateDirectory=shipmi-bmc/" + name, "StateDirectoryMode=0700", "KillMode=process"}
	for _, set := range settings {
		isSupervision := func(prefix string) bool { return strings.HasPrefix(set.Name, prefix) }
		if set.Section == serviceSection && !slices.ContainsFunc(supervision, isSupervision) {
			all = append(all, set.Name+"="+p.expand(ServiceUnit(name), set.Value))
		}
	}
	return all, nil
}
