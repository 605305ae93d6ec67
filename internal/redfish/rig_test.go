package redfish

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// start is when the tests begin: an hour after the host was booted.
var start = machine.Moment{Uptime: time.Hour, Clock: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}

const bmcUUID = "20212223-2425-2627-2829-2a2b2c2d2e2f"

// Providers, by the scripts that they have.
var (
	lean = []provider.Verb{provider.Status, provider.On, provider.Off}
	full = []provider.Verb{
		provider.Status, provider.On, provider.Off, provider.Cycle, provider.Reset, provider.Diag, provider.Shutdown,
		provider.BootSet, provider.BootGet, provider.Identify, provider.FRUGet, provider.Connect, provider.Break,
		provider.SensorsGet, provider.MediaInsert, provider.MediaEject, provider.MediaGet,
	}
)

// measured are the sensors of a provider with the script of [provider.SensorsGet].
var measured = provider.Sensors{Power: "draw", All: []provider.Sensor{
	{Name: "cpu", Kind: provider.Temperature, Unit: provider.Celsius, Max: 127, Limits: map[provider.Threshold]float64{
		provider.Warn: 80, provider.Critical: 90, provider.Fatal: 100,
	}},
	{Name: "inlet", Kind: provider.Temperature, Unit: provider.Celsius, Min: -40, Max: 60},
	{Name: "fan1", Kind: provider.Fan, Unit: provider.RPM, Max: 12000, Limits: map[provider.Threshold]float64{
		provider.LowWarn: 600, provider.LowCritical: 480.5, provider.LowFatal: 100,
	}},
	{Name: "pump", Kind: provider.Fan, Unit: provider.Percent, Max: 100},
	{Name: "draw", Kind: provider.Power, Unit: provider.Watt, Max: 500},
	{Name: "12v", Kind: provider.Voltage, Unit: provider.Volt, Max: 15},
	{Name: "load", Kind: provider.Utilization, Unit: provider.Percent, Max: 100},
	{Name: "gone", Kind: provider.Humidity, Unit: provider.Percent, Max: 100},
}}

// A rig is a service, and plays the part of its owner. A test says what its scripts do.
type rig struct {
	*Service
	t        testing.TB
	user     *User
	scripts  []provider.Verb
	unread   error // of the provider's files
	does     map[provider.Verb]machine.Reading
	fails    error    // of actions
	ran      []string // as in "power on", with what the script was told of the boot device
	acting   bool
	noSpace  bool // nothing can be stored
	stored   int  // how often the state was
	users    instance.Credentials
	ends     []uint32
	sessions []Session
	timeout  time.Duration
	tasks    []Task
	login    string // of the server of an image
	log      bytes.Buffer
}

