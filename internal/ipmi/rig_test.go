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
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// Provider files. Their scripts are never run.
const (
	statusOnly  = "[POWER]\nstatus=.\n"
	powerOnly   = statusOnly + "on=.\noff=.\nshutdown=.\nreset=.\ndiag=.\n"
	allButGet   = powerOnly + "[BOOT]\nset=.\n"
	fullService = allButGet + "get=.\n"
	measuring   = "[SENSORS]\ncpu=temperature,C,0..127,warn 80,critical 90\n" +
		"fan1=fan,RPM,0..12000,low 500\ndraw=power,W,0..500\nget=.\n[DCMI]\npower=draw\n"
)

// boot is when the tests begin: an hour after the host was booted.
const boot = time.Hour

// day is the same moment in the calendar.
var day = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A rig is a BMC with two sessions, and plays the part of its owner. A test says what
// its scripts do.
type rig struct {
	*BMC
	t        testing.TB
	now      time.Duration
	session  *Session // that sends: the first of sessions, until a test says otherwise
	sessions []Session
	ends     []uint32
	users    instance.Credentials
	provider *provider.Provider
	broken   error // of the provider's files
	does     map[provider.Verb]machine.Reading
	ran      []string // as in "boot set network persistent efi"
	saved    machine.State
	current  uint64 // generation of the saved state
	stored   []byte // the saved state, as JSON
	console  rigConsole
	reserved []byte // the reservations, as JSON
	system   []byte // the system interface, as JSON
	guest    bool   // requests come from the guest
	noSpace  bool   // nothing can be stored
	log      bytes.Buffer
	lan      LAN
	running  bool // an action runs
}

func newRig(t testing.TB, providerFile string) *rig {
	r := &rig{t: t, now: boot, does: map[provider.Verb]machine.Reading{}}
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
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	r.BMC = &BMC{
		Identity: Identity{
			Name:       "node-0",
			Version:    "v1.42.0",
			DeviceGUID: [16]byte(unhex(t, "30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f")),
			GUID:       [16]byte(unhex(t, "20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f")),
			Firmware:   [2]byte{1, 42},
			Suites:     []rmcp.Suite{rmcp.Suite3, rmcp.Suite17},
		},
		Machine:  &machine.Machine{HostBoot: "first", Log: log},
		Sessions: r,
		Running:  func() bool { return r.running },
		LAN:      func(netip.Addr) LAN { return r.lan },
		Users:    r,
		Console:  &r.console,
		KeepReservations: func(all Reservations) {
			var err error
			r.reserved, err = json.Marshal(all)
			require.NoError(r.t, err)
		},
		KeepSystem: func(s SystemInterface) {
			var err error
			r.system, err = json.Marshal(s)
			require.NoError(r.t, err)
		},
		Log: log,
	}
	r.Machine.Changed = r.Changed
	r.provide(providerFile)
	return r
}

// List implements Sessions.
func (r *rig) List() []Session { return r.sessions }

// Credentials implements Users.
func (r *rig) Credentials() instance.Credentials { return r.users }

// Change implements Users. The sessions of users that change end.
func (r *rig) Change(change func(*instance.Credentials) error) (apply func() []uint32, err error) {
	if r.noSpace {
		return nil, errors.New("no space left on device")
	}
	changed := r.users
	if err := change(&changed); err != nil {
		return nil, err
	}
	return func() (ends []uint32) {
		for _, s := range r.sessions {
			if entry(userOf(r.users, s.UserID)) != entry(userOf(changed, s.UserID)) {
				ends = append(ends, s.ID)
			}
		}
		r.users = changed
		return ends
	}, nil
}

// entry is a user as in a credential file.
func entry(u instance.User) string {
	file := string(instance.Credentials{Users: []instance.User{u}}.Marshal())
	return strings.TrimSuffix(strings.TrimPrefix(file, `{"users":[`), "]}\n")
}

// providers are the providers of the tests so far, by the texts of their files.
var providers = map[string]*provider.Provider{}

func (r *rig) provide(text string) {
	if providers[text] == nil {
		path := filepath.Join(r.t.TempDir(), "test.conf")
		require.NoError(r.t, os.WriteFile(path, []byte(text), 0o600))
		p, err := provider.Load(path)
		require.NoError(r.t, err)
		providers[text] = p
	}
	r.provider = providers[text]
}

// restart is the next process of the BMC, with the files of the one before.
func (r *rig) restart() {
	var s machine.State
	if r.stored != nil {
		require.NoError(r.t, json.Unmarshal(r.stored, &s))
	}
	var kept Reservations
	if r.reserved != nil {
		require.NoError(r.t, json.Unmarshal(r.reserved, &kept))
	}
	var system SystemInterface
	if r.system != nil {
		require.NoError(r.t, json.Unmarshal(r.system, &system))
	}
	m := *r.Machine
	m.State = s
	r.BMC = &BMC{
		Identity: r.Identity, Machine: &m, Sessions: r, Running: r.Running, Users: r, LAN: r.LAN,
		Console:      &r.console,
		Reservations: kept, KeepReservations: r.KeepReservations, Log: r.Log,
		System: system, KeepSystem: r.KeepSystem,
	}
	m.Changed = r.Changed
	r.saved = s
}

