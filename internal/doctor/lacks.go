package doctor

import (
	"context"
	"slices"

	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/units"
)

// Lacks compares what systemd applies to the service of a BMC with what the service needs,
// and returns what is missing. Containers of LXC and Incus have a drop-in for all services
// that empties LoadCredential= and sets NoNewPrivileges=no. A BMC that runs as root needs
// neither: it can read its credentials itself.
func Lacks(b units.BMC, service systemd.Execution) (lacks []string) {
	if b.RunAs == (units.Account{}) {
		return nil
	}
	if !slices.Contains(service.Credentials, "users") {
		lacks = append(lacks, "nobody can log in, because systemd passes no credentials to it"+because(service, "LoadCredential"))
	}
	if !service.NoNewPrivileges {
		lacks = append(lacks, "its sandbox is open: NoNewPrivileges=no"+because(service, "NoNewPrivileges"))
	}
	return lacks
}

func because(service systemd.Execution, setting string) string {
	if path := units.LastDropIn(service.DropIns, setting); path != "" {
		return "; see " + setting + "= in " + path
	}
	return ""
}

func (d *Doctor) examineLacks(ctx context.Context) error {
	var sandboxed []units.BMC
	var services []string
	for _, b := range d.bmcs {
		if service := units.ServiceUnit(b.Name); b.RunAs != (units.Account{}) && d.conditions[service].Load == "loaded" {
			sandboxed, services = append(sandboxed, b), append(services, service)
		}
	}
	executions, err := d.Systemd.Executions(ctx, services)
	if err != nil {
		return err
	}
	for _, b := range sandboxed {
		for _, lack := range Lacks(b, executions[units.ServiceUnit(b.Name)]) {
			d.warning(b.Name, lack, `if that is not intended, a drop-in with a name that sorts after it can set it again: "systemctl edit --drop-in=zzzz-shipmi %s"`, units.ServiceUnit(b.Name))
		}
	}
	return nil
}
