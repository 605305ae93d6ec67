package redfish

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// boot writes the boot override, and reads what the answer says of it.
func (r *rig) boot(body string) string {
	r.t.Helper()
	got := r.do("PATCH", systemPath, `{"Boot": `+body+`}`)
	require.Equal(r.t, http.StatusOK, got.Status, got.Text)
	require.Equal(r.t, got.at("Boot"), r.get(systemPath).at("Boot"))
	return bootOf(got)
}

func bootOf(got response) string {
	word := func(name string) string { return got.at("Boot", "BootSourceOverride"+name).(string) }
	return word("Enabled") + " " + word("Target") + " " + word("Mode")
}

// What a client writes reads back, and scripts are told.
func TestBootOverride(t *testing.T) {
	for _, c := range []struct{ body, reads, ran string }{
		{`{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}`, "Once Pxe Legacy", "boot set network"},
		{`{"BootSourceOverrideEnabled": "Continuous", "BootSourceOverrideTarget": "Hdd"}`, "Continuous Hdd Legacy", "boot set hd persistent"},
		{`{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Cd", "BootSourceOverrideMode": "UEFI"}`, "Once Cd UEFI", "boot set optical efi"},
		{`{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Floppy"}`, "Once Floppy Legacy", "boot set floppy"},
		{`{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "BiosSetup"}`, "Once BiosSetup Legacy", "boot set bios"},
		{`{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Diags"}`, "Once Diags Legacy", "boot set diag"},
		{`{"BootSourceOverrideMode": "UEFI"}`, "Disabled None UEFI", ""},
		{`{"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"}`, "Disabled None Legacy", ""},
		{`{"BootSourceOverrideEnabled": "Disabled"}`, "Disabled None Legacy", ""},
		{`{"BootSourceOverrideTarget": "Pxe"}`, "Disabled Pxe Legacy", ""},
		{`{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "None"}`, "Once None Legacy", ""},
	} {
		r := newRig(t, full)
		require.Equal(t, c.reads, r.boot(c.body), c.body)
		var ran []string
		if c.ran != "" {
			ran = []string{c.ran}
		} else {
			require.Equal(t, 1, r.stored)
		}
		require.Equal(t, ran, r.ran, c.body)
	}
}

// Absent properties keep their values.
func TestBootOverrideStepByStep(t *testing.T) {
	r := newRig(t, full)
	require.Equal(t, "Disabled None UEFI", r.boot(`{"BootSourceOverrideMode": "UEFI"}`))
	require.Equal(t, "Disabled Pxe UEFI", r.boot(`{"BootSourceOverrideTarget": "Pxe"}`))
	require.Equal(t, "Once Pxe UEFI", r.boot(`{"BootSourceOverrideEnabled": "Once"}`))
	require.Equal(t, "Once Cd UEFI", r.boot(`{"BootSourceOverrideTarget": "Cd"}`))
	require.Equal(t, "Continuous Cd UEFI", r.boot(`{"BootSourceOverrideEnabled": "Continuous"}`))
	require.Equal(t, "Continuous Cd Legacy", r.boot(`{"BootSourceOverrideMode": "Legacy"}`))
	require.Equal(t, "Disabled None Legacy", r.boot(`{"BootSourceOverrideEnabled": "Disabled"}`))
	require.Equal(t, []string{
		"boot set network efi", "boot set optical efi", "boot set optical persistent efi", "boot set optical persistent",
	}, r.ran)
}

// Once reads Disabled after the boot, and keeps the mode. It does not expire before.
func TestOnce(t *testing.T) {
	r := newRig(t, full)
	r.boot(`{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe", "BootSourceOverrideMode": "UEFI"}`)
	later := machine.Moment{Uptime: start.Uptime + time.Hour, Clock: start.Clock.Add(time.Hour)}
	require.True(t, r.Machine.Override(later).Valid)
	require.Equal(t, provider.DeviceNetwork, r.Machine.InForce(later).Device)
	r.reset("ForceRestart")
	require.Equal(t, "Disabled None UEFI", bootOf(r.get(systemPath)))

	r.boot(`{"BootSourceOverrideEnabled": "Continuous", "BootSourceOverrideTarget": "Hdd"}`)
	r.reset("ForceRestart")
	require.Equal(t, "Continuous Hdd UEFI", bootOf(r.get(systemPath)))
}

// bmclib writes the whole of Boot as it has read it.
func TestBootAsItWasRead(t *testing.T) {
	for _, scripts := range [][]provider.Verb{full, lean} {
		r := newRig(t, scripts)
		text, err := json.Marshal(r.get(systemPath).at("Boot"))
		require.NoError(t, err)
		require.Equal(t, "Disabled None Legacy", r.boot(string(text)))
		require.Empty(t, r.ran)
	}
	r := newRig(t, full)
	r.Machine.Update(func(s *machine.State) {
		s.Override = machine.Override{Boot: machine.Boot{Boot: provider.Boot{Device: provider.DeviceSafe}}, Valid: true, Set: start.Uptime}
	})
	text, err := json.Marshal(r.get(systemPath).at("Boot"))
	require.NoError(t, err)
	require.Equal(t, "Once Hdd Legacy", r.boot(string(text)))
	require.Empty(t, r.ran)
	require.Equal(t, provider.DeviceSafe, r.Machine.State.Override.Device)
}

// The boot flags of IPMI are the same record.
func TestBootFlagsOfIPMI(t *testing.T) {
	r := newRig(t, full)
	set := func(o machine.Override) string {
		r.Machine.Update(func(s *machine.State) { s.Override = o })
		return bootOf(r.get(systemPath))
	}
	network := machine.Boot{Boot: provider.Boot{Device: provider.DeviceNetwork, EFI: true}}
	require.Equal(t, "Once Pxe UEFI", set(machine.Override{Boot: network, Valid: true, Set: start.Uptime}))
	require.Equal(t, "Disabled Pxe UEFI", set(machine.Override{Boot: network, Valid: true, Set: start.Uptime - time.Minute}), "it has expired")
	require.Equal(t, "Disabled Pxe UEFI", set(machine.Override{Boot: network, Valid: true, Masked: true}))
	network.Persistent = true
	require.Equal(t, "Continuous Pxe UEFI", set(machine.Override{Boot: network, Valid: true}))
}

// While an action runs, an override that needs no script is not changed: the end of the action
// would undo it.
func TestBootOverrideWhileAnActionRuns(t *testing.T) {
	r := newRig(t, full)
	r.acting = true
	before := r.Machine.State
	got := r.do("PATCH", systemPath, `{"Boot": {"BootSourceOverrideMode": "UEFI"}}`)
	require.Equal(t, http.StatusServiceUnavailable, got.Status)
	require.Equal(t, retryAfter, got.Header.RetryAfter)
	require.Equal(t, before, r.Machine.State)
}

func TestBootDeviceThatCannotBeSet(t *testing.T) {
	r := newRig(t, full)
	r.fails = &provider.Error{Exit: 66, Err: provider.ErrUnsupported}
	got := r.do("PATCH", systemPath, `{"Boot": {"BootSourceOverrideEnabled": "Continuous", "BootSourceOverrideTarget": "Diags"}}`)
	require.Equal(t, http.StatusBadRequest, got.Status)
	require.Equal(t, []string{"PropertyValueError"}, got.keys(""))
	require.Equal(t, "Disabled None Legacy", bootOf(r.get(systemPath)))
}
