package main

import (
	"crypto/rand"
	"crypto/sha1"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/journal"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/session"
)

// A settingError is a fault that lasts until somebody changes a setting.
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
	guid := nameGUID(machine, set.Name)
	state, err := bmc.LoadState(stateDir)
	if err != nil {
		log.Error("state lost, starting afresh", "err", err)
	}
	suites, boot := suitesOf(set), hostBoot()
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
				DeviceGUID: nameGUID(machine, set.Name+" BMC"), // no name has a blank
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

// getter gives the function that os.Getenv is for environ.
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

const (
	machineIDFile = "/etc/machine-id" // see machine-id(5)
	machineIDLen  = 32
)

func machineID(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("machine ID: %w", err)
	}
	id := strings.TrimSpace(string(text))
	if len(id) != machineIDLen {
		return "", fmt.Errorf("machine ID: %s has %q: want %d digits, see systemd-machine-id-setup(1)", file, id, machineIDLen)
	}
	return id, nil
}

// nameGUID is a version 5 UUID of a name within this machine: the same after every
// restart, and another on each host. It is sent with its last byte first (IPMI
// 2.0 §20.8).
func nameGUID(machineID, name string) [16]byte {
	sum := sha1.Sum([]byte("shipmi " + machineID + " " + name))
	guid := [16]byte(sum[:16])
	guid[6] = guid[6]&0x0F | 0x50
	guid[8] = guid[8]&0x3F | 0x80
	slices.Reverse(guid[:])
	return guid
}

// restoreTime tells whether the unit that waits for the end of the boot has left
// its mark.
func restoreTime(mark string) bool {
	_, err := os.Stat(mark)
	return err == nil
}

// hostBoot is another text each time the host is booted.
func hostBoot() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		panic(fmt.Sprintf("internal error: %v", err)) // every Linux has it
	}
	return strings.TrimSpace(string(text))
}

// firmware is the firmware revision for a version like v1.2.3.
func firmware(version string) (revision [2]byte) {
	_, _ = fmt.Sscanf(version, "v%d.%d", &revision[0], &revision[1])
	return revision
}

// bootTime is the time since the host was booted, sleep included.
func bootTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(fmt.Sprintf("internal error: CLOCK_BOOTTIME: %v", err))
	}
	return time.Duration(t.Nano())
}
