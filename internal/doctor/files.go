package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/lint"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

// examineConfig reads the configuration file, of which a mistake makes every "add" fail.
func (d *Doctor) examineConfig(context.Context) error {
	if _, err := d.Host.LoadConfig(); err != nil {
		d.problem("", err.Error(), `correct the file; "shipmi add" fails until then`)
	}
	return nil
}

func (d *Doctor) examineLeftovers(context.Context) error {
	left, err := d.Store.Leftovers()
	for _, path := range left {
		d.problem("", path+" belongs to no BMC", "rm -r %s", path)
	}
	return err
}

func (d *Doctor) examineCredentials(context.Context) error {
	var names []string
	for _, b := range d.bmcs {
		names = append(names, b.Name)
	}
	sources, err := d.Store.CredentialSources(names...)
	if err != nil {
		return err
	}
	for _, b := range d.bmcs {
		source := sources[b.Name]
		if own := d.Store.CredentialPath(b.Name); filepath.Dir(source) == filepath.Dir(own) && source != own {
			d.problem(b.Name, fmt.Sprintf("it has the credentials of another BMC, %s, which \"shipmi user %s\" does not change", source, b.Name),
				`if its drop-ins were copied by hand, write LoadCredential=users:%s/%%i into them, then systemctl daemon-reload; "shipmi copy" and "shipmi rename" do this`, filepath.Dir(own))
			continue
		}
		c, err := d.Store.Credentials(b.Name)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return err
		case errors.Is(err, fs.ErrNotExist):
			d.problem(b.Name, "it has no credentials, so nobody can log in", `"shipmi delete" and "shipmi add" it again`)
			continue
		case err != nil:
			d.problem(b.Name, err.Error(), "correct the file by hand")
			continue
		}
		for _, u := range c.Users {
			if u.CanLogIn() && u.Password.Reveal() == settings.DefaultPassword && !onlyLoopback(b) {
				d.problem(b.Name, fmt.Sprintf("user %q has the default password, and other hosts can reach the BMC", u.Name),
					"shipmi user passwd %s %s --ask-password", b.Name, u.Name)
			}
		}
	}
	return nil
}

func (d *Doctor) examineModes(context.Context) error {
	paths, err := d.Store.NotPrivate()
	for _, path := range paths {
		d.problem("", path+" is accessible to users other than its owner", "chmod go= %s", path)
	}
	return err
}

func (d *Doctor) examineProviders(ctx context.Context) error {
	untrusted := d.Host.Untrusted(d.bmcs)
	missing := make(map[string][]string) // by provider file
	for _, b := range d.bmcs {
		var values map[string]string
		p, err := d.load(b.Provider)
		if err == nil {
			values, err = p.Values(b.Name, b.Parameters)
		}
		if err != nil {
			d.problem(b.Name, err.Error(), `see "shipmi providers"; "shipmi set %s --provider ..." chooses another one`, b.Name)
			continue
		}
		if file := untrusted[b.Name]; file != "" {
			d.warning(b.Name, file+" runs as root, and other users can change it",
				`move it to /etc/shipmi/providers, then "shipmi set %s --provider %s"`, b.Name, p.Name())
		}
		if b.Console.LogAlways && !p.Has(provider.Connect) {
			d.warning(b.Name, fmt.Sprintf("its console is always logged, but provider %q has no console script", p.Name()),
				"shipmi set %s --console-log watched", b.Name)
		}
		if _, seen := missing[p.Path]; !seen {
			missing[p.Path] = missingCommands(p)
			if err := d.examineScripts(ctx, p, b.Name, values); err != nil {
				return err
			}
		}
		for _, command := range missing[p.Path] {
			d.problem(b.Name, fmt.Sprintf("provider %q needs the command %q, which is not installed", p.Name(), command),
				`install it; "shipmi providers %s" says more`, p.Name())
		}
	}
	return nil
}

// examineScripts finds scripts that the shell of their provider does not understand.
func (d *Doctor) examineScripts(ctx context.Context, p *provider.Provider, name string, values map[string]string) error {
	found, err := lint.Examine(ctx, p, name, values)
	for _, f := range found {
		what := fmt.Sprintf("provider %q: %v", p.Name(), f)
		if f.Broken {
			d.problem("", what, "correct %s", p.Path)
		} else {
			d.warning("", what, `use the syntax of POSIX, or "shell = bash" in the section [PROVIDER] of %s`, p.Path)
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return nil // missingCommands names the shell
	}
	return err
}

// servicePath is the PATH of services, see systemd.exec(5).
var servicePath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

func missingCommands(p *provider.Provider) []string {
	missing := []string{}
	for _, command := range append([]string{p.Shell}, p.Commands...) {
		places := []string{command}
		if !filepath.IsAbs(command) {
			places = nil
			for _, dir := range servicePath {
				places = append(places, filepath.Join(dir, command))
			}
		}
		installed := slices.ContainsFunc(places, func(path string) bool {
			info, err := os.Stat(path)
			return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
		})
		if !installed {
			missing = append(missing, command)
		}
	}
	return missing
}

func (d *Doctor) examineAccounts(ctx context.Context) error {
	checked := make(map[units.Account]error)
	for _, b := range d.bmcs {
		err, known := checked[b.RunAs]
		if !known {
			_, err = settings.FindAccount(ctx, b.RunAs.String())
			checked[b.RunAs] = err
		}
		if err != nil {
			d.problem(b.Name, "it cannot run: "+err.Error(), "%s", strings.Join(hint.Of(err), "; "))
		}
	}
	return nil
}