func newRig(t testing.TB, scripts []provider.Verb) *rig {
	r := &rig{t: t, scripts: scripts, timeout: 30 * time.Minute, does: map[provider.Verb]machine.Reading{
		provider.Status: {On: true},
		provider.SensorsGet: {Values: map[string]float64{
			"cpu": 81.25, "inlet": 21, "fan1": 480.4, "pump": 35.5, "draw": 120.6, "12v": 12.1, "load": 7,
		}},
		provider.FRUGet: {FRU: provider.FRU{Manufacturer: "QEMU", Product: "Standard PC", Serial: "S1"}},
	}}
	r.users = instance.Credentials{Users: []instance.User{
		{ID: 2, Name: "admin", Password: instance.Hide("password"), Privilege: instance.PrivilegeAdministrator},
		{ID: 3, Name: "maas", Password: instance.Hide("a password of 20 by."), Privilege: instance.PrivilegeOperator},
		{ID: 7, Name: "guest", Password: instance.Hide("guest"), Privilege: instance.PrivilegeUser},
	}}
	r.sessions = []Session{
		{ID: "1", User: "admin", Peer: netip.MustParseAddrPort("192.0.2.7:50000"), Created: start.Clock},
		{ID: "2", User: "guest", Peer: netip.MustParseAddrPort("[2001:db8::9]:623"), Created: start.Clock},
	}
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	r.Service = &Service{
		Identity: Identity{
			Name: "node-0", Version: "v1.42.0", UUID: bmcUUID, ManagerUUID: "30313233-3435-3637-3839-3a3b3c3d3e3f",
			HTTPS: netip.MustParseAddrPort("192.0.2.1:443"), IPMI: netip.MustParseAddrPort("192.0.2.1:623"),
			HostName: "host", FQDN: "host.example.org",
		},
		Machine: &machine.Machine{HostBoot: "first", ActionLimit: 5 * time.Minute, Log: log},
		Acting:  func() bool { return r.acting },
		WithLogin: func(m machine.Media, user, password string) (machine.Media, error) {
			if r.noSpace {
				return m, errors.New("no space left on device")
			}
			r.login = user + ":" + password
			m.Login = "random"
			return m, nil
		},
		Record: func(e machine.Entry) []byte { return ipmi.SELRecord(e) },
		LAN: func(addr netip.Addr) LAN {
			return LAN{MAC: [6]byte{2, 0, 0, 0, 0, 1}, Prefix: netip.PrefixFrom(addr, 24), Gateway: netip.MustParseAddr("192.0.2.254")}
		},
		Sessions: r, Users: userTable{r}, Tasks: taskTable{r},
		Log: log,
	}
	r.declare()
	r.as("admin")
	return r
}

// declare has the machine know the sensors of the provider.
func (r *rig) declare() {
	if r.unread == nil && r.has(provider.SensorsGet) {
		r.Machine.Declare(measured)
	}
}

// as has a user send the next requests. Without a name, they have no credentials.
func (r *rig) as(name string) {
	u, known := r.users.Named(name)
	if !known {
		r.user = nil
		return
	}
	r.user = &User{ID: u.ID, Name: u.Name, Privilege: u.Privilege}
}

// Login implements Sessions.
func (r *rig) Login(name, password string, from netip.AddrPort) (Session, string, *Answer) {
	u, known := r.users.Named(name)
	if !known || u.Password.Reveal() != password {
		refused := Unauthorized()
		return Session{}, "", &refused
	}
	s := Session{ID: fmt.Sprint(len(r.sessions) + 1), User: name, Peer: from, Created: start.Clock}
	r.sessions = append(r.sessions, s)
	return s, "secret token", nil
}

func (r *rig) List() []Session            { return r.sessions }
func (r *rig) Timeout() time.Duration     { return r.timeout }
func (r *rig) SetTimeout(d time.Duration) { r.timeout = d }

func (r *rig) End(id string) bool {
	before := len(r.sessions)
	r.sessions = slices.DeleteFunc(slices.Clone(r.sessions), func(s Session) bool { return s.ID == id })
	return len(r.sessions) < before
}

type userTable struct{ *rig }

func (u userTable) Credentials() instance.Credentials { return u.users }

// Change implements Users. A change ends the IPMI session 0x1234.
func (u userTable) Change(change func(*instance.Credentials) error) (func() []uint32, error) {
	if u.noSpace {
		return nil, errors.New("no space left on device")
	}
	changed := u.users
	if err := change(&changed); err != nil {
		return nil, err
	}
	return func() []uint32 {
		u.rig.users = changed
		return []uint32{0x1234}
	}, nil
}

type taskTable struct{ *rig }

func (t taskTable) List() []Task { return t.rig.tasks }

// A response is what a client gets.
type response struct {
	Status int
	Header AnswerHeader
	Body   map[string]any // nil: there is none, or it is not JSON
	Text   string
	Answer Answer
}

// send has a request answered.
func (r *rig) send(q Request) response {
	r.t.Helper()
	q.User, q.Now = r.user, start
	q.Peer = netip.MustParseAddrPort("192.0.2.7:50000")
	route, a := r.Handle(&q)
	a = r.finish(a)
	require.NotZero(r.t, a.Status, "%s %s", q.Method, q.Path)
	got := response{Status: a.Status, Header: route.Header(&q, a), Answer: a}
	switch body := a.Body.(type) {
	case nil:
	case Text:
		got.Text = body.Content
	default:
		text, err := json.Marshal(body)
		require.NoError(r.t, err)
		got.Text = string(text)
		require.NoError(r.t, json.Unmarshal(text, &got.Body), got.Text)
	}
	return got
}

