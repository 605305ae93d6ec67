package units

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// Systemd carries orders to the service manager of this host. Its methods take
// names of units. An error wraps fs.ErrPermission when the caller may not give
// the order.
type Systemd struct {
	conn *dbus.Conn
}

// ErrUnreachable means that there is no service manager to talk to.
var ErrUnreachable = errors.New("systemd cannot be reached")

// Connect opens a connection that lives until ctx ends or Close. Root talks to
// systemd itself, and so needs no message bus; others go through the system bus.
func Connect(ctx context.Context) (*Systemd, error) {
	var private error
	if os.Geteuid() == 0 {
		conn, err := dbus.NewSystemdConnectionContext(ctx)
		if err == nil {
			return &Systemd{conn}, nil
		}
		private = err
	}
	conn, err := dbus.NewSystemConnectionContext(ctx)
	switch {
	case err == nil:
		return &Systemd{conn}, nil
	case private != nil:
		return nil, fmt.Errorf("%w: private socket: %w; system bus: %w", ErrUnreachable, private, err)
	default:
		return nil, fmt.Errorf("%w: system bus: %w", ErrUnreachable, err)
	}
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

// States returns the active state of each unit, such as active, inactive or
// failed (systemctl(1)), also of those that do not exist. A unit that failed and
// waits to be started again has failed.
func (s *Systemd) States(ctx context.Context, units []string) (map[string]string, error) {
	statuses, err := s.conn.ListUnitsByNamesContext(ctx, units)
	if err != nil {
		return nil, explain("list units", err)
	}
	states := make(map[string]string, len(statuses))
	for _, status := range statuses {
		states[status.Name] = status.ActiveState
		if strings.HasPrefix(status.SubState, "auto-restart") {
			states[status.Name] = "failed"
		}
	}
	return states, nil
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
	failed := s.batch(ctx, s.conn.StopUnitContext, units)
	for _, unit := range units {
		err := failed[unit]
		if err == nil || isUnknown(err) {
			delete(failed, unit)
			err = s.conn.ResetFailedUnitContext(ctx, unit)
		}
		if err != nil && !isUnknown(err) {
			failed[unit] = explain("stop", err)
		}
	}
	return failed
}

// TryRestart starts a unit again if it runs.
func (s *Systemd) TryRestart(ctx context.Context, unit string) error {
	return explain("restart", s.batch(ctx, s.conn.TryRestartUnitContext, []string{unit})[unit])
}

// errJob means that systemd took an order and then failed to do it.
var errJob = errors.New("systemd could not")

// batch gives the same order for many units and then waits for all of them.
func (s *Systemd) batch(ctx context.Context, order func(context.Context, string, string, chan<- string) (int, error), units []string) map[string]error {
	failed := make(map[string]error)
	results := make(map[string]chan string)
	for _, unit := range units {
		result := make(chan string, 1) // a channel that blocks would stall the connection
		if _, err := order(ctx, unit, "replace", result); err != nil {
			failed[unit] = err
			continue
		}
		results[unit] = result
	}
	for unit, result := range results {
		select {
		case text := <-result:
			if text != "done" {
				failed[unit] = fmt.Errorf("%w: %s", errJob, text)
			}
		case <-ctx.Done():
			failed[unit] = ctx.Err()
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
