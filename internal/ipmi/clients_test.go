package ipmi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// Real clients send these requests in a session: they were seen on the wire or read in
// the clients' source. Each session must run these scripts.
func TestClients(t *testing.T) {
	const on = true
	for name, c := range map[string]struct {
		on    bool
		steps []step
		ran   []string
	}{
		"ipmitool chassis power status": {on, []step{
			{"06/3b 04", "00 04"},
			{"2c/3e 00 02", "c1"}, // PICMG, VITA, HPM.2: no answer would cost 10 s each
			{"06/01", "00 20 01 01 42 02 8f 00 00 00 00 00"},
			{"2c/00 00", "c1"},
			{"2c/00 03", "c1"},
			{"00/01", "00 01 00 40"},
			{"06/3c 44 33 22 11", "00"},
		}, []string{"power status"}},

		"ipmitool chassis bootdev pxe options=persistent,efiboot": {on, []step{
			{"00/08 00 01", "00"},
			{"00/08 04 01 01", "00"},
			{"00/08 05 e0 04 00 00 00", "00"},
			{"00/08 00 02", "00"},
			{"00/08 00 00", "00"},
			{"00/09 05 00 00", "00 01 05 e0 04 00 00 00"},
			{"00/09 00 00 00", "00 01 00 00"},
		}, []string{"boot set network persistent efi"}},

		"pyghmi set_bootdev('network')": {on, []step{
			{"00/08 03 08", "00"},
			{"00/08 05 80 04 00 00 00", "00"},
			{"00/09 05 00 00", "00 01 05 80 04 00 00 00"},
		}, []string{"boot set network"}},

		"Ironic, UEFI, disk from now on": {on, []step{
			{"00/08 03 08", "00"},
			{"00/08 05 e0 08 00 00 00", "00"},
			{"00/09 05 00 00", "00 01 05 e0 08 00 00 00"},
			{"00/02 05", "00"},
			{"00/02 01", "00"},
			{"00/09 05 00 00", "00 01 05 e0 08 00 00 00"},
		}, []string{"boot set hd persistent efi", "power shutdown hd persistent efi", "power on hd persistent efi"}},

		"Ironic, BIOS, network once": {on, []step{
			{"00/08 03 08", "00"},
			{"00/08 00 01", "00"},
			{"00/08 04 01 01", "00"},
			{"00/08 05 80 04 00 00 00", "00"},
			{"00/08 00 02", "00"},
			{"00/08 00 00", "00"},
			{"00/02 02", "00"},
			{"00/09 05 00 00", "00 01 05 c0 08 00 00 00"}, // what is about to be set again
			{"00/02 04", "00"},
		}, []string{"boot set network", "power cycle network", "power diag none"}},

		"MAAS, power on": {!on, []step{
			{"06/3b 03", "00 03"},
			{"00/09 05 00 00", "00 01 05 c0 08 00 00 00"},
			{"00/08 05 80 08 00 00 00", "00"}, // not persistent
			{"00/09 05 00 00", "00 01 05 80 08 00 00 00"},
			{"00/08 05 a0 08 00 00 00", "00"}, // by EFI
			{"00/09 05 00 00", "00 01 05 a0 08 00 00 00"},
			{"00/08 05 a0 04 00 00 00", "00"}, // from the network
			{"00/08 03 1f", "00"},
			{"00/08 04 ff ff", "00"},
			{"00/01", "00 00 00 40"},
			{"00/02 01", "00"},
		}, []string{"boot get", "boot set hd", "boot set hd efi", "boot set network efi", "power status", "power on network efi"}},

		"MAAS, again": {on, []step{
			{"00/08 05 80 00 00 00 00", "00"},
			{"00/09 05 00 00", "00 01 05 80 00 00 00 00"},
			{"00/08 05 a0 00 00 00 00", "00"},
			{"00/09 05 00 00", "00 01 05 a0 00 00 00 00"},
			{"00/08 05 a0 04 00 00 00", "00"},
			{"00/08 03 1f", "00"},
			{"00/08 04 ff ff", "00"},
			{"00/01", "00 01 00 40"},
			{"00/02 02", "00"},
		}, []string{"boot set network efi", "power status", "power cycle network efi"}},

		"fence_ipmilan, onoff": {on, []step{
			{"00/01", "00 01 00 40"},
			{"00/02 00", "00"},
			{"00/02 01", "00"},
		}, []string{"power status", "power off none", "power on none"}},

		"ipmiconsole, ipmi_exporter, Foreman": {on, []step{
			{"06/4e 0e", "00 01 00 15 00 00 00 00 00"},
			{"06/4a 01", "00 00 00 00"},
			{"06/48 01 01 c6 00 00 00", "81"},
			{"06/59 00 01 00 00", "00 11 00 00 07 76 31 2e 34 32 2e 30 00 00 00 00 00 00 00"},
			{"30/70 0c 00", "c1"},
			{"00/04 00 00", "00"},
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, fullService)
			r.does[provider.Status] = machine.Reading{On: c.on}
			r.does[provider.BootGet] = machine.Reading{Device: provider.DeviceHD}
			r.talk(c.steps...)
			require.Equal(t, c.ran, r.scripts())
		})
	}
}

// An operator may do all that orchestrators need, a user may only read.
func TestLevelsOfClients(t *testing.T) {
	r := newRig(t, fullService)
	r.session = &r.sessions[1]
	r.talk(
		step{"06/3b 04", "81"}, step{"06/3b 03", "00 03"},
		step{pxeOnce, "00"}, step{getFlags, "00 01 05 80 04 00 00 00"}, step{"00/02 03", "00"},
		step{"06/02", "d4"}, step{"06/03", "d4"},
		step{"06/3b 02", "00 02"},
		step{"00/01", "00 00 10 40"}, step{"06/01", "00 20 01 01 42 02 8f 00 00 00 00 00"},
		step{pxeOnce, "d4"}, step{getFlags, "d4"}, step{"00/02 03", "d4"},
	)
}
