package ipmi

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// What a provider file may say; nothing here runs it.
const (
	statusOnly  = "[POWER]\nstatus=.\n"
	powerOnly   = statusOnly + "on=.\noff=.\nshutdown=.\nreset=.\ndiag=.\n"
	allButGet   = powerOnly + "[BOOT]\nset=.\n"
	fullService = allButGet + "get=.\n"
)

// boot is when the tests begin: an hour after the host was booted.
const boot = time.Hour

// day is the same in the calendar.
var day = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A rig is a BMC with two sessions. A test says what its scripts do.
type rig struct {
	*BMC
	t        testing.TB
	now      time.Duration
	session  *Session // that asks: the first of sessions, until a test says otherwise
	sessions []Session
	ends     []uint32
	users    instance.Credentials
	does     map[provider.Verb]Result
	ran      []string // as in "boot set network persistent efi"
	stored   []byte   // the state, as JSON
	noSpace  bool     // nothing can be stored
	log      bytes.Buffer
	lan      LAN
	running  bool // an action runs
}

func newRig(t testing.TB, providerFile string) *rig {
	r := &rig{t: t, now: boot, does: map[provider.Verb]Result{}}
	r.sessions = []Session{
		{
			ID: 0x11223344, Handle: 1, UserID: 2, User: "admin",
			Privilege: rmcp.Administrator, Limit: rmcp.Administrator,
			Peer: netip.MustParseAddrPort("192.0.2.7:50000"),
		},
		{
			ID: 0x55667788, Handle: 3, UserID: 3, User: "maas",
			Privilege: rmcp.Operator, Limit: rmcp.Operator,
			Peer: netip.MustParseAddrPort("[2001:db8::9]:623"),
		},
	}
	r.session = &r.sessions[0]
	r.users = instance.Credentials{Users: []instance.User{
		{ID: 2, Name: "admin", Password: instance.Hide("password"), Privilege: instance.PrivilegeAdministrator},
		{ID: 3, Name: "maas", Password: instance.Hide("a password of 20 by."), Privilege: instance.PrivilegeOperator},
	}}
	r.BMC = &BMC{
		Identity: Identity{
			Name:       "node-0",
			Version:    "v1.42.0",
			HostBoot:   "first",
			DeviceGUID: [16]byte(unhex(t, "30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f")),
			GUID:       [16]byte(unhex(t, "20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f")),
			Firmware:   [2]byte{1, 42},
			Suites:     []rmcp.Suite{rmcp.Suite3, rmcp.Suite17},
		},
		Sessions: r,
		Running:  func() bool { return r.running },
		LAN:      func(netip.Addr) LAN { return r.lan },
		Users:    r,
		Save: func(s State) (err error) {
			if r.noSpace {
				return errors.New("no space left on device")
			}
			r.stored, err = json.Marshal(s)
			return err
		},
		Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	}
	r.provide(providerFile)
	return r
}

// List implements Sessions.
func (r *rig) List() []Session { return r.sessions }

// Credentials implements Users.
func (r *rig) Credentials() instance.Credentials { return r.users }

// Change implements Users. The sessions of users who change end.
func (r *rig) Change(change func(*instance.Credentials) error) (ends []uint32, err error) {
	if r.noSpace {
		return nil, errors.New("no space left on device")
	}
	changed := r.users
	if err := change(&changed); err != nil {
		return nil, err
	}
	for _, s := range r.sessions {
		if entry(userOf(r.users, s.UserID)) != entry(userOf(changed, s.UserID)) {
			ends = append(ends, s.ID)
		}
	}
	r.users = changed
	return ends, nil
}

// entry is what a credential file says of a user.
func entry(u instance.User) string {
	file := string(instance.Credentials{Users: []instance.User{u}}.Marshal())
	return strings.TrimSuffix(strings.TrimPrefix(file, `{"users":[`), "]}\n")
}

func (r *rig) provide(text string) {
	path := filepath.Join(r.t.TempDir(), "test.conf")
	require.NoError(r.t, os.WriteFile(path, []byte(text), 0o600))
	p, err := provider.Load(path)
	require.NoError(r.t, err)
	r.Provider = func() (*provider.Provider, error) { return p, nil }
}

// restart is the next process of the BMC, with what the state directory holds.
func (r *rig) restart() {
	var s State
	require.NoError(r.t, json.Unmarshal(r.stored, &s))
	r.BMC = &BMC{Identity: r.Identity, State: s, FRU: r.FRU, Sessions: r, Running: r.Running, Users: r, Provider: r.Provider, LAN: r.LAN, Save: r.Save, Log: r.Log}
}

// ask sends a request like "00/08 05 80 04 00 00 00" and returns completion
// code and data in the same way.
func (r *rig) ask(request string) string {
	asked := r.request(request)
	_, answer := r.Handle(asked)
	r.session.Privilege = asked.Session.Privilege
	return r.complete(answer)
}

func (r *rig) request(text string) *Request {
	return &Request{
		Request: parse(r.t, text), Session: *r.session,
		Now: r.now, Time: day.Add(r.now - boot), Local: netip.MustParseAddrPort("192.0.2.10:6230"),
	}
}

// complete plays the script of an answer, if there is one.
func (r *rig) complete(a Answer) string {
	if a.Script != nil {
		s := a.Script
		text := string(s.Verb)
		if s.Boot != (provider.Boot{}) {
			text += " " + string(s.Boot.Device)
		}
		if s.Boot.Persistent {
			text += " persistent"
		}
		if s.Boot.EFI {
			text += " efi"
		}
		r.ran = append(r.ran, text)
		result := r.does[s.Verb]
		result.Time = day.Add(r.now - boot)
		a = s.Then(result)
	}
	r.ends = append(r.ends, a.Ends...)
	return fmt.Sprintf("% x", append([]byte{byte(a.Code)}, a.Data...))
}

// A step is a request and its answer.
type step struct{ request, answer string }

// talk asks for every step and compares the answers.
func (r *rig) talk(steps ...step) {
	r.t.Helper()
	for i, s := range steps {
		require.Equal(r.t, s.answer, r.ask(s.request), "step %d: %s", i, s.request)
	}
}

// scripts returns what ran since it was last called.
func (r *rig) scripts() []string {
	ran := r.ran
	r.ran = nil
	return ran
}

func parse(t testing.TB, request string) rmcp.Request {
	head, data, _ := strings.Cut(request, " ")
	code, err := strconv.ParseUint(strings.ReplaceAll(head, "/", ""), 16, 16)
	require.NoError(t, err, request)
	return rmcp.Request{
		RsAddr: rmcp.AddressBMC, NetFn: rmcp.NetFn(code >> 8), RqAddr: 0x81, RqSeq: 1,
		Cmd: byte(code), Data: unhex(t, data),
	}
}

// stripped leaves only the bytes of a text that has a note on each line.
func stripped(text string) string {
	var all []string
	for line := range strings.Lines(text) {
		data, _, _ := strings.Cut(line, "#")
		all = append(all, strings.Fields(data)...)
	}
	return strings.Join(all, " ")
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err, s)
	return b
}
