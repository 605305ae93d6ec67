package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shipmi/shipmi/internal/certificate"
	"github.com/shipmi/shipmi/internal/counters"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
	"github.com/shipmi/shipmi/test/standin"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"shipmi": func() {
			root := os.Getenv("SHIPMI_ROOT")
			store := units.SystemStore(root)
			store.Sandbox = filepath.Join(root, "usr/share/shipmi/sandbox.conf")
			a := &app{
				Terminal: terminal.Terminal{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv},
				store:    store,
				host: settings.Host{
					ConfigDirs: []string{store.ConfigDir()},
					BuiltIn:    filepath.Join(root, "usr/share/shipmi/providers"),
					Getenv:     os.Getenv,
					Now:        time.Now,
				},
				procDir:   filepath.Join(root, "proc"),
				lingerDir: filepath.Join(root, "var/lib/systemd/linger"),
				ping:      pingRecorder(root),
			}
			a.connect = func(context.Context) (serviceManager, error) { return connectRecorder(root, a.Progress) }
			a.connectUser = func(context.Context) (serviceManager, error) { return connectRecorder(root+"/user", a.Progress) }
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			os.Exit(a.run(ctx, os.Args[1:]))
		},
	})
}

// Each transcript runs with a directory of its own instead of /, and with a recorder instead
// of systemd.
func TestTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("SHIPMI_ROOT", env.WorkDir)
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("LINES", "one\nExecStart=/bin/sh") // transcripts have no syntax for line breaks
			env.Setenv("TAB", "\t")
			env.Setenv("ODD", "it's \"odd\" $HOME `id` \\ *")
			return standin.Install(filepath.Join(env.WorkDir, "bin"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"count":   count,
			"expired": expired,
			"hold":    hold,
			"exited":  exited,
			"modeOf":  modeOf,
			"noFiles": noFiles,
			"attach":  attach,
			"redfish": redfishService,
		},
		RequireExplicitExec: true,
	})
}

// hold binds a UDP port and a TCP port of 127.0.0.1 until the end of the script and puts
// them into $PORT and $TCP.
func hold(ts *testscript.TestScript, _ bool, _ []string) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { conn.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { listener.Close() })
	for name, addr := range map[string]net.Addr{"PORT": conn.LocalAddr(), "TCP": listener.Addr()} {
		_, port, err := net.SplitHostPort(addr.String())
		ts.Check(err)
		ts.Setenv(name, port)
	}
}

// count writes a file of counters: count FILE NAME=VALUE... timed_out is "timed out".
func count(ts *testscript.TestScript, _ bool, args []string) {
	file, err := counters.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, arg := range args[1:] {
		i := strings.LastIndex(arg, "=")
		value, err := strconv.ParseUint(arg[i+1:], 10, 64)
		ts.Check(err)
		file.Set(strings.ReplaceAll(arg[:i], "timed_out", "timed out"), value)
	}
}

// expired makes a certificate that expired on 2020-01-02, and its key: expired CERT KEY
func expired(ts *testscript.TestScript, _ bool, args []string) {
	made := time.Date(2020, 1, 2, 12, 0, 0, 0, time.UTC).Add(-certificate.Lifetime)
	cert, key, err := certificate.Create([]string{"old"}, nil, made)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), cert, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), key, 0o600))
}

// redfishService serves Redfish for a BMC whose administrator has the password x, with the
// certificate of the host, until the end of the script: redfish ADDRESS NAME POWERSTATE
func redfishService(ts *testscript.TestScript, _ bool, args []string) {
	pair, err := tls.LoadX509KeyPair(ts.MkAbs("etc/shipmi/tls/cert.pem"), ts.MkAbs("etc/shipmi/tls/key.pem"))
	ts.Check(err)
	listener, err := tls.Listen("tcp", args[0], &tls.Config{Certificates: []tls.Certificate{pair}})
	ts.Check(err)
	answer := func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("OData-Version", "4.0")
		fmt.Fprint(w, body)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /redfish/v1/{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, `{"RedfishVersion": "1.20.0", "Systems": {"@odata.id": "/redfish/v1/Systems"}}`)
	})
	mux.HandleFunc("GET /redfish/v1/Systems/"+args[1], func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "admin" || password != "x" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, fmt.Sprintf(`{"PowerState": %q}`, args[2]))
	})
	server := http.Server{Handler: mux}
	go server.Serve(listener)
	ts.Defer(func() { server.Close() })
}

