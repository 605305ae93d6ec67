package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/doctor"
	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) startCommand() *cobra.Command {
	var (
		selected selection
		wait     bool
	)
	cmd := &cobra.Command{
		Use:   "start NAME...",
		Short: "Start BMCs now and at boot",
		Long: `Start BMCs: systemd listens for them from now on, also after the next boot. Changes
that were made to drop-ins by hand take effect.

This is "systemctl enable --now", because a BMC is expected to be available as long as
its machine. "shipmi enable" and "systemctl start" do one half of it each.

systemd starts the process of a BMC when a packet arrives, or at once if the BMC has
"--console-log always". With --wait, the command starts the process and fails if it cannot
read its settings or its credentials.`,
		Example: `  shipmi start node-0
  shipmi start node-0 node-1 node-2
  shipmi start 'rack-3-*'
  shipmi start --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.manage(cmd.Context(), selected.patterns(args), func(s serviceManager, bmcs []units.BMC) error {
				return a.start(cmd.Context(), s, bmcs, wait)
			})
		},
	}
	selected.addTo(cmd, a)
	addWaitFlag(cmd, &wait)
	return cmd
}

// addWaitFlag adds the flag of commands that start BMCs.
func addWaitFlag(cmd *cobra.Command, wait *bool) {
	cmd.Flags().BoolVar(wait, "wait", false, "also start the processes, and wait until they are ready for packets")
}

// checkFiles returns an error for each BMC whose files are invalid.
func checkFiles(bmcs []units.BMC) error {
	var errs []error
	for _, b := range bmcs {
		if b.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", b.Name, b.Err))
		}
	}
	return errors.Join(errs...)
}

// warnProviders warns of BMCs whose provider file is gone or invalid, or does not fit their
// parameters. It may still come, for example with another file system.
func (a *app) warnProviders(bmcs []units.BMC) {
	load := a.host.ProviderLoader()
	for _, b := range bmcs {
		p, err := load(b.Provider)
		if err == nil {
			_, err = p.Values(b.Name, b.Parameters)
		}
		if err != nil {
			a.Warn("%s: clients get an error for every command until this is corrected: %v", b.Name, err)
		}
	}
}

// warnCertificates warns of BMCs whose own certificate is gone. systemd does not start the
// process of such a BMC.
func (a *app) warnCertificates(bmcs []units.BMC) {
	for _, b := range bmcs {
		if b.Certificate == (units.Certificate{}) {
			continue
		}
		files := a.store.CertificateFiles(b)
		for _, path := range []string{files.Cert, files.Key} {
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				a.Warn("%s: its process cannot start without the file %s of its certificate", b.Name, path)
			}
		}
	}
}

// start starts BMCs. With wait, it also starts their processes.
func (a *app) start(ctx context.Context, s serviceManager, bmcs []units.BMC, wait bool) error {
	if err := checkFiles(bmcs); err != nil {
		return err
	}
	a.warnProviders(bmcs)
	made, err := a.certify(ctx, bmcs)
	if err != nil {
		return err
	}
	if made {
		a.explainRedfish(bmcs)
	}
	a.warnCertificates(bmcs)
	states, err := s.States(ctx, sockets(bmcs))
	if err != nil {
		return err
	}
	enabled, err := a.store.Enabled()
	if err != nil {
		return err
	}

	free, err := a.freeToListen(bmcs, states)
	if free == nil {
		return err
	}
	// Enable comes first: one reload then covers the new links, too, and it is much faster
	// before systemd has the units in memory.
	var enable []units.BMC
	for _, b := range free {
		if !enabled[b.Name] {
			enable = append(enable, b)
		}
	}
	if enable != nil {
		if failure := s.Enable(ctx, sockets(enable)); failure != nil {
			return errors.Join(err, failure, a.takeBack(ctx, s, enable))
		}
	}
	if failure := s.Reload(ctx); failure != nil {
		return errors.Join(err, failure, a.takeBack(ctx, s, enable))
	}
	failed := s.Start(ctx, sockets(free))
	var started, stopped []units.BMC
	for _, b := range free {
		failure := failed[units.SocketUnit(b.Name)]
		if failure == nil {
			started = append(started, b)
			continue
		}
		err = errors.Join(err, startError(b, failure))
		if !enabled[b.Name] {
			stopped = append(stopped, b)
		}
	}
	a.warnUnfiltered(ctx, s, started)
	err = errors.Join(err, startMissingInband(ctx, s, started))
	if wait {
		err = errors.Join(err, startServices(ctx, s, started))
	}
	a.warnLacks(ctx, s, started)
	return errors.Join(err, a.takeBack(ctx, s, stopped))
}

// startMissingInband starts the sockets for guests that systemd did not start together with
// the other sockets of BMCs.
func startMissingInband(ctx context.Context, s serviceManager, bmcs []units.BMC) error {
	var names, sockets []string
	for _, b := range bmcs {
		if b.Inband != 0 {
			names, sockets = append(names, b.Name), append(sockets, units.InbandUnit(b.Name))
		}
	}
	if names == nil {
		return nil
	}
	states, err := s.States(ctx, sockets)
	if err != nil {
		return err
	}
	return startInband(ctx, s, slices.DeleteFunc(names, func(name string) bool { return states[units.InbandUnit(name)] == "active" }))
}

// startServices starts the processes of BMCs.
func startServices(ctx context.Context, s serviceManager, bmcs []units.BMC) error {
	failed := s.Start(ctx, services(bmcs))
	var errs []error
	for _, b := range bmcs {
		if failure := failed[units.ServiceUnit(b.Name)]; failure != nil {
			errs = append(errs, startError(b, failure))
		}
	}
	return errors.Join(errs...)
}

// takeBack disables BMCs that "start" enabled and that did not start. If the command was
// interrupted, systemd may be about to start them: their jobs are canceled.
func (a *app) takeBack(ctx context.Context, s serviceManager, bmcs []units.BMC) error {
	if bmcs == nil {
		return nil
	}
	undo := context.WithoutCancel(ctx)
	var errs []error
	if ctx.Err() != nil {
		for _, err := range s.Stop(undo, sockets(bmcs)) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, a.disable(undo, s, bmcs), s.Reload(undo))...)
}

// warnLacks warns of BMCs whose service lacks credentials or the sandbox, because of a drop-in
// for all services of the host.
func (a *app) warnLacks(ctx context.Context, s serviceManager, bmcs []units.BMC) {
	isRoot := func(b units.BMC) bool { return b.RunAs == (units.Account{}) }
	sandboxed := slices.DeleteFunc(slices.Clone(bmcs), isRoot)
	executions, err := s.Executions(ctx, services(sandboxed))
	if err != nil {
		a.Warn("%v", err)
		return
	}
	for _, b := range sandboxed {
		for _, lack := range doctor.Lacks(b, executions[units.ServiceUnit(b.Name)]) {
			a.Warn("%s: %s", b.Name, lack)
		}
	}
}

// startError adds to the error of a unit where to look. The journal does not explain a mask.
func startError(b units.BMC, failure error) error {
	err := fmt.Errorf("%s: %w", b.Name, failure)
	if errors.Is(failure, systemd.ErrMasked) {
		return err
	}
	return hint.Add(err, `see "shipmi logs %s"`, b.Name)
}

// warnUnfiltered warns of BMCs whose --allow has no effect.
func (a *app) warnUnfiltered(ctx context.Context, s serviceManager, bmcs []units.BMC) {
	for _, b := range bmcs {
		if b.Allow == nil {
			continue
		}
		if err := s.CheckFilter(ctx, units.SocketUnit(b.Name)); err != nil {
			a.Warn("%s: packets may come from anywhere, not only from %s: %v", b.Name, strings.Join(b.Allow, ", "), err)
		}
	}
}

// freeToListen returns the BMCs that listen already or can listen. The error names the
// others. systemd does not notice that a UDP port is in use: it binds with SO_REUSEADDR,
// and the kernel lets two UDP sockets that both do so have the same port. Only one of them
// gets the packets.
func (a *app) freeToListen(bmcs []units.BMC, states map[string]string) ([]units.BMC, error) {
	var (
		free []units.BMC
		errs []error
	)
	for _, b := range bmcs {
		if states[units.SocketUnit(b.Name)] != "active" {
			bound, err := a.listen(b.Name, b.Endpoints())
			for _, socket := range bound {
				defer socket.Close() // only after the other BMCs have tried the same port
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
		}
		free = append(free, b)
	}
	return free, errors.Join(errs...)
}

// listen binds addresses for a BMC. An address that the host does not have is only worth
// a warning, because it may appear later.
func (a *app) listen(name string, endpoints []units.Endpoint) (bound []io.Closer, err error) {
	var missing []netip.Addr
	for _, e := range endpoints {
		c, failure := bind(e)
		switch {
		case failure == nil:
			bound = append(bound, c)
		case errors.Is(failure, unix.EADDRINUSE):
			err = errors.Join(err, inUse(name, e))
		case errors.Is(failure, unix.EADDRNOTAVAIL):
			if !slices.Contains(missing, e.Addr()) {
				missing = append(missing, e.Addr())
				a.Warn("%s: this host does not have the address %v yet", name, e.Addr())
			}
		case a.host.User && errors.Is(failure, unix.EACCES):
			failure = fmt.Errorf("%s: only root may listen on the port %d", name, e.Port())
			port := 6230
			if e.Network == units.TCP {
				port = 8443
			}
			err = errors.Join(err, hint.Add(failure, `choose another port, as in "shipmi --user set %s --%s %d"`, name, doctor.PortFlag(e), port))
		default:
			err = errors.Join(err, fmt.Errorf("%s: %w", name, failure))
		}
	}
	return bound, err
}

func bind(e units.Endpoint) (io.Closer, error) {
	if e.Network == units.TCP {
		return net.Listen(e.Network, e.AddrPort.String())
	}
	return net.ListenPacket(e.Network, e.AddrPort.String())
}

func inUse(name string, e units.Endpoint) error {
	err := fmt.Errorf("%s: address and port %v are in use by another program", name, e)
	return hint.Add(err, "see %s", doctor.ListUsers(e))
}
