package units

import (
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
)

// supervision are the beginnings of settings that say how a process is started and
// watched over, and not what surrounds it.
var supervision = []string{"Exec", "Type", "Restart", "Watchdog", "Notify", "Timeout", credSetting}

// Surroundings returns what the drop-ins of a BMC set for its process, as systemd-run
// takes it, NAME=VALUE: the environment, whom it runs as, the sandbox, its directories.
func (s Store) Surroundings(name string) ([]string, error) {
	p, err := s.loadPath()
	if err != nil {
		return nil, err
	}
	settings, err := p.settings(ServiceUnit(name))
	if err != nil {
		return nil, err
	}
	b := BMC{Instance: instance.Instance{Name: name}}
	all := []string{"StateDirectory=shipmi-bmc/" + name, "StateDirectoryMode=0700", "KillMode=process"}
	for _, set := range settings {
		isSupervision := func(prefix string) bool { return strings.HasPrefix(set.Name, prefix) }
		if set.Section == serviceSection && !slices.ContainsFunc(supervision, isSupervision) {
			all = append(all, set.Name+"="+b.expand(set.Value))
		}
	}
	return all, nil
}
