package provider

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// newProxmox is a Runner for provider and for a machine of testdata/qm in its state directory.
func newProxmox(t *testing.T, provider, status string, config ...string) *Runner {
	testdata, err := filepath.Abs("testdata")
	require.NoError(t, err)
	r := loadRunner(t, provider)
	r.Name = "100"
	r.Parameters = map[string]string{"vmid": "100"}
	r.Stderr = func(Verb) (*os.File, error) {
		return os.OpenFile(filepath.Join(r.StateDir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	}
	r.Environ = []string{"PATH=" + testdata + ":" + os.Getenv("PATH"), "QM=" + r.StateDir}
	files := map[string]string{"status": status, "config": strings.Join(config, "\n")}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(r.StateDir, name), []byte(text+"\n"), 0o600))
	}
	return r
}

var machine = []string{
	"description: bootdisk%3A scsi7, net7%3A none",
	"efidisk0: local-lvm:vm-100-disk-1,efitype=4m,size=4M",
	"hostpci0: 0000:03:00.0,pcie=1",
	"ide2: local:iso/debian-12.iso,media=cdrom,size=600M",
	"ide3: local-lvm:vm-100-cloudinit,media=cdrom",
	"net0: virtio=BC:24:11:00:00:01,bridge=vmbr0",
	"net1: virtio=BC:24:11:00:00:02,bridge=vmbr1",
	"scsi0: local-lvm:vm-100-disk-0,iothread=1,size=32G",
	"scsihw: virtio-scsi-single",
	"virtio1: local-lvm:vm-100-disk-2,size=8G",
}

func TestProxmoxPower(t *testing.T) {
	r := newProxmox(t, builtin+"proxmox-qm.conf", "stopped", machine...)
	act := func(v Verb) error { return r.Act(t.Context(), v, Args{}, actionFile(t)) }
	status := func(want bool) {
		t.Helper()
		on, err := r.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, on)
	}

	status(false)
	require.ErrorIs(t, act(Reset), ErrState)
	require.EqualError(t, act(Diag), "power diag: exit status 1")
	require.NoError(t, act(Off), "off when off")
	require.NoError(t, act(Shutdown), "shutdown when off")
	require.NoError(t, act(On))
	status(true)
	for _, v := range []Verb{On, Reset, Diag, Cycle} {
		require.NoError(t, act(v), v)
		status(true)
	}
	require.NoError(t, act(Shutdown))
	status(false)

	calls, err := os.ReadFile(filepath.Join(r.StateDir, "calls"))
	require.NoError(t, err)
	require.Contains(t, string(calls), "monitor: nmi\n")

	r.Parameters["vmid"] = "101"
	_, err = r.Status(t.Context())
	require.EqualError(t, err, "power status: exit status 2")
	require.EqualError(t, act(On), "power on: exit status 2")
}

func TestProxmoxStatus(t *testing.T) {
	for said, on := range map[string]bool{
		"running": true, "paused": true, "suspended": true, "prelaunch": true, "io-error": true, "stopped": false,
	} {
		got, err := newProxmox(t, builtin+"proxmox-qm.conf", said).Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, on, got, said)
	}
	_, err := newProxmox(t, builtin+"proxmox-qm.conf", "unknown").Status(t.Context())
	require.EqualError(t, err, `power status: printed "status: unknown", want "on" or "off"`)
}

