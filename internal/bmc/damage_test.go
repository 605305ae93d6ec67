package bmc

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

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

// A state file that is cut off, or has lost a bit, is an error. What another version may
// have written in its place can be worked with.
func TestDamagedState(t *testing.T) {
	dir := t.TempDir()
	whole := ipmi.State{
		Boot:     ipmi.Boot{Parameters: [8]ipmi.BootParameter{5: {Data: []byte{0xC0, 4, 0, 0, 0}}, 7: {Data: []byte("mailbox")}}, FlagsSet: time.Minute},
		Restore:  ipmi.RestorePrevious,
		HostBoot: "first",
		Cause:    ipmi.CauseWatchdog,
		PowerOn:  ipmi.PowerOnTime{Total: time.Hour, Since: time.Unix(1e9, 0)},
		Watchdog: ipmi.Watchdog{Use: 4, Actions: 1, Initial: 300, Deadline: time.Hour, Running: true},
	}
	b := &ipmi.BMC{State: whole, Log: slog.New(slog.DiscardHandler), Save: func(s ipmi.State) error { return SaveState(dir, s) }}
	request := func(netFn rmcp.NetFn, cmd byte, data ...byte) {
		r := rmcp.Request{RsAddr: rmcp.AddressBMC, NetFn: netFn, Cmd: cmd, Data: data}
		b.Handle(&ipmi.Request{Request: r, Session: ipmi.Session{Privilege: rmcp.Administrator}, Now: time.Hour, Time: time.Unix(2e9, 0)})
	}
	addSELEntry := append([]byte{0, 0, 0xC0}, make([]byte, 13)...)
	request(rmcp.NetFnStorage, 0x44, addSELEntry...)
	line, err := os.ReadFile(filepath.Join(dir, stateFile))
	require.NoError(t, err)
	line = bytes.TrimSpace(line)
	text, err := checked(string(line))
	require.NoError(t, err)
	require.Contains(t, string(text), "records")
	b.Save = func(ipmi.State) error { return nil }

	damaged(line, func(line []byte, _ bool) {
		s, err := parseState(string(line))
		require.ErrorIs(t, err, errChecksum)
		require.Zero(t, s)
	})
	damaged(text, func(text []byte, cut bool) {
		s, err := parseState(withChecksum(text))
		if cut {
			require.Error(t, err)
		}
		if err != nil {
			require.Zero(t, s)
		}
		b.State = s
		request(rmcp.NetFnStorage, 0x40)
		request(rmcp.NetFnStorage, 0x43, 0, 0, 0, 0, 0, 0xFF)
		request(rmcp.NetFnStorage, 0x44, addSELEntry...)
		request(rmcp.NetFnApp, 0x25)
		request(rmcp.NetFnChassis, 0x07)
		request(rmcp.NetFnChassis, 0x0F)
		b.AtBoot(time.Hour, time.Unix(2e9, 0))
		b.WatchdogLeft(time.Hour)
	})
}

// A bit that flips in an action file takes away what its line said, and makes nothing up.
func TestEveryBitOfAnActionFile(t *testing.T) {
	m := &Actions{Dir: t.TempDir(), HostBoot: "first"}
	path, err := m.begin(&action{
		script:  &ipmi.Script{Verb: provider.On},
		request: &ipmi.Request{Session: ipmi.Session{ID: 1, User: "admin"}, Request: rmcp.Request{RsAddr: 0x20, Data: []byte{1}}},
		askers:  askers{{Session: 1, RqSeqs: 2, Sequence: 7}},
	})
	require.NoError(t, err)
	require.NoError(t, m.end(path, ipmi.Timeout, time.Minute))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	whole, ok := parseAction(path, string(text))
	require.True(t, ok)
	require.Len(t, whole.askers, 1)
	require.NotNil(t, whole.answer)

	unasked, unanswered := whole, whole
	unasked.askers, unanswered.answer = nil, nil
	lines := bytes.SplitAfter(text, []byte("\n"))
	require.Len(t, lines, 4)
	for i, want := range []actionFile{{}, unasked, unanswered} {
		damaged(bytes.TrimSpace(lines[i]), func(line []byte, _ bool) {
			all := slices.Clone(lines)
			all[i] = append(slices.Clone(line), '\n')
			got, ok := parseAction(path, string(bytes.Join(all, nil)))
			require.Equal(t, i > 0, ok)
			require.Equal(t, want, got)
		})
	}
}

// Whatever an action file says, its script does not run again, and the BMC serves.
func TestDamagedActionFile(t *testing.T) {
	var text []byte
	in(t, func(r *rig) {
		r.scripts.script[provider.Reset] = takes(0, ipmi.Result{})
		c := r.login()
		require.Equal(t, "00", r.ask(c, chassis, control, 1, reset))
		var err error
		text, err = os.ReadFile(r.actionFiles()[0])
		require.NoError(t, err)
	})
	text = append(text, "action: pid 4711\naction: exit 0\n"...)
	in(t, func(r *rig) {
		r.stop()
		dir := filepath.Join(r.dir, "actions")
		require.NoError(t, os.Mkdir(dir, 0o700))
		r.scripts.script[provider.Reset] = takes(0, ipmi.Result{})
		n := 0
		damaged(text, func(text []byte, cut bool) {
			if n++; !cut && n%7 != 0 {
				return // all of them take long
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "action.1"), text, 0o600))
			r.start()
			require.NotEmpty(t, r.send(unhex(t, pingVector)))
			r.stop()
		})
		require.Empty(t, r.scripts.started())
		require.NotZero(t, r.scripts.adopted())
	})
}
