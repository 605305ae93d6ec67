package systemd

import (
	"context"
	"time"
)

// A Process is what systemd knows about the main process of a service.
type Process struct {
	PID    int       // 0: none runs
	Since  time.Time // when it became ready
	Status string    // what it says about itself
}

// Processes returns the main process of each service that runs.
func (s *Manager) Processes(ctx context.Context, services []string) (map[string]Process, error) {
	loaded, err := s.loaded(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[string]Process)
	for _, unit := range services {
		if loaded[unit].ActiveState != "active" {
			continue
		}
		properties, err := s.conn.GetAllPropertiesContext(ctx, unit)
		if err != nil {
			return nil, explain("read the properties of "+unit, err)
		}
		pid, _ := properties["MainPID"].(uint32)
		since, _ := properties["ActiveEnterTimestamp"].(uint64)
		status, _ := properties["StatusText"].(string)
		all[unit] = Process{int(pid), time.UnixMicro(int64(since)), status}
	}
	return all, nil
}
