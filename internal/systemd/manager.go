package systemd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// A Manager is a connection to a service manager. Its methods take names of units. An
// error wraps fs.ErrPermission when the caller may not give the order.
type Manager struct {
	// Progress, unless nil, is called after each unit of a batch of jobs.
	Progress func(done, all int)

	conn *dbus.Conn
	bus  *godbus.Conn // what conn uses
}

// Close ends the connection.
func (s *Manager) Close() { s.conn.Close() }

// Reload makes systemd read all unit files again.
func (s *Manager) Reload(ctx context.Context) error {
	return explain("reload systemd", s.conn.ReloadContext(ctx))
}

// Enable makes units start at boot.
func (s *Manager) Enable(ctx context.Context, units []string) error {
	_, _, err := s.conn.EnableUnitFilesContext(ctx, units, false, false)
	return explain("enable", err)
}

// Disable undoes Enable. If systemd refuses the whole list because the files of one
// unit are invalid, Disable tries each unit alone.
func (s *Manager) Disable(ctx context.Context, units []string) error {
	_, err := s.conn.DisableUnitFilesContext(ctx, units, false)
	if err == nil || len(units) == 1 {
		return explain("disable", err)
	}
	var errs []error
	for _, unit := range units {
		errs = append(errs, s.Disable(ctx, []string{unit}))
	}
	return errors.Join(errs...)
}

// States returns the active state of units, such as active, inactive or failed
// (systemctl(1)). A unit that does not exist is inactive. A unit that failed and that
// systemd is about to restart is reported as failed.
func (s *Manager) States(ctx context.Context, units []string) (map[string]string, error) {
	loaded, err := s.loaded(ctx)
	if err != nil {
		return nil, err
	}
	states := make(map[string]string, len(units))
	for _, unit := range units {
		status := loaded[unit]
		states[unit] = cmp.Or(status.ActiveState, inactive)
		if isFailed(status) {
			states[unit] = "failed"
		}
	}
	return states, nil
}

const inactive = "inactive"

func isFailed(status dbus.UnitStatus) bool {
	return status.ActiveState == "failed" || strings.HasPrefix(status.SubState, "auto-restart")
}

// loaded returns the units that systemd has in memory. Asking for any other unit would
// make systemd read its files, only to answer "inactive".
func (s *Manager) loaded(ctx context.Context) (map[string]dbus.UnitStatus, error) {
	all, err := s.conn.ListUnitsContext(ctx)
	if err != nil {
		return nil, explain("list units", err)
	}
	loaded := make(map[string]dbus.UnitStatus)
	for _, status := range all {
		loaded[status.Name] = status
	}
	return loaded, nil
}

// Start starts socket units, all at once, and returns why units failed.
func (s *Manager) Start(ctx context.Context, sockets []string) map[string]error {
	failed := s.batch(ctx, "StartUnit", sockets)
	for unit, err := range failed {
		if errors.Is(err, errJob) {
			if result, _ := s.conn.GetUnitTypePropertyContext(ctx, unit, "Socket", "Result"); result != nil {
				err = fmt.Errorf("%w; the unit has the result %q", err, result.Value.Value())
			}
		}
		failed[unit] = explain("start", err)
	}
	return failed
}

// Stop stops units, all at once, resets their failed state, and returns why units did
// not stop. Stopping a unit that does not exist succeeds.
func (s *Manager) Stop(ctx context.Context, units []string) map[string]error {
	loaded, err := s.loaded(ctx)
	if err != nil {
		return all(units, err)
	}
	stopped := func(unit string) bool {
		status, found := loaded[unit]
		return !found || status.ActiveState == inactive && status.JobId == 0
	}
	failed := s.batch(ctx, "StopUnit", slices.DeleteFunc(slices.Clone(units), stopped))
	if loaded, err = s.loaded(ctx); err != nil {
		return all(units, err)
	}
	for _, unit := range units {
		err := failed[unit]
		if err == nil && loaded[unit].ActiveState == "failed" {
			err = s.conn.ResetFailedUnitContext(ctx, unit)
		}
		if err != nil && !isUnknown(err) {
			failed[unit] = explain("stop", err)
		} else {
			delete(failed, unit)
		}
	}
	return failed
}

func all(units []string, err error) map[string]error {
	failed := make(map[string]error)
	for _, unit := range units {
		failed[unit] = err
	}
	return failed
}

// Restart restarts units, all at once, and returns why units failed. Units that are not
// running are started.
func (s *Manager) Restart(ctx context.Context, units []string) map[string]error {
	return s.restart(ctx, "RestartUnit", units)
}

// TryRestart restarts the units that are running, all at once, and returns why units
// failed.
func (s *Manager) TryRestart(ctx context.Context, units []string) map[string]error {
	return s.restart(ctx, "TryRestartUnit", units)
}

func (s *Manager) restart(ctx context.Context, method string, units []string) map[string]error {
	failed := s.batch(ctx, method, units)
	for unit, err := range failed {
		failed[unit] = explain("restart", err)
	}
	return failed
}

func isUnknown(err error) bool {
	var e godbus.Error
	return errors.As(err, &e) && e.Name == "org.freedesktop.systemd1.NoSuchUnit"
}

// ErrMasked means that "systemctl mask" forbids to start a unit.
var ErrMasked = errors.New("masked")

// explain adds the order that failed to an error. D-Bus errors about missing
// permission become fs.ErrPermission.
func explain(order string, err error) error {
	if err == nil {
		return nil
	}
	var e godbus.Error
	if errors.As(err, &e) {
		switch e.Name {
		case "org.freedesktop.DBus.Error.AccessDenied",
			"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired":
			err = fs.ErrPermission
		case "org.freedesktop.systemd1.UnitMasked":
			err = fmt.Errorf("%w: %w", ErrMasked, err)
		}
	}
	return fmt.Errorf("%s: %w", order, err)
}
