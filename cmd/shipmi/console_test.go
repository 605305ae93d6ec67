package main

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/console"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
	"github.com/shipmi/shipmi/internal/units"
)

// attach writes the files that the process of a BMC would have written for clients that have
// its console open since 10 s ago, and for one whose session has ended: attach NAME CLIENTS [USER]
func attach(ts *testscript.TestScript, _ bool, args []string) {
	clients, err := strconv.Atoi(args[1])
	ts.Check(err)
	user := "admin"
	if len(args) > 2 {
		user = args[2]
	}
	dir := filepath.Join(ts.MkAbs("run/shipmi-bmc"), args[0])
	ts.Check(os.RemoveAll(dir))
	ts.Check(os.MkdirAll(dir, 0o700))
	now := bootTime() - 10*time.Second
	secret := func() []byte { return []byte("x") }
	table, err := session.NewTable(dir, session.Config{
		Users: []session.User{{ID: 2, Name: "admin", Limit: rmcp.Administrator, Password: secret}},
		Kg:    func() []byte { return nil }, Suites: []rmcp.Suite{rmcp.Suite17},
		Timeout: time.Hour, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}, now)
	ts.Check(err)
	defer table.Close()

	file := make([]byte, console.SavedLen+console.StorageLen)
	line := console.New(file[console.SavedLen:], console.DefaultSettings)
	line.Connect()
	line.Printed(copy(line.Room(), "boot\nlogin: "), now)
	for i := range clients + 1 {
		peer := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.7"), uint16(40000+i))
		id := uint32(7)
		if i < clients {
			id = logIn(ts, table, peer, now)
		}
		line.Activate(i+1, console.Client{Session: id, User: user, Peer: peer}, now)
	}
	copy(file, line.Unsaved(now))
	ts.Check(os.WriteFile(filepath.Join(dir, "console"), file, 0o600))
}

// logIn opens a session of the user admin, and returns its ID.
func logIn(ts *testscript.TestScript, table *session.Table, peer netip.AddrPort, now time.Duration) uint32 {
	login := session.Login{
		Suite: rmcp.Suite17, Privilege: rmcp.Administrator, User: "admin",
		Password: func() []byte { return []byte("x") }, Kg: func() []byte { return nil },
	}
	c, open, err := login.Open(rand.Reader)
	ts.Check(err)
	rakp1, err := c.RAKP1(table.Open(open, peer, now))
	ts.Check(err)
	rakp2, _ := table.RAKP1(rakp1, peer, now)
	rakp3, err := c.RAKP3(rakp2)
	ts.Check(err)
	rakp4, _ := table.RAKP3(rakp3, peer, now)
	ts.Check(c.Confirm(rakp4))
	return c.ID()
}

func TestReachable(t *testing.T) {
	for _, tt := range []struct {
		listen, want string
		allow        []string
	}{
		{"[::]:623", "[127.0.0.1:623 [::1]:623]", nil},
		{"0.0.0.0:623", "[127.0.0.1:623]", nil},
		{"192.0.2.1:623", "[192.0.2.1:623]", nil},
		{"[::]:623", "[[::1]:623]", []string{"192.0.2.0/24", "::1"}},
		{"[::]:623", "[127.0.0.1:623]", []string{"127.0.0.0/8"}},
		{"192.0.2.1:623", "[192.0.2.1:623]", []string{"192.0.2.0/24"}},
		{"192.0.2.1:623", "[]", []string{"127.0.0.1", "198.51.100.0/24"}},
		{"[fe80::1%eth0]:623", "[[fe80::1%eth0]:623]", []string{"fe80::/10"}},
		{"192.0.2.1:623", "[192.0.2.1:623]", []string{"localhost"}},
	} {
		b := units.BMC{Listen: []netip.AddrPort{netip.MustParseAddrPort(tt.listen)}, Allow: tt.allow}
		require.Equal(t, tt.want, fmt.Sprint(reachable(b)))
	}
}