// exited runs a command and checks its exit status: exited STATUS COMMAND...
func exited(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	if got := fmt.Sprint(err); got != "exit status "+args[0] {
		ts.Fatalf("%s: %s", strings.Join(args[1:], " "), got)
	}
}

// modeOf checks the permissions of a file: modeOf FILE MODE
func modeOf(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := info.Mode().String(); got != args[1] {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}

// noFiles checks that a directory holds no file and no directory, or that there
// is none.
func noFiles(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	if !os.IsNotExist(err) {
		ts.Check(err)
	}
	for _, entry := range entries {
		ts.Fatalf("%s is there", filepath.Join(args[0], entry.Name()))
	}
}

// A recorder replaces systemd. It writes each order to systemd.log, refuses the orders in
// systemd.fails, and keeps the states of units in systemd.states, in which the last line of
// a unit is valid.
type recorder struct {
	root     string
	progress func(done, all int)
}

func connectRecorder(root string, progress func(done, all int)) (serviceManager, error) {
	r := recorder{root, progress}
	if err := r.fail("connect"); err != nil {
		return nil, fmt.Errorf("%w: %w", systemd.ErrUnreachable, err)
	}
	return r, nil
}

func (r recorder) fail(order string) error {
	text, _ := os.ReadFile(filepath.Join(r.root, "systemd.fails"))
	if slices.Contains(strings.Split(string(text), "\n"), order) {
		return fmt.Errorf("%s: refused by the test", order)
	}
	return nil
}

func (r recorder) append(file, line string) {
	f, err := os.OpenFile(filepath.Join(r.root, file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		defer f.Close()
		_, err = fmt.Fprintln(f, line)
	}
	if err != nil {
		panic(err)
	}
}

func (r recorder) order(verb string, units ...string) error {
	r.append("systemd.log", strings.Join(append([]string{verb}, units...), " "))
	return r.fail(verb)
}

func (r recorder) Reload(context.Context) error { return r.order("reload") }

func (r recorder) Enable(_ context.Context, units []string) error {
	if err := r.order("enable", units...); err != nil {
		return err
	}
	return enable(filepath.Join(r.root, "etc/systemd/system"), units)
}

// enable makes the links that systemd makes when it enables sockets.
func enable(dir string, units []string) error {
	wants := filepath.Join(dir, "sockets.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		return err
	}
	for _, unit := range units {
		if err := os.Symlink("/lib/systemd/system/shipmi-bmc@.socket", filepath.Join(wants, unit)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func (r recorder) Disable(_ context.Context, units []string) error {
	return r.order("disable", units...)
}

func (r recorder) States(context.Context, []string) (map[string]string, error) {
	states := make(map[string]string)
	text, _ := os.ReadFile(filepath.Join(r.root, "systemd.states"))
	for line := range strings.Lines(string(text)) {
		unit, state, _ := strings.Cut(strings.TrimSpace(line), " ")
		states[unit] = state
	}
	return states, nil
}

// Conditions reads systemd.conditions: a unit, how it was loaded, its result, its
// program, and whether systemd must read it again.
func (r recorder) Conditions(ctx context.Context, names []string) (map[string]systemd.Condition, error) {
	states, _ := r.States(ctx, names)
	conditions := make(map[string]systemd.Condition)
	for _, name := range names {
		conditions[name] = systemd.Condition{
			Load: "loaded", Active: states[name] == "active", Failed: states[name] == "failed",
		}
	}
	text, _ := os.ReadFile(filepath.Join(r.root, "systemd.conditions"))
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		c := conditions[words[0]]
		c.Load, c.Result = words[1], words[2]
		conditions[words[0]] = c
	}
	return conditions, r.fail("conditions")
}

// NeedReload reads systemd.conditions, too.
func (r recorder) NeedReload(context.Context, []string, func(time.Time) ([]string, bool, error)) (bool, error) {
	text, _ := os.ReadFile(filepath.Join(r.root, "systemd.conditions"))
	return slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
		words := strings.Fields(line)
		return len(words) > 4 && words[4] == "true"
	}), nil
}

// Programs reads systemd.conditions, too.
func (r recorder) Programs(_ context.Context, services []string) (map[string]string, error) {
	programs := make(map[string]string)
	text, _ := os.ReadFile(filepath.Join(r.root, "systemd.conditions"))
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); slices.Contains(services, words[0]) {
			programs[words[0]] = words[3]
		}
	}
	return programs, nil
}

