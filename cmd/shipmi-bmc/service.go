package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/activation"
	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/guest"
	"github.com/shipmi/shipmi/internal/hostnet"
	"github.com/shipmi/shipmi/internal/https"
	"github.com/shipmi/shipmi/internal/httpserver"
	"github.com/shipmi/shipmi/internal/identity"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/journal"
	"github.com/shipmi/shipmi/internal/lan"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/redfish"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/script"
	"github.com/shipmi/shipmi/internal/serial"
	"github.com/shipmi/shipmi/internal/session"
)

// A service is what this process consists of: the BMC, its fronts, and what they share.
type service struct {
	bmc      *bmc.BMC
	lan      *lan.Server
	https    *https.Server // nil: the BMC has no Redfish
	guest    *guest.Server // nil: the guest has no access
	ipmi     *ipmi.BMC
	sessions *session.Table
	consoles *terminals
}

// run serves until ctx ends or the BMC is idle.
func (p *service) run(ctx context.Context, sockets sockets) error {
	serving, end := context.WithCancel(context.Background())
	var beside []bmc.Companion
	var ended []<-chan error
	begin := func(c bmc.Companion, serve func() error) {
		end := make(chan error, 1)
		go func() { end <- serve() }()
		beside, ended = append(beside, c), append(ended, end)
	}
	if p.https != nil {
		begin(p.https, func() error { return p.https.Serve(serving, sockets.stream) })
	}
	if p.guest != nil {
		begin(p.guest, func() error { return p.guest.Serve(serving, sockets.guest) })
	}
	errs := []error{p.bmc.Run(ctx, p.lan, beside...)}
	end()
	for _, e := range ended {
		errs = append(errs, <-e)
	}
	return errors.Join(errs...)
}