// reboot is the next process after the host was booted.
func (r *rig) reboot() {
	r.now = time.Minute
	r.restart()
	r.Machine.State = r.Machine.State.NextBoot()
}

// moment is now, by both clocks.
func (r *rig) moment() machine.Moment {
	return machine.Moment{Uptime: r.now, Clock: day.Add(r.now - boot)}
}

// save saves the state of the machine, or reverts it.
func (r *rig) save() (ok bool) {
	if r.Machine.Generation == r.current {
		return true
	}
	if r.noSpace {
		r.Machine.Revert(r.saved)
	} else {
		var err error
		r.stored, err = json.Marshal(r.Machine.State)
		require.NoError(r.t, err)
		r.saved = r.Machine.State
	}
	r.current = r.Machine.Generation
	return !r.noSpace
}

// ask sends a request like "00/08 05 80 04 00 00 00" and returns completion code and
// data in the same way.
func (r *rig) ask(request string) string {
	sent := r.request(request)
	_, answer := r.Handle(sent)
	r.session.Privilege = sent.Session.Privilege
	clear(sent.Data) // the next datagram is read into the same buffer
	return r.complete(answer)
}

func (r *rig) request(text string) *Request {
	return &Request{
		Request: parse(r.t, text), System: r.guest, Session: *r.session, Now: r.moment(),
		Local: netip.MustParseAddrPort("192.0.2.10:6230"),
	}
}

// complete does what an answer needs, and saves.
func (r *rig) complete(a Answer) string {
	for a.Question != nil || a.Sensors != nil || a.Later != nil {
		switch {
		case a.Question != nil:
			a = a.Question.Then(r.read(a.Question.Verb), r.moment())
		case a.Sensors != nil:
			if r.broken == nil {
				r.Machine.Declare(r.provider.Sensors())
			}
			a = a.Sensors()
		default:
			a = a.Later()()
		}
	}
	if a.Intent != nil {
		durable := r.Machine.Plan(*a.Intent, machine.CauseUnknown).Durable
		a = Respond(r.play(*a.Intent, machine.CauseUnknown))
		a.Stored = durable && a.Code == OK
	}
	if !r.save() && a.Stored {
		a = reply(Unspecified)
	}
	r.ends = append(r.ends, a.Ends...)
	return fmt.Sprintf("% x", append([]byte{byte(a.Code)}, a.Data...))
}

// play carries out an intent.
func (r *rig) play(i machine.Intent, cause machine.Cause) machine.Outcome {
	script := r.Machine.Plan(i, cause)
	switch {
	case r.broken != nil:
		return machine.OutcomeOf(r.broken)
	case !r.provider.Has(script.Verb):
		return script.Without(r.moment())
	}
	if script.Refuse != nil {
		if err := script.Refuse(r.provider.Has); err != nil {
			return script.Then(machine.Result{Moment: r.moment(), Err: err})
		}
	}
	args := script.Args(r.moment())
	result := machine.Result{Err: r.does[script.Verb].Err}
	if former := r.does[provider.BootGet].Device; args.Remember && r.provider.Has(provider.BootGet) && result.Err == nil {
		result.Former = provider.Boot{Device: former, Persistent: former != "", EFI: args.Boot.EFI && former != ""}
	}
	text, b := string(script.Verb), args.Boot
	if b != (provider.Boot{}) {
		text += " " + string(b.Device)
	}
	if b.Persistent {
		text += " persistent"
	}
	if b.EFI {
		text += " efi"
	}
	r.ran = append(r.ran, text)
	result.Moment = r.moment()
	return script.Then(result)
}

// read is what the managed system says. Only the script of a query runs.
func (r *rig) read(verb provider.Verb) machine.Reading {
	switch {
	case r.broken != nil:
		return machine.Reading{Err: r.broken}
	case !r.provider.Has(verb):
		return machine.Reading{}
	case !verb.Asks():
		return machine.Reading{Has: true}
	}
	r.ran = append(r.ran, string(verb))
	reading := r.does[verb]
	reading.Has = true
	return reading
}

// expire has the watchdog timer expire and its action run.
func (r *rig) expire() {
	verb := r.Machine.WatchdogExpired(r.moment())
	r.save()
	if verb != "" {
		r.play(machine.Intent{Verb: verb}, machine.CauseWatchdog)
		r.save()
	}
}

// A step is a request and its answer.
type step struct{ request, answer string }

// talk sends the request of every step and compares the answers.
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

// stripped leaves only the bytes of a text that has notes at the ends of its lines.
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
