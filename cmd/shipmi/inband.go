package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/hint"
)

func (a *app) inbandCommand() *cobra.Command {
	return &cobra.Command{
		Use:        "inband NAME",
		SuggestFor: []string{"in-band", "guest", "qemu"},
		Short:      "Show how a virtual machine gets its BMC as a device",
		Long: `Show the options of QEMU with which a guest has the BMC as its device /dev/ipmi0, and the
place for these options in libvirt, Proxmox VE and Incus. "shipmi add --inband" or
"shipmi set --inband" lets the guest use the BMC.

One option, which makes QEMU reconnect, has a new name since QEMU 9.2. The command asks
the QEMU of this host for its version. If the machine runs on another host, give --host.`,
		Example: `  shipmi set node-0 --inband
  shipmi inband node-0
  shipmi --host root@hypervisor inband node-0`,
		Args:              oneName,
		ValidArgsFunction: a.completeName,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.inband(cmd.Context(), args[0]) },
	}
}

func (a *app) inband(ctx context.Context, name string) error {
	bmcs, err := a.findBMCs(name)
	if err != nil {
		return err
	}
	b := bmcs[0]
	if err := checkFiles(bmcs); err != nil {
		return err
	}
	if b.Inband == 0 {
		return hint.Add(fmt.Errorf("%s: its guest has no access", b.Name), `"shipmi set %s --inband" gives it the level operator; see "shipmi help set"`, b.Name)
	}
	socket := a.store.InbandSocket(b.Name)
	chardev := "socket,id=ipmi,path=" + socket + "," + reconnect(qemuVersion(ctx))
	_, err = fmt.Fprintf(a.Stdout, inbandText, b.Inband, chardev, socket)
	return err
}

// inbandText has the level of the guest, the value of -chardev, and the path of the socket.
const inbandText = `# The guest has the level %[1]s. Give QEMU these options. Start the BMC before the machine.

# QEMU, x86-64. Where there is no ISA bus, the last device is pci-ipmi-kcs,bmc=bmc
-chardev %[2]s
-device ipmi-bmc-extern,id=bmc,chardev=ipmi
-device isa-ipmi-kcs,bmc=bmc

# libvirt: "virsh edit", at the end of the domain
<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <qemu:commandline>
    <qemu:arg value='-chardev'/>
    <qemu:arg value='%[2]s'/>
    <qemu:arg value='-device'/>
    <qemu:arg value='ipmi-bmc-extern,id=bmc,chardev=ipmi'/>
    <qemu:arg value='-device'/>
    <qemu:arg value='isa-ipmi-kcs,bmc=bmc'/>
  </qemu:commandline>
</domain>

# Proxmox VE: one line of /etc/pve/qemu-server/VMID.conf
args: -chardev %[2]s -device ipmi-bmc-extern,id=bmc,chardev=ipmi -device isa-ipmi-kcs,bmc=bmc

# Incus
incus config set INSTANCE raw.qemu='-chardev %[2]s -device ipmi-bmc-extern,id=bmc,chardev=ipmi -device isa-ipmi-kcs,bmc=bmc'
incus config set INSTANCE raw.apparmor='%[3]s rw,'

# AppArmor with libvirt: one line of /etc/apparmor.d/local/abstractions/libvirt-qemu
%[3]s rw,

# SELinux with libvirt: after the machine was denied the socket once
ausearch -m avc -ts recent -c qemu-kvm | audit2allow -M shipmi-inband && semodule -i shipmi-inband.pp
`

// A release is a version of QEMU.
type release struct{ major, minor int }

// renamed is the first version whose option is reconnect-ms.
var renamed = release{9, 2}

// reconnect is the option that has QEMU connect again, each second. A version that is not known
// is a new one.
func reconnect(v release, known bool) string {
	if known && (v.major < renamed.major || v.major == renamed.major && v.minor < renamed.minor) {
		return "reconnect=1"
	}
	return "reconnect-ms=1000"
}

// qemus are names of QEMU on x86-64.
var qemus = []string{"qemu-system-x86_64", "kvm", "/usr/libexec/qemu-kvm"}

var qemuSays = regexp.MustCompile(`version (\d+)\.(\d+)`)

// qemuVersion asks the QEMU of this host for its version.
func qemuVersion(ctx context.Context) (v release, known bool) {
	for _, program := range qemus {
		out, err := exec.CommandContext(ctx, program, "--version").Output()
		if err != nil {
			continue
		}
		if match := qemuSays.FindStringSubmatch(strings.TrimSpace(string(out))); match != nil {
			v.major, _ = strconv.Atoi(match[1])
			v.minor, _ = strconv.Atoi(match[2])
			return v, true
		}
	}
	return release{}, false
}
