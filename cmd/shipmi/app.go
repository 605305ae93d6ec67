// Command shipmi adds, deletes, starts, stops and shows the BMCs of this host, and
// manages their users. A BMC is a pair of systemd units with drop-ins: this command
// writes the drop-ins and asks systemd for the rest, and nothing of it stays
// running. It does not speak IPMI; that is shipmi-bmc, which systemd starts. Start
// reading at run, then at one of the commands, such as start.go.
package main

import (
	"context"
	"io"

	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/units"
)

// version is set by the linker.
var version = "unknown"

// An app is the command with everything that it takes from outside.
type app struct {
	store       units.Store
	connect     func(context.Context) (serviceManager, error)
	connectUser func(context.Context) (serviceManager, error) // takes the place of connect with --user
	config      []string                                      // directories, the one that counts most first
	getenv      func(string) string

	user    bool   // --user
	host    string // --host
	builtIn string // directory of the providers that come with ShIPMI
	procDir string // where proc(5) is mounted

	stdin          io.Reader
	stdout, stderr io.Writer
}

// A serviceManager is what the commands need of the service manager. The methods are those
// of systemd.Manager.
type serviceManager interface {
	Reload(ctx context.Context) error
	Enable(ctx context.Context, units []string) error
	Disable(ctx context.Context, units []string) error
	States(ctx context.Context, units []string) (map[string]string, error)
	Start(ctx context.Context, sockets []string) map[string]error
	Stop(ctx context.Context, units []string) map[string]error
	Conditions(ctx context.Context, units []string) (map[string]systemd.Condition, error)
	CheckFilter(ctx context.Context, unit string) error
	TryRestart(ctx context.Context, units []string) map[string]error
	Close()
}

// manage calls do with the BMCs that have one of the names or match one of the
// patterns, and with a connection to systemd.
func (a *app) manage(ctx context.Context, patterns []string, do func(serviceManager, []units.BMC) error) error {
	bmcs, err := a.find(patterns...)
	if err != nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s, bmcs)
}