func (r recorder) Executions(_ context.Context, services []string) (map[string]systemd.Execution, error) {
	executions := make(map[string]systemd.Execution)
	dropIn := filepath.Join(r.root, "run/systemd/system/service.d/zzz-lxc-service.conf")
	for _, service := range services {
		executions[service] = systemd.Execution{Credentials: []string{"users"}, NoNewPrivileges: true}
		if exists(dropIn) {
			executions[service] = systemd.Execution{DropIns: []string{dropIn}}
		}
	}
	return executions, nil
}

func (r recorder) Start(_ context.Context, sockets []string) map[string]error {
	return r.jobs("start", "active", sockets)
}

func (r recorder) Stop(_ context.Context, units []string) map[string]error {
	return r.jobs("stop", "inactive", units)
}

// Processes reads systemd.processes: a service, the process ID, when it became ready in
// seconds since 1970, and its status.
func (r recorder) Processes(context.Context, []string) (map[string]systemd.Process, error) {
	all := make(map[string]systemd.Process)
	text, _ := os.ReadFile(filepath.Join(r.root, "systemd.processes"))
	for line := range strings.Lines(string(text)) {
		var (
			unit  string
			since int64
			p     systemd.Process
		)
		if _, err := fmt.Sscanf(line, "%s %d %d %s\n", &unit, &p.PID, &since, &p.Status); err != nil {
			return nil, err
		}
		p.Since = time.Unix(since, 0)
		all[unit] = p
	}
	return all, nil
}

func (r recorder) CheckFilter(_ context.Context, unit string) error { return r.fail("filter " + unit) }

func (r recorder) Restart(_ context.Context, units []string) map[string]error {
	return r.jobs("restart", "active", units)
}

func (r recorder) TryRestart(_ context.Context, units []string) map[string]error {
	_ = r.order("try-restart", units...)
	failed := make(map[string]error)
	for _, unit := range units {
		if err := r.fail("try-restart " + unit); err != nil {
			failed[unit] = err
		}
	}
	return failed
}

func (r recorder) jobs(verb, state string, units []string) map[string]error {
	_ = r.order(verb, units...)
	failed := make(map[string]error)
	for i, unit := range units {
		r.progress(i+1, len(units))
		if err := r.fail(verb + " " + unit); err != nil {
			failed[unit] = err
			continue
		}
		r.append("systemd.states", unit+" "+state)
		if guest := r.wanted(unit); guest != "" && r.fail(verb+" "+guest) == nil {
			r.append("systemd.states", guest+" "+state)
		}
	}
	return failed
}

// wanted returns the socket for the guest that starts and stops with a socket, "" for none.
func (r recorder) wanted(socket string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(socket, "shipmi-bmc@"), ".socket")
	text, _ := os.ReadFile(filepath.Join(r.root, "etc/systemd/system", socket+".d/50-shipmi.conf"))
	if !strings.Contains(string(text), "\nWants=shipmi-inband@%i.socket\n") {
		return ""
	}
	return units.InbandUnit(name)
}

func (r recorder) Close() {}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// pingRecorder replaces the network. The addresses in the file "silent" do not answer.
func pingRecorder(root string) func(context.Context, units.Endpoint) error {
	return func(_ context.Context, e units.Endpoint) error {
		text, _ := os.ReadFile(filepath.Join(root, "silent"))
		if slices.Contains(strings.Fields(string(text)), e.AddrPort.String()) {
			return errors.New("no answer")
		}
		return nil
	}
}