// newService puts the parts together. Restart has the process end. Errors that are not an
// activation.SettingError may pass.
func newService(sockets sockets, passed []activation.Passed, environ []string, restart func(), log *slog.Logger) (*service, error) {
	getenv := getter(environ)
	set, err := instance.FromEnv(environ)
	if err != nil {
		return nil, activation.SettingError{Err: err}
	}
	if err := checkSandbox(getenv("SHIPMI_SANDBOX")); err != nil {
		return nil, activation.SettingError{Err: err}
	}
	credentials, err := readCredentials(getenv("CREDENTIALS_DIRECTORY"), getenv("SHIPMI_CREDENTIALS"))
	if err != nil {
		return nil, activation.SettingError{Err: err}
	}
	runtimeDir, stateDir := getenv("RUNTIME_DIRECTORY"), getenv("STATE_DIRECTORY")
	if runtimeDir == "" || stateDir == "" {
		return nil, activation.SettingError{Err: errors.New("RUNTIME_DIRECTORY or STATE_DIRECTORY not set: does the unit have RuntimeDirectory= and StateDirectory=?")}
	}
	host, err := identity.MachineID(identity.MachineIDFile)
	if err != nil {
		return nil, activation.SettingError{Err: err}
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, activation.SettingError{Err: fmt.Errorf("watchdog: %w", err)}
	}
	manager := identity.ManagerID(host, getenv, os.Getuid())
	suites, boot := suitesOf(set), activation.BootID()
	sessions, err := session.NewTable(runtimeDir, session.Config{
		Users:   whoCanLogIn(credentials),
		Kg:      credentials.Key,
		GUID:    systemGUID(manager, set),
		Suites:  suites,
		Timeout: set.Timeouts.Session,
		Random:  rand.Reader,
		Log:     log,
	}, activation.Uptime())
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	file := bmc.StateFile{
		Dir: stateDir, HostBoot: boot, Booted: time.Now().Add(-activation.Uptime()), Upgrade: lan.UpgradeState,
	}
	state, err := file.Load()
	if err != nil {
		log.Error("state lost, starting afresh", "err", err)
	}
	streams := journal.NewStreams(journal.Socket(getenv))
	logins := media.Logins{Dir: runtimeDir}
	loader := &script.Loader{
		File:  provider.Locate(provider.BuiltIn(), set.Provider),
		Dirs:  append([]string{provider.BuiltIn(), provider.Dir}, filepath.SplitList(getenv("SHIPMI_PROVIDERS"))...),
		Given: set.Parameters,
		Runner: script.Runner{
			Name:     set.Name,
			StateDir: stateDir,
			Environ:  environ,
			Media:    set.Media,
			Logins:   logins,
			Fetch:    provider.Fetch(provider.BuiltIn()),
			Stderr:   func(v provider.Verb) (*os.File, error) { return streams.Open(v.Identifier()) },
			Log:      log,
		},
	}
	provided := scripts{loader: loader, former: script.Former{Dir: stateDir}, log: log}
	managed := &machine.Machine{
		State: provided.takeFormer(state, file.Save), HostBoot: boot, FRU: provider.FRU(set.FRU),
		ActionLimit: set.Timeouts.Action, Log: log,
	}
	b := bmc.New(bmc.Config{
		Machine: managed,
		Scripts: provided,
		Actions: &actionlog.Log{Dir: filepath.Join(stateDir, instance.ActionDir), HostBoot: boot},
		Save:    file.Save,
		Clock:   activation.Uptime,
		Idle:    set.Timeouts.Idle,
		Answer:  set.Timeouts.Answer,
		Query:   set.Timeouts.Query,
		Action:  set.Timeouts.Action,
		Media:   set.Timeouts.Media,
		Logins:  logins,
		Restore: restoreTime(getenv("SHIPMI_RESTORE")),
		Record:  func(e machine.Entry) []byte { return ipmi.SELRecord(e) },
		Upgrade: lan.UpgradeAction,
		Log:     log,

		AliveEvery: watchdog / 2,
	})
	accounts := &users{current: credentials, path: getenv("SHIPMI_CREDENTIALS"), sessions: sessions}
	reservations := keptFile[ipmi.Reservations]{dir: runtimeDir, name: "reservations", log: log}
	system := keptFile[ipmi.SystemInterface]{dir: runtimeDir, name: "system-interface", log: log}
	commands := &ipmi.BMC{
		Identity: ipmi.Identity{
			Name:       set.Name,
			Version:    version,
			GUID:       sessions.GUID,
			DeviceGUID: identity.GUID(manager, set.Name+" BMC"), // no name contains a space
			Firmware:   firmware(version),
			Suites:     suites,
			KgSet:      len(credentials.Key()) > 0,
		},
		Machine: managed,
		Users:   accounts,
		LAN:     func(addr netip.Addr) ipmi.LAN { return ipmi.LAN(hostnet.Find(addr)) },
		Log:     log,

		Listens: sockets.lan.Addresses(),
		Provided: func() ([]provider.IPMICommand, error) {
			ctx, cancel := context.WithTimeout(context.Background(), set.Timeouts.Answer)
			defer cancel()
			runner, err := loader.Load(ctx)
			if err != nil {
				return nil, err
			}
			return runner.Provider.IPMICommands(), nil
		},
		Advertise:        set.Advertise,
		Reservations:     reservations.load(),
		KeepReservations: reservations.keep,
		System:           system.load(),
		KeepSystem:       system.keep,
	}
	lineSettings := ipmi.SOLSettings(managed)
	lineSettings.Replay = !set.Console.NoReplay
	consoles := &terminals{loader: loader, name: terminalName(set)}
	console := serial.Config{
		Dir:      runtimeDir,
		Settings: lineSettings,
		Always:   set.Console.LogAlways,
		Kept:     consoles.kept(passed, log),
		Connect:  consoles.start,
		Break: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, set.Timeouts.Query)
			defer cancel()
			runner, err := loader.Load(ctx)
			if err != nil {
				return err
			}
			return runner.Break(ctx)
		},
		Later:   b.Later,
		Now:     b.Uptime,
		Expires: set.Timeouts.Session,
		Log:     log,
	}
	port := serial.Open(console, activation.Uptime())
	p := &service{
		bmc: b, lan: lan.NewServer(sockets.lan, b, sessions, commands, port), ipmi: commands, sessions: sessions,
		consoles: consoles,
	}
	if err := p.serveGuest(set.Inband, sockets, runtimeDir, restart); err != nil {
		return nil, err
	}
	if len(sockets.stream) == 0 {
		return p, nil
	}
	certificate, err := httpserver.Certificate(sockets.stream, getenv)
	if err != nil {
		return nil, activation.SettingError{Err: err}
	}
	p.https, err = https.NewServer(https.Config{
		BMC: b,
		Service: &redfish.Service{
			Identity: redfish.Identity{
				Name:        set.Name,
				Version:     version,
				HostName:    hostName(),
				UUID:        identity.UUID(commands.GUID),
				ManagerUUID: identity.UUID(commands.DeviceGUID),
				HTTPS:       sockets.https(),
				IPMI:        sockets.lan.Address(),
			},
			Machine:   managed,
			Users:     accounts,
			Acting:    b.Jobs.Acting,
			LAN:       func(addr netip.Addr) redfish.LAN { return redfish.LAN(hostnet.Find(addr)) },
			Record:    func(e machine.Entry) []byte { return ipmi.SELRecord(e) },
			Images:    set.Media,
			WithLogin: b.WithLogin,
			Log:       log,
		},
		Certificate: certificate,
		IPMI:        sessions,
		Credentials: accounts.Credentials,
		EndIPMI:     p.lan.EndSessions,
		EndAllIPMI:  p.lan.EndAllSessions,
		Restart:     restart,
		Dir:         runtimeDir,
		Log:         log,
	})
	return p, err
}

