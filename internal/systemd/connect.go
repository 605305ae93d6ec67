package systemd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// ErrUnreachable means that no service manager answers.
var ErrUnreachable = errors.New("systemd cannot be reached")

// Connect opens a connection to the service manager of the host. The connection lives
// until Close is called, also after ctx has ended: then a command that was interrupted still
// has to undo what it began. Root talks to systemd directly and needs no message bus. Other
// users go through the system bus.
func Connect(ctx context.Context) (*Manager, error) {
	ctx = context.WithoutCancel(ctx)
	var private error
	if os.Geteuid() == 0 {
		bus, err := dialPrivate(ctx, "/run/systemd/private")
		if err == nil {
			return newManager(bus)
		}
		private = err
	}
	bus, err := dialSystemBus(ctx)
	switch {
	case err == nil:
		return newManager(bus)
	case private != nil:
		return nil, fmt.Errorf("%w: private socket: %w; system bus: %w", ErrUnreachable, private, err)
	default:
		return nil, fmt.Errorf("%w: system bus: %w", ErrUnreachable, err)
	}
}

// ConnectUser opens a connection to the service manager of the calling user. It needs
// no message bus. runtimeDir is the user's $XDG_RUNTIME_DIR. The connection lives until Close
// is called.
func ConnectUser(ctx context.Context, runtimeDir string) (*Manager, error) {
	bus, err := dialPrivate(context.WithoutCancel(ctx), filepath.Join(runtimeDir, "systemd/private"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUserUnreachable, err)
	}
	return newManager(bus)
}

// newManager returns a Manager that uses one connection for calls and signals. systemd sends
// every signal, such as two for each unit of a daemon-reload, to every private connection.
func newManager(bus *godbus.Conn) (*Manager, error) {
	conn, err := dbus.NewConnection(func() (*godbus.Conn, error) { return bus, nil })
	if err != nil {
		return nil, errors.Join(err, bus.Close())
	}
	return &Manager{conn: conn, bus: bus}, nil
}

// dialPrivate opens a direct connection to a service manager.
func dialPrivate(ctx context.Context, path string) (*godbus.Conn, error) {
	socket, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	conn, err := godbus.NewConn(buffered{bufio.NewReaderSize(socket, readBuffer), socket}, godbus.WithContext(ctx))
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return greet(conn, func() error { return nil })
}

// readBuffer has room for hundreds of signals.
const readBuffer = 64 << 10

// A buffered connection reads many messages with one system call. The D-Bus library alone makes three
// for each message, and systemd sends several signals for each unit that starts or stops.
type buffered struct {
	in *bufio.Reader
	net.Conn
}

func (b buffered) Read(p []byte) (int, error) { return b.in.Read(p) }

func dialSystemBus(ctx context.Context) (*godbus.Conn, error) {
	conn, err := godbus.SystemBusPrivate(godbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	return greet(conn, conn.Hello)
}

// greet says on a new connection who calls, and then calls hello.
func greet(conn *godbus.Conn, hello func() error) (*godbus.Conn, error) {
	err := conn.Auth([]godbus.Auth{godbus.AuthExternal(strconv.Itoa(os.Getuid()))})
	if err == nil {
		err = hello()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// ErrUserUnreachable means that no service manager runs for the user. It starts when
// the user logs in, and runs always after "loginctl enable-linger".
var ErrUserUnreachable = errors.New("systemd of this user cannot be reached")
