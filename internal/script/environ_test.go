package script

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/media"
	"github.com/shipmi/shipmi/internal/provider"
)

func TestEnviron(t *testing.T) {
	r := &Runner{Name: "node-0", Parameters: map[string]string{"vmid": "101", "node": "a b"}, StateDir: "/var/lib/shipmi-bmc/node-0", Environ: []string{
		"PATH=/bin", "LANG=C.UTF-8", "GOVC_URL=https://vc", "EMPTY=",
		"LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_FDNAMES=x", "NOTIFY_SOCKET=/run/x", "WATCHDOG_USEC=1", "WATCHDOG_PID=1",
		"CREDENTIALS_DIRECTORY=/run/x", "RUNTIME_DIRECTORY=/run/x", "STATE_DIRECTORY=/x", "JOURNAL_STREAM=1:2",
		"INVOCATION_ID=x", "SYSTEMD_EXEC_PID=1", "MEMORY_PRESSURE_WATCH=/x",
		"SHIPMI_NAME=other", "SHIPMI_PARAM_VMID=7", "SHIPMI_PARAM_X=7", "SHIPMI_PROVIDER=/x", "SHIPMI_BOOTDEV=floppy",
		"SHIPMI_MEDIA_URL=http://x/", "SHIPMI_MEDIA_LOCAL=0", "SHIPMI_MEDIA_CREDENTIALS=/etc/shadow",
	}}
	r.Media = media.Rule{URLs: []string{"http://h/", "http://i/"}, Local: true}
	r.Logins, r.Fetch = media.Logins{Dir: "/run/shipmi-bmc/node-0"}, "/bin/fetch"
	common := []string{
		"PATH=/bin", "LANG=C.UTF-8", "GOVC_URL=https://vc", "EMPTY=", "HOME=/root", "LC_ALL=C.UTF-8",
		"SHIPMI_NAME=node-0", "SHIPMI_STATE_DIRECTORY=/var/lib/shipmi-bmc/node-0",
		"SHIPMI_PARAM_NODE=a b", "SHIPMI_PARAM_VMID=101",
	}
	args := provider.Args{Boot: provider.Boot{Device: provider.DeviceHD, Persistent: true}, Light: provider.Light{On: true, Seconds: 15}}
	image := provider.Args{Media: provider.Media{URL: "http://h/a.iso", WriteProtected: true, Verify: true, Login: "ABC"}}
	for _, tt := range []struct {
		verb provider.Verb
		args provider.Args
		want []string
	}{
		{provider.Off, args, []string{"SHIPMI_VERB=power-off"}},
		{provider.On, args, []string{"SHIPMI_VERB=power-on", "SHIPMI_BOOTDEV=hd", "SHIPMI_BOOT_PERSISTENT=1", "SHIPMI_BOOT_EFI=0"}},
		{provider.BootSet, args, []string{"SHIPMI_VERB=boot-set", "SHIPMI_BOOTDEV=hd", "SHIPMI_BOOT_PERSISTENT=1", "SHIPMI_BOOT_EFI=0"}},
		{provider.Identify, args, []string{"SHIPMI_VERB=chassis-identify", "SHIPMI_IDENTIFY=on", "SHIPMI_IDENTIFY_SECONDS=15"}},
		{provider.Identify, provider.Args{}, []string{"SHIPMI_VERB=chassis-identify", "SHIPMI_IDENTIFY=off", "SHIPMI_IDENTIFY_SECONDS=0"}},
		{provider.MediaInsert, image, []string{
			"SHIPMI_VERB=media-insert", "SHIPMI_MEDIA_DEVICE=cd", "SHIPMI_FETCH=/bin/fetch", "SHIPMI_MEDIA_URL=http://h/a.iso",
			"SHIPMI_MEDIA_WRITE_PROTECTED=1", "SHIPMI_MEDIA_VERIFY=1", "SHIPMI_MEDIA_URLS=http://h/ http://i/",
			"SHIPMI_MEDIA_LOCAL=1", "SHIPMI_MEDIA_CREDENTIALS=/run/shipmi-bmc/node-0/media-login.ABC",
		}},
		{provider.MediaInsert, provider.Args{Media: provider.Media{URL: "http://h/"}}, []string{
			"SHIPMI_VERB=media-insert", "SHIPMI_MEDIA_DEVICE=cd", "SHIPMI_FETCH=/bin/fetch", "SHIPMI_MEDIA_URL=http://h/",
			"SHIPMI_MEDIA_WRITE_PROTECTED=0", "SHIPMI_MEDIA_VERIFY=0", "SHIPMI_MEDIA_URLS=http://h/ http://i/", "SHIPMI_MEDIA_LOCAL=1",
		}},
		{provider.MediaEject, image, []string{"SHIPMI_VERB=media-eject", "SHIPMI_MEDIA_DEVICE=cd", "SHIPMI_FETCH=/bin/fetch"}},
		{provider.MediaGet, image, []string{"SHIPMI_VERB=media-get", "SHIPMI_MEDIA_DEVICE=cd", "SHIPMI_FETCH=/bin/fetch"}},
	} {
		require.Equal(t, slices.Concat(common, tt.want), r.environ(tt.verb, tt.args))
	}

	r.Environ = []string{"HOME=/var/lib/bmc", "LC_ALL=de_DE.UTF-8"}
	require.Equal(t, r.Environ, r.environ(provider.Off, provider.Args{})[:2])
	require.Len(t, r.environ(provider.Off, provider.Args{}), 7)
}

// A program such as virsh prints its answers in the language of its environment, and scripts compare them with English words.
func TestScriptsRunInEnglish(t *testing.T) {
	const says = "[POWER]\nstatus=[ \"$LC_ALL\" = %s ] && echo on\n"
	r := newRunner(t, fmt.Sprintf(says, "C.UTF-8"))
	r.Environ = []string{"PATH=" + os.Getenv("PATH"), "LANG=de_DE.UTF-8"}
	require.Equal(t, machine.Reading{Has: true, On: true}, r.Query(t.Context(), provider.Status, provider.Args{}))

	r = newRunner(t, fmt.Sprintf(says, "de_DE.UTF-8"))
	r.Environ = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=de_DE.UTF-8"}
	require.Equal(t, machine.Reading{Has: true, On: true}, r.Query(t.Context(), provider.Status, provider.Args{}), "the unit sets it")
}

// Scripts get no descriptor of ours beyond the standard three: they have what ls has when we run it ourselves.
func TestDescriptors(t *testing.T) {
	want, err := exec.Command("ls", "/proc/self/fd").Output()
	require.NoError(t, err)
	const list = "ls /proc/self/fd >fds; echo on\n"
	r := newRunner(t, "[POWER]\nstatus="+list+"diag="+list+"reset="+list)

	require.NoError(t, r.Query(t.Context(), provider.Status, provider.Args{}).Err)
	require.Equal(t, string(want), r.read(t, "fds"))
	for _, v := range []provider.Verb{provider.Diag, provider.Reset} {
		r.write(t, "fds", "")
		require.NoError(t, r.Act(t.Context(), v, provider.Args{}, actionFile(t)))
		require.Equal(t, string(want), r.read(t, "fds"))
	}
}

func TestProcessGroup(t *testing.T) {
	r := newRunner(t, "[POWER]\nstatus=cut -d' ' -f5 /proc/self/stat >group; echo on\n")
	require.NoError(t, r.Query(t.Context(), provider.Status, provider.Args{}).Err)
	require.NotEqual(t, syscall.Getpgrp(), r.pid(t, "group"))
}
