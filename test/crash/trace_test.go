//go:build e2e

package crash

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/test/activation"
)

// effective are the system calls that change what a process leaves behind, or
// take what others sent it. To die before each of them, and after the last, is to
// die at every instant that makes a difference.
var effective = []uint64{
	unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_FSYNC,
	unix.SYS_OPENAT, unix.SYS_CLOSE, unix.SYS_FLOCK, unix.SYS_MKDIRAT, unix.SYS_RENAMEAT, unix.SYS_UNLINKAT,
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT,
	unix.SYS_RECVMSG, unix.SYS_SENDMSG, unix.SYS_SENDTO, unix.SYS_ACCEPT4,
	unix.SYS_CLONE, unix.SYS_EXECVE, unix.SYS_SETPGID, unix.SYS_DUP3, unix.SYS_FCNTL, unix.SYS_CHDIR,
	unix.SYS_KILL, unix.SYS_WAITID, unix.SYS_EXIT_GROUP,
}

// firstFD is the first descriptor of the tracer that is a socket. The last of its descriptors is where it prints its progress.
const firstFD = 3

// trace runs a program and kills it with SIGKILL before its nth effective system
// call. It prints to progress the process ID, and how many calls there were at the
// end. Those of a child count too, up to the program that it becomes, but it is
// never the child that is killed.
func trace(nth int, sockets []*os.File, progress *os.File, program string) int {
	runtime.LockOSThread() // a tracer is a thread
	cmd := activation.Command(program, os.Environ(), sockets...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Fprintln(progress, cmd.Process.Pid)
	t := tracer{main: cmd.Process.Pid, nth: nth}
	status := t.run()
	fmt.Fprintln(progress, t.count)
	return status
}

type tracer struct {
	main  int // process ID of the program
	nth   int
	count int
	begun bool // sh has become the program
}

// run returns the exit status when no process is left to trace. A child whose
// tracer went away too early would stop for ever.
func (t *tracer) run() (exit int) {
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEEXEC |
		unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK
	for first := true; ; first = false {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ECHILD:
			return exit
		}
		must(err)
		if first {
			must(unix.PtraceSetOptions(pid, options))
		}
		deliver := 0
		switch {
		case !status.Stopped():
			if pid == t.main {
				exit = status.ExitStatus()
			}
			continue
		case status.StopSignal() == unix.SIGTRAP|0x80:
			t.call(pid)
		case status.TrapCause() == unix.PTRACE_EVENT_EXEC && pid != t.main:
			_ = unix.PtraceDetach(pid) // it is a script now
			continue
		case status.TrapCause() == unix.PTRACE_EVENT_EXEC:
			t.begun = true
		case status.StopSignal() != unix.SIGTRAP && status.StopSignal() != unix.SIGSTOP:
			deliver = int(status.StopSignal())
		}
		_ = unix.PtraceSyscall(pid, deliver) // it may be dead by now
	}
}

// call counts the system call that a thread is about to make, if it has effects.
func (t *tracer) call(pid int) {
	number, ok := entered(pid)
	if !t.begun || !ok || !slices.Contains(effective, number) {
		return
	}
	t.count++
	if t.count == t.nth {
		must(unix.Kill(t.main, unix.SIGKILL))
	}
}

// entered is the number of the system call at whose entry a thread has stopped.
func entered(pid int) (number uint64, ok bool) {
	var info struct {
		op     uint8
		_      [3]uint8
		arch   uint32
		_      [2]uint64 // instruction and stack pointer
		number uint64
		_      [8]uint64
	}
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(pid),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	return info.number, errno == 0 && info.op == unix.PTRACE_SYSCALL_INFO_ENTRY
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// tracing is what the process does that a test starts to run the program for it.
func tracing() {
	if nth := os.Getenv("CRASH_AT"); nth != "" {
		n, err := strconv.Atoi(nth)
		must(err)
		count, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
		must(err)
		var sockets []*os.File
		for i := range count {
			sockets = append(sockets, os.NewFile(uintptr(firstFD+i), "socket"))
		}
		progress := firstFD + count
		unix.CloseOnExec(progress)
		os.Exit(trace(n, sockets, os.NewFile(uintptr(progress), "progress"), os.Getenv("CRASH_PROGRAM")))
	}
}
