package systemd

import (
	"context"
	"time"
)

// A Process is what systemd knows about the main process of a service.
type Process struct {
	PID    int       // 0: none runs
	Since  time.Time // when it became ready
	Status string    // the status that it reports
}

// Processes returns the main process of each service that runs.
func (s *Manager) Processes(ctx context.Context, services []string) (map[string]Process, error) {
	states, err := s.States(ctx, services)
	if err != nil {
		return nil, err
	}
	var running []string
	for _, unit := range services {
		if states[unit] == "active" {
			running = append(running, unit)
		}
	}
	pids, err := s.property(ctx, running, "Service", "MainPID")
	if err != nil {
		return nil, err
	}
	since, err := s.property(ctx, running, "Unit", "ActiveEnterTimestamp")
	if err != nil {
		return nil, err
	}
	status, err := s.property(ctx, running, "Service", "StatusText")
	if err != nil {
		return nil, err
	}
	all := make(map[string]Process)
	for _, unit := range running {
		pid, _ := pids[unit].(uint32)
		microseconds, _ := since[unit].(uint64)
		text, _ := status[unit].(string)
		all[unit] = Process{int(pid), time.UnixMicro(int64(microseconds)), text}
	}
	return all, nil
}
