package main

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/units"
)

// advice is what to do about a unit that failed, by its result.
var advice = map[string]string{
	"trigger-limit-hit":       "packets came faster than its process could start, see the journal; then start it again",
	"service-start-limit-hit": "its process failed too often, see the journal; then start it again",
	"resources":               "systemd lacked something, such as the address or a file, see the journal; then start it again",
}

func (d *doctor) lookAtUnits(context.Context) error {
	reload := false
	for _, b := range d.bmcs {
		for _, unit := range []string{units.SocketUnit(b.Name), units.ServiceUnit(b.Name)} {
			c := d.conditions[unit]
			switch {
			case c.Load != "loaded":
				d.find(b.Name, fmt.Sprintf("systemd cannot load %s: %s", unit, c.Load), "systemctl status %s; is ShIPMI installed as a whole?", unit)
			case c.Failed:
				text, known := advice[c.Result]
				if !known {
					text = fmt.Sprintf(`see "shipmi logs %s", then start it again`, b.Name)
				}
				d.find(b.Name, fmt.Sprintf("%s failed: %s", unit, c.Result), "%s", text)
			}
			reload = reload || c.NeedReload
		}
	}
	if reload {
		d.find("", "files of units have changed, and systemd still goes by the old ones", "systemctl daemon-reload")
	}
	return nil
}

// lookAtHidden looks for unit files of another installation, which systemd takes
// instead of others. "systemctl edit --full" makes such files, too.
func (d *doctor) lookAtHidden(context.Context) error {
	hidden, err := d.store.Hidden()
	for _, path := range slices.Sorted(maps.Keys(hidden)) {
		d.doubt("", fmt.Sprintf("%s takes the place of %s", hidden[path], path),
			`if you did not mean that, remove it, with "make uninstall" if "make install" put it there; then systemctl daemon-reload`)
	}
	return err
}

// lookAtVersions compares us with the program that answers for BMCs.
func (d *doctor) lookAtVersions(ctx context.Context) error {
	programs := make(map[string]bool)
	for _, b := range d.bmcs {
		if program := d.conditions[units.ServiceUnit(b.Name)].Program; program != "" {
			programs[program] = true
		}
	}
	for _, program := range slices.Sorted(maps.Keys(programs)) {
		said, err := exec.CommandContext(ctx, program, "--version").Output()
		if err != nil {
			d.find("", fmt.Sprintf("%s, which units start, does not run: %v", program, err), "install ShIPMI again")
			continue
		}
		_, theirs, _ := strings.Cut(strings.TrimSpace(string(said)), " ")
		if theirs != version {
			d.find("", fmt.Sprintf("%s is version %s, and this is version %s", program, theirs, version), "install both from one release")
		}
	}
	return nil
}
