package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/units"
)

func (d *doctor) lookAtLeftovers(context.Context) error {
	left, err := d.store.Leftovers()
	for _, path := range left {
		d.find("", path+" belongs to no BMC", "rm -r %s", path)
	}
	return err
}

func (d *doctor) lookAtCredentials(context.Context) error {
	for _, b := range d.bmcs {
		c, err := d.store.Credentials(b.Name)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return err
		case errors.Is(err, fs.ErrNotExist):
			d.find(b.Name, "it has no credentials, so nobody can log in", `"shipmi delete" and "shipmi add" it again`)
			continue
		case err != nil:
			d.find(b.Name, err.Error(), "correct the file by hand")
			continue
		}
		for _, u := range c.Users {
			if u.CanLogIn() && u.Password.Reveal() == defaultPassword && !onlyLoopback(b) {
				d.find(b.Name, fmt.Sprintf("user %q has the default password, and others than this host can reach the BMC", u.Name),
					"shipmi user passwd %s %s --ask-password", b.Name, u.Name)
			}
		}
	}
	return nil
}

func (d *doctor) lookAtModes(context.Context) error {
	exposed, err := d.store.Exposed()
	for _, path := range exposed {
		d.find("", path+" is not for its owner alone", "chmod go= %s", path)
	}
	return err
}

func (d *doctor) lookAtProviders(context.Context) error {
	exposed := d.exposed(d.bmcs)
	missing := make(map[string][]string) // by provider file
	for _, b := range d.bmcs {
		p, err := d.loadProvider(b.Provider)
		if err == nil {
			_, err = p.Values(b.Name, b.Parameters)
		}
		if err != nil {
			d.find(b.Name, err.Error(), `see "shipmi providers"; "shipmi set %s --provider ..." takes another one`, b.Name)
			continue
		}
		if file := exposed[b.Name]; file != "" {
			d.doubt(b.Name, file+" runs as root, and others can change it",
				`move it to /etc/shipmi/providers, then "shipmi set %s --provider %s", with --set for its parameters`, b.Name, p.Name())
		}
		if _, seen := missing[p.Path]; !seen {
			missing[p.Path] = missingCommands(p)
		}
		for _, command := range missing[p.Path] {
			d.find(b.Name, fmt.Sprintf("provider %q needs the command %q, which is not there", p.Name(), command),
				`install it; "shipmi providers %s" says more`, p.Name())
		}
	}
	return nil
}

// unitPath is where systemd has services look for commands, see systemd.exec(5).
var unitPath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

func missingCommands(p *provider.Provider) []string {
	missing := []string{}
	for _, command := range p.Commands {
		found := false
		for _, dir := range unitPath {
			info, err := os.Stat(filepath.Join(dir, command))
			found = found || err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
		}
		if !found {
			missing = append(missing, command)
		}
	}
	return missing
}

func (d *doctor) lookAtAccounts(ctx context.Context) error {
	for _, b := range d.bmcs {
		if b.RunAs == (units.Account{}) {
			continue
		}
		if _, err := findAccount(ctx, b.RunAs.String()); err != nil {
			d.find(b.Name, "it cannot run: "+err.Error(), "%s", strings.Join(hints(err), "; "))
		}
	}
	return nil
}
