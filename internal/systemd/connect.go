package systemd

import (
	"context"
	"errors"
	"fmt"
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
		conn, err := dbus.NewSystemdConnectionContext(ctx)
		if err == nil {
			return &Manager{conn: conn}, nil
		}
		private = err
	}
	conn, err := dbus.NewSystemConnectionContext(ctx)
	switch {
	case err == nil:
		return &Manager{conn: conn}, nil
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
	ctx = context.WithoutCancel(ctx)
	address := "unix:path=" + filepath.Join(runtimeDir, "systemd/private")
	conn, err := dbus.NewConnection(func() (*godbus.Conn, error) {
		conn, err := godbus.Dial(address, godbus.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		if err := conn.Auth([]godbus.Auth{godbus.AuthExternal(strconv.Itoa(os.Getuid()))}); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return conn, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUserUnreachable, err)
	}
	return &Manager{conn: conn}, nil
}

// ErrUserUnreachable means that no service manager runs for the user. It starts when
// the user logs in, and runs always after "loginctl enable-linger".
var ErrUserUnreachable = errors.New("systemd of this user cannot be reached")