// do sends a request with a body of JSON; empty for none.
func (r *rig) do(method, path, body string) response {
	r.t.Helper()
	return r.send(Request{Method: method, Path: path, Body: []byte(body), Header: RequestHeader{ContentType: "application/json"}})
}

func (r *rig) get(path string) response {
	r.t.Helper()
	return r.do("GET", path, "")
}

// finish does what an answer needs.
func (r *rig) finish(a Answer) Answer {
	r.t.Helper()
	for range 20 {
		switch {
		case a.Provider != nil:
			r.declare()
			a = a.Provider(r.has, r.unread)
		case a.Question != nil:
			var said machine.Reading
			if r.has(a.Question.Verb) {
				said = r.does[a.Question.Verb]
				said.Has = true
			}
			a = a.Question.Then(said, start)
		case a.Later != nil:
			a = a.Later()()
		case a.Intent != nil:
			a = r.act(a)
		case a.Stored:
			a.Stored = false
			if r.noSpace {
				return Respond(machine.Failed)
			}
			r.stored++
			if a.Then != nil {
				a = a.Then()
			}
		default:
			r.ends = a.EndsIPMI
			return a
		}
	}
	require.Fail(r.t, "no answer")
	return a
}

func (r *rig) has(v provider.Verb) bool { return slices.Contains(r.scripts, v) }

// act carries out an intent.
func (r *rig) act(a Answer) Answer {
	script := r.Machine.Plan(*a.Intent, machine.CauseUnknown)
	outcome := machine.Unavailable
	if r.has(script.Verb) {
		args := script.Args(start)
		r.ran = append(r.ran, strings.TrimSpace(fmt.Sprintf("%s %s", script.Verb, describe(a.Intent, args))))
		outcome = script.Then(machine.Result{Moment: start, Err: r.fails})
	} else {
		outcome = script.Without(start)
	}
	switch {
	case outcome != machine.Done:
		return a.Otherwise(outcome)
	case a.Then != nil:
		return a.Then()
	}
	a.Intent = nil
	return a
}

func describe(i *machine.Intent, args provider.Args) string {
	var words []string
	switch i.Verb {
	case provider.BootSet:
		words = append(words, string(args.Boot.Device))
		if args.Boot.Persistent {
			words = append(words, "persistent")
		}
		if args.Boot.EFI {
			words = append(words, "efi")
		}
	case provider.Identify:
		words = append(words, fmt.Sprint(args.Light.On))
	}
	if i.Verb == provider.MediaInsert {
		words = append(words, fmt.Sprintf("%+v", args.Media))
	}
	if i.Restart {
		words = append(words, "restart")
	}
	return strings.Join(words, " ")
}

// keys are the keys of the messages of an error, or of those about a property of a resource.
func (r response) keys(property string) []string {
	info, _ := r.Body[property+"@Message.ExtendedInfo"].([]any)
	if e, failed := r.Body["error"].(map[string]any); failed {
		info, _ = e["@Message.ExtendedInfo"].([]any)
	}
	var keys []string
	for _, m := range info {
		id, _ := m.(map[string]any)["MessageId"].(string)
		keys = append(keys, strings.TrimPrefix(id, "Base.1.22."))
	}
	return keys
}

// at is the value at a path in the body, as in "Boot.BootSourceOverrideTarget".
func (r response) at(path ...string) any {
	var value any = r.Body
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func netipAddrPort(text string) netip.AddrPort {
	at, _ := netip.ParseAddrPort(text)
	return at
}

func unknownLAN(netip.Addr) LAN { return LAN{} }

var errBusy = &provider.Error{Exit: 75, Err: provider.ErrBusy}
