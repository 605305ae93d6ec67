package doctor

import (
	"context"
	"fmt"

	"github.com/prometheus/procfs"
)

// examineLimits finds limits that are nearly reached: systemd has an open file for each
// address of each BMC, and two of them during a reload.
func (d *Doctor) examineLimits(context.Context) error {
	proc, err := procfs.NewFS(d.ProcDir)
	if err != nil {
		return err
	}
	usage, err := proc.SysctlInts("fs.file-nr") // used, unused, limit
	if err != nil {
		return err
	}
	if len(usage) != 3 {
		return fmt.Errorf("fs.file-nr has %d numbers, want 3", len(usage))
	}
	if used, limit := uint64(usage[0]), uint64(usage[2]); nearly(used, limit) {
		d.problem("", fmt.Sprintf("%d of at most %d files are open on this host", used, limit), "raise the limit with sysctl fs.file-max=NUMBER")
	}
	if d.Host.User {
		return nil // the service manager of a user is another process, with few files
	}
	manager, err := proc.Proc(1)
	if err != nil {
		return err
	}
	limits, err := manager.Limits()
	if err != nil {
		return err
	}
	open, err := manager.FileDescriptorsLen()
	if err == nil && nearly(2*uint64(open), limits.OpenFiles) {
		d.problem("", fmt.Sprintf("systemd has %d files open, at most %d are allowed, and it needs twice as many while it reads unit files again", open, limits.OpenFiles),
			`raise the limit with prlimit --pid 1 --nofile=NUMBER; beyond it, "systemctl daemon-reload" does nothing and fails silently`)
	}
	return err
}

// nearly reports whether more than nine tenths are used.
func nearly(used, limit uint64) bool { return used > limit-limit/10 }
