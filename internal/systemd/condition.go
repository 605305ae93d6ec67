package systemd

import (
	"context"
	"strings"
)

// A Condition is what systemd knows about a unit.
type Condition struct {
	Load       string // loaded, not-found, bad-setting and the like
	Active     bool
	Failed     bool
	Result     string // of the last run of a unit that failed, such as trigger-limit-hit or exit-code
	NeedReload bool   // its files changed after systemd read them
}

// Conditions returns the condition of each unit. systemd reads the files of units that it
// does not have in memory.
func (s *Manager) Conditions(ctx context.Context, units []string) (map[string]Condition, error) {
	inMemory, err := s.loaded(ctx)
	if err != nil {
		return nil, err
	}
	statuses, err := s.conn.ListUnitsByNamesContext(ctx, units)
	if err != nil {
		return nil, explain("list units", err)
	}
	all := make(map[string]Condition)
	var old, failed []string
	for _, status := range statuses {
		c := Condition{Load: status.LoadState, Active: status.ActiveState == "active", Failed: isFailed(status)}
		all[status.Name] = c
		if _, found := inMemory[status.Name]; found {
			old = append(old, status.Name)
		}
		if c.Failed {
			failed = append(failed, status.Name)
		}
	}
	needReload, err := s.property(ctx, old, "Unit", "NeedDaemonReload")
	if err != nil {
		return nil, err
	}
	results, err := s.results(ctx, failed)
	if err != nil {
		return nil, err
	}
	for unit, c := range all {
		c.NeedReload, _ = needReload[unit].(bool)
		c.Result, _ = results[unit].(string)
		all[unit] = c
	}
	return all, nil
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
