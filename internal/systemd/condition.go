package systemd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// A Condition is what systemd knows about a unit.
type Condition struct {
	Load   string // loaded, not-found, bad-setting and the like
	Active bool
	Failed bool
	Result string // of the last run of a unit that failed, such as trigger-limit-hit or exit-code
}

// Conditions returns the condition of each unit. systemd reads the files of units that it
// does not have in memory.
func (s *Manager) Conditions(ctx context.Context, units []string) (map[string]Condition, error) {
	statuses, err := s.conn.ListUnitsByNamesContext(ctx, units)
	if err != nil {
		return nil, explain("list units", err)
	}
	all := make(map[string]Condition)
	var failed []string
	for _, status := range statuses {
		c := Condition{Load: status.LoadState, Active: status.ActiveState == "active", Failed: isFailed(status)}
		all[status.Name] = c
		if c.Failed {
			failed = append(failed, status.Name)
		}
	}
	results, err := s.results(ctx, failed)
	if err != nil {
		return nil, err
	}
	for unit, c := range all {
		c.Result, _ = results[unit].(string)
		all[unit] = c
	}
	return all, nil
}

// NeedReload reports whether systemd has read files of units that have changed since, or that
// are gone. systemd needs 1 ms for each unit to look at its files. It is asked only about the
// units that changedSince returns: those with a file that changed after the time at which
// systemd began to read all files. If changedSince says that files may be gone, NeedReload looks
// for the files that systemd has read.
func (s *Manager) NeedReload(ctx context.Context, units []string, changedSince func(time.Time) (changed []string, gone bool, err error)) (bool, error) {
	manager := s.bus.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
	value, err := manager.GetProperty("org.freedesktop.systemd1.Manager.UnitsLoadTimestamp")
	if err != nil {
		return false, explain("read when it read unit files", err)
	}
	microseconds, _ := value.Value().(uint64)
	changed, gone, err := changedSince(time.UnixMicro(int64(microseconds)))
	if err != nil {
		return false, err
	}
	if gone {
		if lost, err := s.lost(ctx, units); lost || err != nil {
			return lost, err
		}
	}
	needs, err := s.property(ctx, changed, "Unit", "NeedDaemonReload")
	for _, need := range needs {
		if need == true {
			return true, nil
		}
	}
	return false, err
}

// lost reports whether a file of units that systemd has read is gone.
func (s *Manager) lost(ctx context.Context, units []string) (bool, error) {
	fragments, err := s.property(ctx, units, "Unit", "FragmentPath")
	if err != nil {
		return false, err
	}
	dropIns, err := s.property(ctx, units, "Unit", "DropInPaths")
	if err != nil {
		return false, err
	}
	isGone := func(path string) bool {
		_, err := os.Stat(path)
		return errors.Is(err, fs.ErrNotExist)
	}
	for _, unit := range units {
		paths, _ := dropIns[unit].([]string)
		fragment, _ := fragments[unit].(string)
		if fragment != "" && isGone(fragment) || slices.ContainsFunc(paths, isGone) {
			return true, nil
		}
	}
	return false, nil
}

// results returns why units failed.
func (s *Manager) results(ctx context.Context, failed []string) (map[string]any, error) {
	all := make(map[string]any)
	for kind, suffix := range map[string]string{"Service": ".service", "Socket": ".socket"} {
		var units []string
		for _, unit := range failed {
			if strings.HasSuffix(unit, suffix) {
				units = append(units, unit)
			}
		}
		results, err := s.property(ctx, units, kind, "Result")
		if err != nil {
			return nil, err
		}
		for unit, result := range results {
			all[unit] = result
		}
	}
	return all, nil
}

// An Execution is how systemd runs the process of a service.
type Execution struct {
	DropIns         []string // paths of the drop-ins that systemd applies
	Credentials     []string // IDs of LoadCredential=
	NoNewPrivileges bool
}

// Executions returns how systemd runs each service.
func (s *Manager) Executions(ctx context.Context, services []string) (map[string]Execution, error) {
	dropIns, err := s.property(ctx, services, "Unit", "DropInPaths")
	if err != nil {
		return nil, err
	}
	credentials, err := s.property(ctx, services, "Service", "LoadCredential")
	if err != nil {
		return nil, err
	}
	noNewPrivileges, err := s.property(ctx, services, "Service", "NoNewPrivileges")
	if err != nil {
		return nil, err
	}
	all := make(map[string]Execution)
	for _, unit := range services {
		var e Execution
		e.DropIns, _ = dropIns[unit].([]string)
		e.NoNewPrivileges, _ = noNewPrivileges[unit].(bool)
		pairs, _ := credentials[unit].([][]any)
		for _, pair := range pairs {
			id, _ := pair[0].(string)
			e.Credentials = append(e.Credentials, id)
		}
		all[unit] = e
	}
	return all, nil
}

// Programs returns the program of ExecStart= of each service.
func (s *Manager) Programs(ctx context.Context, services []string) (map[string]string, error) {
	values, err := s.property(ctx, services, "Service", "ExecStart")
	if err != nil {
		return nil, err
	}
	programs := make(map[string]string)
	for unit, value := range values {
		if commands, _ := value.([][]any); len(commands) > 0 {
			programs[unit], _ = commands[0][0].(string)
		}
	}
	return programs, nil
}
