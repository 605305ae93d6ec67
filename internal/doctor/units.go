package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/units"
)

// resultHints are the hints for a unit that failed, by its result.
var resultHints = map[string]string{
	"trigger-limit-hit":       "packets arrived faster than its process could start, see the journal; then start it again",
	"service-start-limit-hit": "its process failed too often, see the journal; then start it again",
	"resources":               "systemd could not get a resource, such as the address or a file, see the journal; then start it again",
}

func (d *Doctor) examineUnits(ctx context.Context) error {
	for _, b := range d.bmcs {
		for _, unit := range examined(b) {
			c := d.conditions[unit]
			ofGuest := unit == units.InbandUnit(b.Name)
			d.silent[b.Name] = d.silent[b.Name] || !ofGuest && (c.Load != "loaded" || c.Failed)
			switch {
			case c.Load == "masked":
				d.problem(b.Name, unit+" is masked, so it does not run", "systemctl unmask %s", unit)
			case c.Load != "loaded":
				d.problem(b.Name, fmt.Sprintf("systemd cannot load %s: %s", unit, c.Load), "see systemctl status %s; ShIPMI may be installed only in part", unit)
			case c.Failed && ofGuest:
				d.problem(b.Name, fmt.Sprintf("%s failed: %s", unit, c.Result), "%s", InbandHint(b.Name))
			case c.Failed:
				text, known := resultHints[c.Result]
				if !known {
					text = fmt.Sprintf(`see "shipmi logs %s", then start it again`, b.Name)
				}
				d.problem(b.Name, fmt.Sprintf("%s failed: %s", unit, c.Result), "%s", text)
			case ofGuest && !c.Active && d.conditions[units.SocketUnit(b.Name)].Active:
				d.problem(b.Name, unit+" does not run, so the guest cannot connect",
					"systemctl stop %s; systemctl start %s", units.ServiceUnit(b.Name), unit)
			}
		}
	}
	all := slices.Collect(maps.Keys(d.conditions))
	reload, err := d.Systemd.NeedReload(ctx, all, func(since time.Time) (changed []string, gone bool, err error) {
		return d.Store.ChangedSince(all, since)
	})
	if err != nil {
		return err
	}
	if reload {
		d.problem("", "unit files have changed, and systemd still uses the old ones", "systemctl daemon-reload")
	}
	return nil
}

// InbandHint is the hint for a socket for the guest that systemd cannot open.
func InbandHint(bmc string) string {
	return fmt.Sprintf(`is there no group kvm? "shipmi logs %s" tells, and "systemctl edit shipmi-inband@.socket" sets another SocketGroup=`, bmc)
}

// examineUnitFiles finds unit files of another installation that replace those of this one.
// "systemctl edit --full" creates such files, too.
func (d *Doctor) examineUnitFiles(context.Context) error {
	replaced := d.Store.Replaced()
	for _, path := range slices.Sorted(maps.Keys(replaced)) {
		d.warning("", fmt.Sprintf("systemd uses %s instead of %s", replaced[path], path),
			`if that is not intended, remove it, with "make uninstall" if "make install" installed it; then systemctl daemon-reload`)
	}
	return nil
}

// examineVersions compares the versions of the two programs.
func (d *Doctor) examineVersions(ctx context.Context) error {
	var services []string
	for _, b := range d.bmcs {
		if service := units.ServiceUnit(b.Name); d.conditions[service].Load == "loaded" {
			services = append(services, service)
		}
	}
	programs, err := d.Systemd.Programs(ctx, services)
	if err != nil {
		return err
	}
	for _, program := range slices.Compact(slices.Sorted(maps.Values(programs))) {
		out, err := exec.CommandContext(ctx, program, "--version").Output()
		if err != nil {
			d.problem("", fmt.Sprintf("%s, the program of the units, does not run: %v", program, err), "install ShIPMI again")
			continue
		}
		_, version, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
		if version != d.Version {
			d.problem("", fmt.Sprintf("%s is version %s, and this is version %s", program, version, d.Version), "install both programs from one release")
		}
	}
	return nil
}

// examineLinger finds BMCs of a user that end when the user logs out.
func (d *Doctor) examineLinger(context.Context) error {
	user := d.Host.Getenv("USER")
	if !d.Host.User || user == "" || len(d.bmcs) == 0 {
		return nil
	}
	_, err := os.Stat(filepath.Join(d.LingerDir, user))
	if errors.Is(err, fs.ErrNotExist) {
		d.warning("", "the BMCs of user "+user+" run only while the user is logged in", "loginctl enable-linger %s", user)
		return nil
	}
	return err
}
