package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/provider"
)

// Values that we chose for the console script.
const (
	columns, rows = 80, 24
	hangupGrace   = 5 * time.Second       // from SIGHUP to SIGKILL
	hangupPoll    = 20 * time.Millisecond // while waiting for the end of a process group
)

// A Terminal is the controlling side of the pseudoterminal on which the console script
// runs. Its descriptor may outlive this process, and with it the script does. Read and
// Write never wait. They are not safe for concurrent use.
type Terminal struct {
	master int
	cmd    *exec.Cmd     // nil: an earlier process started the script
	exited chan struct{} // closed when the script's own process has ended; nil without cmd
}

// Connect starts the script of [provider.Connect] on a new pseudoterminal, which is its
// controlling terminal. The terminal passes every byte through, also those that would
// send a signal. Standard error does not lead to the terminal but to Stderr, as for every
// other script: a message about this host is not for clients.
func (r *Runner) Connect() (*Terminal, error) {
	t, err := r.connect()
	if err != nil {
		return nil, &provider.Error{Verb: provider.Connect, Err: err}
	}
	return t, nil
}

func (r *Runner) connect() (*Terminal, error) {
	if !r.Has(provider.Connect) {
		return nil, provider.ErrNoScript
	}
	stderr, err := r.Stderr(provider.Connect)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	master, slave, err := openTerminal()
	if err != nil {
		return nil, fmt.Errorf("pseudoterminal: %w", err)
	}
	defer slave.Close()
	cmd := r.shell(provider.Connect, provider.Args{}, r.Provider.Shell, r.Script(provider.Connect, provider.Boot{}))
	cmd.Env = append(cmd.Env, "TERM=vt220")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	// A script must end when its terminal is hung up, also if this process was started with
	// SIGHUP ignored. A child inherits that, unless the signal has a handler here.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	if err := cmd.Start(); err != nil {
		unix.Close(master)
		return nil, err
	}
	t := &Terminal{master: master, cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // cmd.ProcessState has the result
		close(t.exited)
	}()
	return t, nil
}

// openTerminal opens both sides of a raw pseudoterminal.
func openTerminal() (master int, slave *os.File, err error) {
	master, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, nil, err
	}
	slave, err = openSlave(master)
	if err != nil {
		unix.Close(master)
		return -1, nil, err
	}
	return master, slave, nil
}

// openSlave opens the side of the script, and makes it raw.
func openSlave(master int) (*os.File, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return nil, err
	}
	slave, err := openPeer(master)
	if err != nil {
		return nil, err
	}
	if err := makeRaw(int(slave.Fd())); err != nil {
		slave.Close()
		return nil, err
	}
	return slave, nil
}

// openPeer opens the side of the script as it is.
func openPeer(master int) (*os.File, error) {
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return nil, err
	}
	return os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
}

// makeRaw has a terminal change no byte in either direction, see cfmakeraw(3).
func makeRaw(fd int) error {
	mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	mode.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	mode.Oflag &^= unix.OPOST
	mode.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	mode.Cflag = mode.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, mode); err != nil {
		return err
	}
	return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
}

// AdoptTerminal takes over the descriptor of a [Terminal] of an earlier process.
func AdoptTerminal(fd int) (*Terminal, error) {
	if _, err := unix.IoctlGetInt(fd, unix.TIOCGPTN); err != nil {
		return nil, fmt.Errorf("descriptor %d is no pseudoterminal: %w", fd, err)
	}
	unix.CloseOnExec(fd)
	return &Terminal{master: fd}, unix.SetNonblock(fd, true)
}

// Fd returns the descriptor. It is open until End.
func (t *Terminal) Fd() int { return t.master }

// Read reads what the script has printed. It returns EAGAIN if there is nothing now, and
// [io.EOF] once the script has closed its terminal and everything was read.
func (t *Terminal) Read(b []byte) (int, error) {
	n, err := unix.Read(t.master, b)
	if errors.Is(err, unix.EIO) || err == nil && n == 0 {
		return 0, io.EOF
	}
	return max(n, 0), err
}

// Write has the script read what is typed. It returns EAGAIN if the terminal took nothing.
func (t *Terminal) Write(b []byte) (int, error) {
	n, err := unix.Write(t.master, b)
	return max(n, 0), err
}

// End hangs the script up: SIGHUP to its process group, and SIGKILL if the group has not
// ended after 5 s. End closes the descriptor and says how the script ended. It waits for
// that.
func (t *Terminal) End() string {
	group := t.group()
	unix.Close(t.master)
	if group > 1 {
		hangUp(group)
	}
	if t.cmd == nil {
		return "ended"
	}
	<-t.exited
	return t.cmd.ProcessState.String()
}

// group returns the process group of the script; 0 if it has ended.
func (t *Terminal) group() int {
	if t.cmd != nil {
		return t.cmd.Process.Pid
	}
	session, err := unix.IoctlGetInt(t.master, unix.TIOCGSID)
	if err != nil {
		return 0
	}
	return session
}

// leave kills the process group $1 if the terminal on standard input was hung up meanwhile: a
// terminal that was hung up is no terminal any more.
const leave = `sleep "$2"; [ -t 0 ] || kill -s KILL -- "-$1"`

// Leave leaves the script to another holder of the terminal's descriptor, such as systemd.
// When the last holder has closed the descriptor, the kernel sends SIGHUP to the script. If
// that happens within 5 s, a process that Leave starts then sends SIGKILL to the process group
// of the script. Leave does not wait for that.
func (t *Terminal) Leave() error {
	group := t.group()
	if group <= 1 {
		return nil
	}
	slave, err := openPeer(t.master)
	if err != nil {
		return err
	}
	defer slave.Close()
	cmd := exec.Command(provider.DefaultShell, "-c", leave, "leave", strconv.Itoa(group), strconv.Itoa(int(hangupGrace.Seconds())))
	cmd.Stdin = slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start()
}

// hangUp ends a process group and waits for its end. A process that cannot be killed (in
// state D) is left behind.
func hangUp(group int) {
	signal := unix.SIGHUP
	for waited := time.Duration(0); waited < hangupGrace+killGrace; waited += hangupPoll {
		if waited == hangupGrace {
			signal = unix.SIGKILL
		}
		err := unix.Kill(-group, signal)
		if err != nil { // no process is left that this process may kill
			return
		}
		if signal != unix.SIGKILL {
			signal = 0
		}
		time.Sleep(hangupPoll)
	}
}

// Break runs the script of [provider.Break].
func (r *Runner) Break(ctx context.Context) error {
	if !r.Has(provider.Break) {
		return &provider.Error{Verb: provider.Break, Err: provider.ErrNoScript}
	}
	_, err := r.query(ctx, provider.Break, provider.Args{})
	return err
}
