package provider

import (
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnviron(t *testing.T) {
	r := &Runner{Name: "node-0", Parameters: map[string]string{"vmid": "101", "node": "a b"}, StateDir: "/var/lib/shipmi-bmc/node-0", Environ: []string{
		"PATH=/bin", "LANG=C.UTF-8", "GOVC_URL=https://vc", "EMPTY=",
		"LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_FDNAMES=x", "NOTIFY_SOCKET=/run/x", "WATCHDOG_USEC=1", "WATCHDOG_PID=1",
		"CREDENTIALS_DIRECTORY=/run/x", "RUNTIME_DIRECTORY=/run/x", "STATE_DIRECTORY=/x", "JOURNAL_STREAM=1:2",
		"INVOCATION_ID=x", "SYSTEMD_EXEC_PID=1", "MEMORY_PRESSURE_WATCH=/x",
		"SHIPMI_NAME=other", "SHIPMI_PARAM_VMID=7", "SHIPMI_PARAM_X=7", "SHIPMI_PROVIDER=/x", "SHIPMI_BOOTDEV=floppy",
	}}
	common := []string{
		"PATH=/bin", "LANG=C.UTF-8", "GOVC_URL=https://vc", "EMPTY=", "HOME=/root",
		"SHIPMI_NAME=node-0", "SHIPMI_STATE_DIRECTORY=/var/lib/shipmi-bmc/node-0",
		"SHIPMI_PARAM_NODE=a b", "SHIPMI_PARAM_VMID=101",
	}
	args := Args{Boot: Boot{Device: DeviceHD, Persistent: true}, Light: Light{On: true, Seconds: 15}}
	for _, tt := range []struct {
		verb Verb
		args Args
		want []string
	}{
		{Off, args, []string{"SHIPMI_VERB=power-off"}},
		{On, args, []string{"SHIPMI_VERB=power-on", "SHIPMI_BOOTDEV=hd", "SHIPMI_BOOT_PERSISTENT=1", "SHIPMI_BOOT_EFI=0"}},
		{BootSet, args, []string{"SHIPMI_VERB=boot-set", "SHIPMI_BOOTDEV=hd", "SHIPMI_BOOT_PERSISTENT=1", "SHIPMI_BOOT_EFI=0"}},
		{Identify, args, []string{"SHIPMI_VERB=chassis-identify", "SHIPMI_IDENTIFY=on", "SHIPMI_IDENTIFY_SECONDS=15"}},
		{Identify, Args{}, []string{"SHIPMI_VERB=chassis-identify", "SHIPMI_IDENTIFY=off", "SHIPMI_IDENTIFY_SECONDS=0"}},
	} {
		require.Equal(t, slices.Concat(common, tt.want), r.environ(tt.verb, tt.args))
	}

	r.Environ = []string{"HOME=/var/lib/bmc"}
	require.Equal(t, "HOME=/var/lib/bmc", r.environ(Off, Args{})[0])
	require.Len(t, r.environ(Off, Args{}), 6)
}

// Scripts get no descriptor of ours beyond the standard three: they have what ls has when we run it ourselves.
func TestDescriptors(t *testing.T) {
	want, err := exec.Command("ls", "/proc/self/fd").Output()
	require.NoError(t, err)
	const list = "ls /proc/self/fd >fds; echo on\n"
	r := newRunner(t, "[POWER]\nstatus="+list+"diag="+list+"reset="+list)

	_, err = r.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, string(want), r.read(t, "fds"))
	for _, v := range []Verb{Diag, Reset} {
		r.write(t, "fds", "")
		require.NoError(t, r.Act(t.Context(), v, Args{}, actionFile(t)))
		require.Equal(t, string(want), r.read(t, "fds"))
	}
}

func TestProcessGroup(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus=cut -d' ' -f5 /proc/self/stat >group; echo on\n")
	_, err := r.Status(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, syscall.Getpgrp(), r.pid(t, "group"))
}
