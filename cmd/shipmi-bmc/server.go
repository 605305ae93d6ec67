package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/journal"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// A settingError is a fault that lasts until an administrator changes a setting.
type settingError struct{ error }

func newServer(sockets *bmc.Sockets, environ []string, log *slog.Logger) (*bmc.Server, error) {
	getenv := getter(environ)
	set, err := instance.FromEnv(environ)
	if err != nil {
		return nil, settingError{err}
	}
	credentials, err := readCredentials(getenv("CREDENTIALS_DIRECTORY"))
	if err != nil {
		return nil, settingError{err}
	}
	runtimeDir, stateDir := getenv("RUNTIME_DIRECTORY"), getenv("STATE_DIRECTORY")
	if runtimeDir == "" || stateDir == "" {
		return nil, settingError{errors.New("RUNTIME_DIRECTORY or STATE_DIRECTORY not set: does the unit have RuntimeDirectory= and StateDirectory=?")}
	}
	machine, err := machineID(machineIDFile)
	if err != nil {
		return nil, settingError{err}
	}
	manager := managerID(machine, getenv, os.Getuid())
	guid := nameGUID(manager, set.Name)
	state, err := bmc.LoadState(stateDir)
	if err != nil {
		log.Error("state lost, starting afresh", "err", err)
	}
	suites, boot := suitesOf(set), bootID()
	table, err := session.NewTable(runtimeDir, session.Config{
		Users:   whoCanLogIn(credentials),
		Kg:      credentials.Key,
		GUID:    guid,
		Suites:  suites,
		Timeout: set.Timeouts.Session,
		Random:  rand.Reader,
		Log:     log,
	}, bootTime())
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	streams := journal.NewStreams(journal.Socket(getenv))
	scripts := &bmc.Scripts{
		File:  set.Provider,
		Dirs:  append([]string{provider.BuiltIn(), provider.Dir}, filepath.SplitList(getenv("SHIPMI_PROVIDERS"))...),
		Given: set.Parameters,
		Runner: provider.Runner{
			Name:     set.Name,
			StateDir: stateDir,
			Environ:  environ,
			Stderr:   func(v provider.Verb) (*os.File, error) { return streams.Open(v.Identifier()) },
		},
		Query:  set.Timeouts.Query,
		Action: set.Timeouts.Action,
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, settingError{fmt.Errorf("watchdog: %w", err)}
	}
	users := &users{now: credentials, path: getenv("SHIPMI_CREDENTIALS"), sessions: table}
	return &bmc.Server{
		Sockets:  sockets,
		Sessions: table,
		BMC: &ipmi.BMC{
			Identity: ipmi.Identity{
				Name:       set.Name,
				Version:    version,
				GUID:       guid,
				DeviceGUID: nameGUID(manager, set.Name+" BMC"), // no name contains a space
				HostBoot:   boot,
				Firmware:   firmware(version),
				Suites:     suites,
				KgSet:      len(credentials.Key()) > 0,
			},
			State: state,
			Users: users,
			LAN:   bmc.FindLAN,
			FRU:   provider.FRU(set.FRU),
			Save:  func(s ipmi.State) error { return bmc.SaveState(stateDir, s) },
			Log:   log,
		},
		Scripts: scripts,
		Actions: &bmc.Actions{Dir: filepath.Join(stateDir, instance.ActionDir), HostBoot: boot},
		Idle:    set.Timeouts.Idle,
		Answer:  set.Timeouts.Answer,
		Restore: restoreTime(getenv("SHIPMI_RESTORE")),
		Clock:   bootTime,
		Log:     log,

		AliveEvery: watchdog / 2,
	}, nil
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

// restoreTime reports whether the unit that waits for the end of the boot has created the file.
func restoreTime(mark string) bool {
	_, err := os.Stat(mark)
	return err == nil
}
