package units

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

// Systemd carries orders to a service manager. Its methods take names of units. An
// error wraps fs.ErrPermission when the caller may not give the order.
type Systemd struct {
	// Progress, if it is there, hears how many of how many units have done what they
	// were ordered to do.
	Progress func(done, all int)

	conn *dbus.Conn
}

// Close ends the connection.
func (s *Systemd) Close() { s.conn.Close() }

// Reload makes systemd read all unit files again.
func (s *Systemd) Reload(ctx context.Context) error {
	return explain("reload systemd", s.conn.ReloadContext(ctx))
}

// Enable lets units start with the host.
func (s *Systemd) Enable(ctx context.Context, units []string) error {
	_, _, err := s.conn.EnableUnitFilesContext(ctx, units, false, false)
	return explain("enable", err)
}

// Disable takes back Enable. A unit whose files make no sense does not keep the
// others enabled.
func (s *Systemd) Disable(ctx context.Context, units []string) error {
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
// (systemctl(1)), also of those that do not exist. A unit that failed and waits to
// be started again has failed.
func (s *Systemd) States(ctx context.Context, units []string) (map[string]string, error) {
	loaded, err := s.loaded(ctx)
	if err != nil {
		return nil, err
	}
	states := make(map[string]string, len(units))
	for _, unit := range units {
		status := loaded[unit]
		states[unit] = cmp.Or(status.ActiveState, inactive)
		if strings.HasPrefix(status.SubState, "auto-restart") {
			states[unit] = "failed"
		}
	}
	return states, nil
}

const inactive = "inactive"

// loaded returns the units that systemd has in memory. To ask for others would have
// it read their files, only to say that they are inactive.
func (s *Systemd) loaded(ctx context.Context) (map[string]dbus.UnitStatus, error) {
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
func (s *Systemd) Start(ctx context.Context, sockets []string) map[string]error {
	failed := s.batch(ctx, s.conn.StartUnitContext, sockets)
	for unit, err := range failed {
		if errors.Is(err, errJob) {
			if result, _ := s.conn.GetUnitTypePropertyContext(ctx, unit, "Socket", "Result"); result != nil {
				err = fmt.Errorf("%w, %v", err, result.Value.Value())
			}
		}
		failed[unit] = explain("start", err)
	}
	return failed
}

// Stop stops units, all at once, makes systemd forget that any of them failed,
// and returns why units did not stop. A unit that does not exist is stopped.
func (s *Systemd) Stop(ctx context.Context, units []string) map[string]error {
	loaded, err := s.loaded(ctx)
	if err != nil {
		return all(units, err)
	}
	stopped := func(unit string) bool {
		status, found := loaded[unit]
		return !found || status.ActiveState == inactive && status.JobId == 0
	}
	failed := s.batch(ctx, s.conn.StopUnitContext, slices.DeleteFunc(slices.Clone(units), stopped))
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

// TryRestart starts those units again that run, all at once, and returns why units
// failed.
func (s *Systemd) TryRestart(ctx context.Context, units []string) map[string]error {
	failed := s.batch(ctx, s.conn.TryRestartUnitContext, units)
	for unit, err := range failed {
		failed[unit] = explain("restart", err)
	}
	return failed
}

// errJob means that systemd took an order and then failed to do it.
var errJob = errors.New("systemd could not")

// batch gives the same order for many units and then waits for all of them.
func (s *Systemd) batch(ctx context.Context, order func(context.Context, string, string, chan<- string) (int, error), units []string) map[string]error {
	failed := make(map[string]error)
	results := make([]chan string, len(units))
	for i, unit := range units {
		results[i] = make(chan string, 1) // a channel that blocks would stall the connection
		if _, err := order(ctx, unit, "replace", results[i]); err != nil {
			failed[unit] = err
			results[i] <- ""
		}
	}
	for i, unit := range units {
		select {
		case text := <-results[i]:
			switch {
			case failed[unit] != nil || text == "done":
			case text == "canceled":
				failed[unit] = errors.New("another order took its place")
			default:
				failed[unit] = fmt.Errorf("%w: %s", errJob, text)
			}
		case <-ctx.Done():
			failed[unit] = ctx.Err()
		}
		if s.Progress != nil {
			s.Progress(i+1, len(units))
		}
	}
	return failed
}

func isUnknown(err error) bool {
	var e godbus.Error
	return errors.As(err, &e) && e.Name == "org.freedesktop.systemd1.NoSuchUnit"
}

// explain names the order that failed, and tells a missing right from other
// errors.
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
		}
	}
	return fmt.Errorf("%s: %w", order, err)
}
