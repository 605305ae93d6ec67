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
	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/hostnet"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/journal"
	"github.com/shipmi/shipmi/internal/lan"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/script"
	"github.com/shipmi/shipmi/internal/serial"
	"github.com/shipmi/shipmi/internal/session"
)

// A settingError is a fault that lasts until an administrator changes a setting.
type settingError struct{ error }

// A service is what this process consists of: the BMC, its front, and what both share.
type service struct {
	bmc      *bmc.BMC
	front    *lan.Server
	ipmi     *ipmi.BMC
	sessions *session.Table
}

// newService puts the parts together. Errors that are not a settingError may pass.
func newService(sockets *lan.Sockets, kept *script.Terminal, environ []string, log *slog.Logger) (*service, error) {
	getenv := getter(environ)
	set, err := instance.FromEnv(environ)
	if err != nil {
		return nil, settingError{err}
	}
	if err := checkSandbox(getenv("SHIPMI_SANDBOX")); err != nil {
		return nil, settingError{err}
	}
	credentials, err := readCredentials(getenv("CREDENTIALS_DIRECTORY"), getenv("SHIPMI_CREDENTIALS"))
	if err != nil {
		return nil, settingError{err}
	}
	runtimeDir, stateDir := getenv("RUNTIME_DIRECTORY"), getenv("STATE_DIRECTORY")
	if runtimeDir == "" || stateDir == "" {
		return nil, settingError{errors.New("RUNTIME_DIRECTORY or STATE_DIRECTORY not set: does the unit have RuntimeDirectory= and StateDirectory=?")}
	}
	host, err := machineID(machineIDFile)
	if err != nil {
		return nil, settingError{err}
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, settingError{fmt.Errorf("watchdog: %w", err)}
	}
	manager := managerID(host, getenv, os.Getuid())
	suites, boot := suitesOf(set), bootID()
	sessions, err := session.NewTable(runtimeDir, session.Config{
		Users:   whoCanLogIn(credentials),
		Kg:      credentials.Key,
		GUID:    nameGUID(manager, set.Name),
		Suites:  suites,
		Timeout: set.Timeouts.Session,
		Random:  rand.Reader,
		Log:     log,
	}, bootTime())
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	file := bmc.StateFile{
		Dir: stateDir, HostBoot: boot, Booted: time.Now().Add(-bootTime()), Upgrade: lan.UpgradeState,
	}
	state, err := file.Load()
	if err != nil {
		log.Error("state lost, starting afresh", "err", err)
	}
	streams := journal.NewStreams(journal.Socket(getenv))
	loader := &script.Loader{
		File:  provider.Locate(provider.BuiltIn(), set.Provider),
		Dirs:  append([]string{provider.BuiltIn(), provider.Dir}, filepath.SplitList(getenv("SHIPMI_PROVIDERS"))...),
		Given: set.Parameters,
		Runner: script.Runner{
			Name:     set.Name,
			StateDir: stateDir,
			Environ:  environ,
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
		Clock:   bootTime,
		Idle:    set.Timeouts.Idle,
		Answer:  set.Timeouts.Answer,
		Query:   set.Timeouts.Query,
		Action:  set.Timeouts.Action,
		Restore: restoreTime(getenv("SHIPMI_RESTORE")),
		Upgrade: lan.UpgradeAction,
		Log:     log,

		AliveEvery: watchdog / 2,
	})
	reservations := reservationFile{dir: runtimeDir, log: log}
	commands := &ipmi.BMC{
		Identity: ipmi.Identity{
			Name:       set.Name,
			Version:    version,
			GUID:       sessions.GUID,
			DeviceGUID: nameGUID(manager, set.Name+" BMC"), // no name contains a space
			Firmware:   firmware(version),
			Suites:     suites,
			KgSet:      len(credentials.Key()) > 0,
		},
		Machine: managed,
		Users:   &users{current: credentials, path: getenv("SHIPMI_CREDENTIALS"), sessions: sessions},
		LAN:     func(addr netip.Addr) ipmi.LAN { return ipmi.LAN(hostnet.Find(addr)) },
		Log:     log,

		Reservations:     reservations.load(),
		KeepReservations: reservations.keep,
	}
	console := serial.Config{
		Dir:      runtimeDir,
		Settings: ipmi.SOLSettings(managed),
		Connect:  func(ctx context.Context) (serial.Terminal, error) { return startTerminal(ctx, loader) },
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
	if kept != nil {
		console.Kept = storedTerminal{kept}
	}
	port, err := serial.Open(console, bootTime())
	if err != nil {
		return nil, err
	}
	return &service{b, lan.NewServer(sockets, b, sessions, commands, port), commands, sessions}, nil
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
