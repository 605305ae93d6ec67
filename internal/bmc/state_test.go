package bmc

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/checksum"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

func stateFile(t testing.TB) StateFile {
	return StateFile{
		Dir: t.TempDir(), HostBoot: "first",
		Upgrade: func([]byte) (machine.State, error) { return machine.State{}, errors.New("not of version 1") },
	}
}

// whole is a state with something in each field.
func whole() machine.State {
	m := &machine.Machine{HostBoot: "first", Log: slog.New(slog.DiscardHandler), State: machine.State{
		Override:   machine.Override{Boot: machine.Boot{Boot: provider.Boot{Device: provider.DeviceNetwork}, Raw: [5]byte{0x80, 4}}, Valid: true, Set: time.Minute},
		Former:     provider.Boot{Device: provider.DeviceHD, Persistent: true},
		Original:   provider.Boot{Device: provider.DeviceOptical, Persistent: true, EFI: true},
		FormerLost: true,
		BootFailed: true,
		Shutdown:   time.Second,
		Restart:    true,
		PowerFault: true,
		Restore:    machine.RestorePrevious,
		RestoredIn: "first",
		Cause:      machine.CauseWatchdog,
		PowerOn:    machine.PowerOnTime{Total: time.Hour, Since: time.Unix(1e9, 0).UTC()},
		Identify:   machine.Identify{Until: time.Hour},
		Media:      machine.Media{URL: "http://h/a.iso", WriteProtected: true, Verify: true},
		Watchdog:   machine.Watchdog{Use: machine.UseManagementOS, Action: provider.Reset, Countdown: 30 * time.Second, Deadline: time.Hour, Running: true},
	}}
	m.Update(func(s *machine.State) {
		s.Note("ipmi boot 7", []byte("mailbox"))
		s.Note(changesNote, []byte("{}"))
	})
	m.AddRecord(make([]byte, 16), machine.Moment{Uptime: time.Hour, Clock: time.Unix(2e9, 0)})
	return m.State
}

// A state that cannot be read is an error, and one that is not there is new.
func TestLoad(t *testing.T) {
	f := stateFile(t)
	state, err := f.Load()
	require.NoError(t, err)
	require.Zero(t, state)

	require.NoError(t, f.Save(whole()))
	again, err := f.Load()
	require.NoError(t, err)
	require.Equal(t, whole(), again)

	require.NoError(t, os.WriteFile(f.path(), []byte(`{"format":`), 0o600))
	_, err = f.Load()
	require.ErrorContains(t, err, stateName)
}

// A watchdog that ran in an earlier boot of the host must not reset the machine, however long
// the host has been up again.
func TestLoadInAnotherBootOfTheHost(t *testing.T) {
	f := stateFile(t)
	require.NoError(t, f.Save(whole()))
	f.HostBoot = "second"
	state, err := f.Load()
	require.NoError(t, err)
	require.False(t, state.Watchdog.Running)
	require.False(t, state.Override.Valid, "the boot override has expired")
	require.Zero(t, state.Identify.Until)
	require.NotContains(t, state.Notes, changesNote)
	require.Contains(t, state.Notes, "ipmi boot 7")
	require.Len(t, state.Events.Entries, 1)
}

// Version 1 did not say in which boot of the host it wrote a file. The file's time does.
func TestUpgradeInAnotherBootOfTheHost(t *testing.T) {
	f := stateFile(t)
	f.Upgrade = func([]byte) (machine.State, error) { return whole(), nil }
	require.NoError(t, os.WriteFile(f.path(), []byte(checksum.Seal([]byte("{}"))+"\n"), 0o600))
	f.Booted = time.Now().Add(-time.Hour)
	state, err := f.Load()
	require.NoError(t, err)
	require.True(t, state.Watchdog.Running)
	f.Booted = time.Now().Add(time.Hour)
	state, err = f.Load()
	require.NoError(t, err)
	require.False(t, state.Watchdog.Running)
}

// damaged yields text cut off at each byte, and with each of its bits flipped.
func damaged(text []byte, use func(text []byte, cut bool)) {
	for n := range text {
		use(text[:n], true)
	}
	for bit := range len(text) * 8 {
		flipped := bytes.Clone(text)
		flipped[bit/8] ^= 1 << (bit % 8)
		use(flipped, false)
	}
}

// A state file that is cut off, or has lost a bit, is an error. A file with a good checksum
// can be worked with, whatever it says.
func TestDamagedState(t *testing.T) {
	f := stateFile(t)
	require.NoError(t, f.Save(whole()))
	line, err := os.ReadFile(f.path())
	require.NoError(t, err)
	line = bytes.TrimSpace(line)
	text, err := checksum.Check(string(line))
	require.NoError(t, err)

	damaged(line, func(line []byte, _ bool) {
		s, err := f.parse(string(line))
		require.Error(t, err)
		require.Zero(t, s)
	})
	damaged(text, func(text []byte, cut bool) {
		s, err := f.parse(checksum.Seal(text))
		if cut {
			require.Error(t, err)
		}
		m := &machine.Machine{State: s.State, HostBoot: "second", Log: slog.New(slog.DiscardHandler)}
		now := machine.Moment{Uptime: time.Hour, Clock: time.Unix(2e9, 0)}
		m.AddRecord(make([]byte, 16), now)
		m.ClearEvents(now)
		m.Override(now)
		m.RestoreAtBoot()
		m.WatchdogLeft(now)
	})
}

// FuzzState leaves anything where the state of a BMC is kept: it is not read, or is kept as
// it was read.
func FuzzState(f *testing.F) {
	f.Add(`{"format":2,"boot":"first","restore":2,"identify":true}`)
	f.Add(`{"format":2,"boot":"first","override":{"Device":"network","raw":[128,4,0,0,0],"valid":true,"set":1}}`)
	f.Add(`{"format":2,"events":{"entries":[{"id":65534,"time":1,"record":"AA=="}],"last":65534}}`)
	f.Add(`{"restore":2}`)
	f.Add(`{"format":`)
	f.Fuzz(func(t *testing.T, text string) {
		file := stateFile(t)
		text = strings.ReplaceAll(text, "\n", " ")
		require.NoError(t, os.WriteFile(file.path(), []byte(checksum.Seal([]byte(text))+"\n"), 0o600))
		state, err := file.Load()
		if err != nil {
			require.ErrorContains(t, err, stateName)
			return
		}
		require.NoError(t, file.Save(state))
		again, err := file.Load()
		require.NoError(t, err)
		require.Equal(t, state, again)
	})
}
