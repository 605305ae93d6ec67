package systemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cgroupRoots are where the unified hierarchy may be mounted, the hybrid place first.
var cgroupRoots = []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"}

// errNoFilter means that packets from every address reach a socket.
var errNoFilter = errors.New("the kernel has no filter for it")

// CheckFilter returns an error if IPAddressAllow= of a running socket unit has no
// effect, or if that cannot be found out. systemd attaches a BPF program to the control
// group of the socket. If it cannot do so, it leaves the socket open to every address.
func (s *Manager) CheckFilter(ctx context.Context, unit string) error {
	property, err := s.conn.GetUnitTypePropertyContext(ctx, unit, "Socket", "ControlGroup")
	if err != nil {
		return explain("find the filter of "+unit, err)
	}
	group, ok := property.Value.Value().(string)
	if !ok || group == "" {
		return errNoFilter
	}
	for _, root := range cgroupRoots {
		if dir, err := os.Open(filepath.Join(root, group)); err == nil {
			defer dir.Close()
			return checkFilter(dir)
		}
	}
	return errNoFilter
}

// checkFilter asks the kernel whether a control group has an ingress filter, see bpf(2).
func checkFilter(group *os.File) error {
	query := struct { // union bpf_attr, the part "query"
		target, attachType, queryFlags, attachFlags uint32
		ids                                         uint64
		count, _                                    uint32
		more                                        [4]uint64
	}{target: uint32(group.Fd()), attachType: unix.BPF_CGROUP_INET_INGRESS}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_QUERY, uintptr(unsafe.Pointer(&query)), unsafe.Sizeof(query))
	runtime.KeepAlive(group)
	switch {
	case errno != 0:
		return fmt.Errorf("%w, or it cannot be seen: bpf: %w", errNoFilter, errno)
	case query.count == 0:
		return errNoFilter
	}
	return nil
}