func TestProxmoxBoot(t *testing.T) {
	for _, tt := range []struct {
		name, boot string
		is         Device
		set        Device
		want       string
		err        error
	}{
		{"to the front", "boot: order=scsi0;ide2;net0", DeviceHD, DeviceNetwork, "boot: order=net0;scsi0;ide2", nil},
		{"already there", "boot: order=ide2;net0", DeviceOptical, DeviceOptical, "boot: order=ide2;net0", nil},
		{"first of its kind in the order", "boot: order=net0;virtio1;scsi0", DeviceNetwork, DeviceHD, "boot: order=virtio1;net0;scsi0", nil},
		{"not yet in the order", "boot: order=scsi0", DeviceHD, DeviceOptical, "boot: order=ide2;scsi0", nil},
		{"no order", "", DeviceHD, DeviceNetwork, "boot: order=net0;scsi0;ide2", nil},
		{"old kind of order", "boot: cdn", DeviceHD, DeviceOptical, "boot: order=ide2;scsi0;net0", nil},
		{"other device first", "boot: order=hostpci0;scsi0", DeviceNone, DeviceNetwork, "boot: order=net0;hostpci0;scsi0", nil},
		{"nothing asked for", "boot: order=scsi0;net0", DeviceHD, DeviceNone, "boot: order=scsi0;net0", nil},
		{"no such device", "boot: order=scsi0", DeviceHD, DeviceFloppy, "boot: order=scsi0", ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newProxmox(t, builtin+"proxmox-qm.conf", "stopped", append(machine, tt.boot)...)
			device, err := r.BootDevice(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.is, device)

			require.ErrorIs(t, r.Act(t.Context(), BootSet, Args{Boot: Boot{Device: tt.set}}, actionFile(t)), tt.err)
			after, err := os.ReadFile(filepath.Join(r.StateDir, "config"))
			require.NoError(t, err)
			require.Contains(t, string(after), tt.want+"\n")
		})
	}

	r := newProxmox(t, builtin+"proxmox-qm.conf", "stopped", "boot: order=scsi0", "scsi0: local:1")
	require.ErrorIs(t, r.Act(t.Context(), BootSet, Args{Boot: Boot{Device: DeviceNetwork}}, actionFile(t)), ErrUnsupported)
}

func TestProxmoxOneShot(t *testing.T) {
	for verb, calls := range map[Verb]string{
		On:    "start 100",
		Cycle: "stop 100, start 100",
		Reset: "stop 100, start 100",
	} {
		status := "running"
		if verb == On {
			status = "stopped"
		}
		r := newProxmox(t, builtin+"proxmox-qm.conf", status, append(machine, "boot: order=scsi0;ide2;net0")...)
		once := Args{Boot: Boot{Device: DeviceNetwork}}
		require.NoError(t, r.Act(t.Context(), BootSet, once, actionFile(t)))
		require.NoError(t, r.Act(t.Context(), verb, once, actionFile(t)))

		said, err := os.ReadFile(filepath.Join(r.StateDir, "calls"))
		require.NoError(t, err)
		changes := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(said)), "\n"), func(call string) bool {
			return strings.HasPrefix(call, "status ") || strings.HasPrefix(call, "config ")
		})
		require.Equal(t, "set 100 --boot order=net0;scsi0;ide2, "+calls+", set 100 --boot order=scsi0;net0;ide2",
			strings.Join(changes, ", "))
	}
}

func TestProxmoxFRU(t *testing.T) {
	r := newProxmox(t, builtin+"proxmox-qm.conf", "stopped", machine...)
	fru, err := r.FRU(t.Context())
	require.NoError(t, err)
	require.Equal(t, FRU{Product: "Proxmox VE VM", Serial: "100"}, fru)

	long := strings.Repeat("x", maxFRU)
	r = newProxmox(t, builtin+"proxmox-qm.conf", "stopped", append(machine, "name: "+long+".example.org")...)
	fru, err = r.FRU(t.Context())
	require.NoError(t, err)
	require.Equal(t, FRU{Product: "Proxmox VE VM", Serial: "100", Asset: long}, fru)

	r.Parameters["vmid"] = "101"
	_, err = r.FRU(t.Context())
	require.EqualError(t, err, "fru get: exit status 2")
}

// The file that the predecessor's documentation gives for Proxmox goes on doing what it did.
func TestPredecessorOnProxmox(t *testing.T) {
	r := newProxmox(t, "testdata/ini/predecessor.conf", "stopped", append(machine, "boot: order=scsi0;ide2;net0")...)
	require.NoError(t, r.Act(t.Context(), On, Args{}, actionFile(t)))
	on, err := r.Status(t.Context())
	require.NoError(t, err)
	require.True(t, on)
	require.NoError(t, r.Act(t.Context(), Cycle, Args{}, actionFile(t)))
	require.NoError(t, r.Act(t.Context(), BootSet, Args{Boot: Boot{Device: DeviceNetwork}}, actionFile(t)))
	device, err := r.BootDevice(t.Context())
	require.NoError(t, err)
	require.Equal(t, DeviceNetwork, device)
}
