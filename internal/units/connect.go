package units

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

// ErrUnreachable means that there is no service manager to talk to.
var ErrUnreachable = errors.New("systemd cannot be reached")

// Connect opens a connection to the service manager of the host that lives until
// ctx ends or Close. Root talks to systemd itself, and so needs no message bus;
// others go through the system bus.
func Connect(ctx context.Context) (*Systemd, error) {
	var private error
	if os.Geteuid() == 0 {
		conn, err := dbus.NewSystemdConnectionContext(ctx)
		if err == nil {
			return &Systemd{conn: conn}, nil
		}
		private = err
	}
	conn, err := dbus.NewSystemConnectionContext(ctx)
	switch {
	case err == nil:
		return &Systemd{conn: conn}, nil
	case private != nil:
		return nil, fmt.Errorf("%w: private socket: %w; system bus: %w", ErrUnreachable, private, err)
	default:
		return nil, fmt.Errorf("%w: system bus: %w", ErrUnreachable, err)
	}
}

// ConnectUser is Connect with the service manager of the user who calls, which needs
// no message bus either. getenv has the shape of os.Getenv.
func ConnectUser(ctx context.Context, getenv func(string) string) (*Systemd, error) {
	address := "unix:path=" + filepath.Join(userRuntimeDir(getenv), "systemd/private")
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
	return &Systemd{conn: conn}, nil
}

// ErrUserUnreachable means that the user has no service manager: he is not logged
// in, or not in a way that starts one.
var ErrUserUnreachable = errors.New("systemd of this user cannot be reached")