// scripts implements bmc.Scripts.
type scripts struct {
	loader *script.Loader
	former script.Former
	log    *slog.Logger
}

func (s scripts) Former() provider.Boot {
	former, err := s.former.Read()
	if err != nil {
		s.log.Warn("former boot device ignored", "err", err)
	}
	return former
}

func (s scripts) ForgetFormer() {
	if err := s.former.Remove(); err != nil {
		s.log.Warn("former boot device not removed", "err", err)
	}
}

// takeFormer is the state with the former boot device that "boot set" left for a process that
// is gone, or for an earlier version of this program.
func (s scripts) takeFormer(state machine.State, save func(machine.State) error) machine.State {
	former := s.Former()
	if former.Device == "" {
		return state
	}
	taken := state
	taken.Former = cmp.Or(taken.Former, former)
	if err := save(taken); err != nil {
		s.log.Error("former boot device left to the next process", "err", err)
		return state
	}
	s.ForgetFormer()
	return taken
}

func (s scripts) Load(ctx context.Context) (bmc.Runner, error) { return s.loader.Load(ctx) }

func (scripts) Adopt(ctx context.Context, v provider.Verb, path string) error {
	return actionlog.Wait(ctx, v, path)
}

// getter returns a function like os.Getenv that reads from environ.
func getter(environ []string) func(string) string {
	return func(name string) (value string) {
		for _, entry := range environ {
			if text, found := strings.CutPrefix(entry, name+"="); found {
				value = text
			}
		}
		return value
	}
}

func suitesOf(set instance.Instance) []rmcp.Suite {
	var suites []rmcp.Suite
	for _, id := range set.CipherSuites {
		if s, ok := rmcp.SuiteByID(id); ok {
			suites = append(suites, s)
		}
	}
	return suites
}

// checkSandbox returns an error if the sandbox of the BMC is a link to a file that is gone. systemd ignores such a drop-in,
// so the scripts would run outside of the sandbox.
func checkSandbox(link string) error {
	target, err := os.Readlink(link)
	if err != nil {
		return nil // no sandbox, or a file that systemd has read
	}
	if _, err := os.Stat(link); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the sandbox is missing: %s is a link to %s, which does not exist", link, target)
	}
	return nil
}

// restoreTime reports whether the unit that waits for the end of the boot has created the file.
func restoreTime(mark string) bool {
	_, err := os.Stat(mark)
	return err == nil
}
