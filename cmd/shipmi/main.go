package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

func main() {
	unix.Umask(0o022) // every user may read drop-ins

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	context.AfterFunc(ctx, func() {
		time.Sleep(time.Second) // timeout(1) sends a signal twice
		stop()                  // the next signal kills
	})

	a := &app{
		Terminal: terminal.Terminal{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv},
		store:    units.SystemStore(""),
		host:     settings.Host{BuiltIn: provider.BuiltIn(), Getenv: os.Getenv, Now: time.Now},
		procDir:  "/proc",

		lingerDir: "/var/lib/systemd/linger",
		ping:      ping,
	}
	a.store.Sandbox = filepath.Join(filepath.Dir(provider.BuiltIn()), "sandbox.conf")
	a.host.ConfigDirs = []string{a.store.ConfigDir()}
	a.connect = func(ctx context.Context) (serviceManager, error) {
		return a.withProgress(systemd.Connect(ctx))
	}
	a.connectUser = func(ctx context.Context) (serviceManager, error) {
		return a.withProgress(systemd.ConnectUser(ctx, units.UserRuntimeDir(os.Getenv)))
	}
	status := a.run(ctx, os.Args[1:])
	if status == exitInterrupted {
		stop()
		interruptMyself()
	}
	os.Exit(status)
}

// withProgress shows the progress of systemd's jobs on the terminal.
func (a *app) withProgress(m *systemd.Manager, err error) (serviceManager, error) {
	if err != nil {
		return nil, err
	}
	m.Progress = a.Progress
	return m, nil
}

// interruptMyself dies of SIGINT, so that a loop in a shell ends, too. It returns if the
// signal is ignored.
func interruptMyself() {
	runtime.LockOSThread() // a signal to another thread might arrive too late
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGINT)
}
