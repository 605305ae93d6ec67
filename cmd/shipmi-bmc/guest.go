package main

import (
	"cmp"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/activation"
	"github.com/shipmi/shipmi/internal/guest"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// A guestStore is systemd's descriptor store, see sd_notify(3). Systemd itself drops a
// connection that the other side has closed.
type guestStore struct{}

// Keep implements guest.Store.
func (guestStore) Keep(name string, fd int) { notifyWith("FDSTORE=1\nFDNAME="+name, fd) }

// Drop implements guest.Store.
func (guestStore) Drop(name string) { activation.Notify("FDSTOREREMOVE=1\nFDNAME=" + name) }

// serveGuest adds the front for the guest, if the socket for it is there. An administrator who
// has started the socket without a setting wants the default.
func (p *service) serveGuest(level instance.Privilege, sockets sockets, dir string, restart func()) error {
	if sockets.guest == nil {
		for _, k := range sockets.guests {
			unix.Close(k.FD)
			guestStore{}.Drop(k.Name)
		}
		return nil
	}
	g, err := guest.NewServer(guest.Config{
		BMC:         p.bmc,
		Commands:    p.ipmi,
		Level:       rmcp.Privilege(cmp.Or(level, instance.PrivilegeOperator)),
		Local:       sockets.lan.Address(),
		EndSessions: p.lan.EndSessions,
		Store:       guestStore{},
		Restart:     restart,
		Dir:         dir,
		AnswerTime:  guest.AnswerTime,
		Log:         p.bmc.Log,
	}, sockets.guests, activation.Uptime())
	if err != nil {
		return err
	}
	p.guest = g
	p.bmc.Machine.Changed = func(before machine.State) {
		p.ipmi.Changed(before)
		g.Update()
	}
	return nil
}
