//go:build !docs

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
	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/units"
)

func main() {
	unix.Umask(0o022) // drop-ins are for everybody to read

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	context.AfterFunc(ctx, func() {
		time.Sleep(time.Second) // timeout(1) sends a signal twice
		stop()                  // the next one kills
	})

	a := &app{
		store:   units.SystemStore(""),
		getenv:  os.Getenv,
		builtIn: provider.BuiltIn(),
		procDir: "/proc",
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
	}
	a.store.Sandbox = filepath.Join(filepath.Dir(provider.BuiltIn()), "sandbox.conf")
	a.config = []string{a.store.ConfigDir()}
	a.connect = func(ctx context.Context) (serviceManager, error) {
		s, err := systemd.Connect(ctx)
		return a.withProgress(s), err
	}
	a.connectUser = func(ctx context.Context) (serviceManager, error) {
		s, err := systemd.ConnectUser(ctx, units.UserRuntimeDir(os.Getenv))
		return a.withProgress(s), err
	}
	status := a.run(ctx, os.Args[1:])
	if status == exitInterrupted {
		stop()
		interruptMyself()
	}
	os.Exit(status)
}

// interruptMyself dies of the signal, so that a loop in a shell ends, too. It returns
// if the signal is ignored.
func interruptMyself() {
	runtime.LockOSThread() // another thread might die too late
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGINT)
}
