package systemd

import "context"

// A Condition is what systemd knows about a unit.
type Condition struct {
	Load       string // loaded, not-found, bad-setting and the like
	Active     bool
	Failed     bool
	Result     string // of the last run, such as success, trigger-limit-hit or exit-code
	NeedReload bool   // its files changed after systemd read them
	Program    string // the program of ExecStart=; "" if the unit is not a service

	DropIns         []string // paths of the drop-ins that systemd applies
	Credentials     []string // IDs of LoadCredential=
	NoNewPrivileges bool
}

// Conditions returns the condition of each unit.
func (s *Manager) Conditions(ctx context.Context, units []string) (map[string]Condition, error) {
	states, err := s.States(ctx, units)
	if err != nil {
		return nil, err
	}
	all := make(map[string]Condition)
	for _, unit := range units {
		properties, err := s.conn.GetAllPropertiesContext(ctx, unit)
		if err != nil {
			return nil, explain("read the properties of "+unit, err)
		}
		c := Condition{Active: states[unit] == "active", Failed: states[unit] == "failed"}
		c.Load, _ = properties["LoadState"].(string)
		c.Result, _ = properties["Result"].(string)
		c.NeedReload, _ = properties["NeedDaemonReload"].(bool)
		if commands, _ := properties["ExecStart"].([][]any); len(commands) > 0 {
			c.Program, _ = commands[0][0].(string)
		}
		c.DropIns, _ = properties["DropInPaths"].([]string)
		c.NoNewPrivileges, _ = properties["NoNewPrivileges"].(bool)
		credentials, _ := properties["LoadCredential"].([][]any)
		for _, pair := range credentials {
			id, _ := pair[0].(string)
			c.Credentials = append(c.Credentials, id)
		}
		all[unit] = c
	}
	return all, nil
}
