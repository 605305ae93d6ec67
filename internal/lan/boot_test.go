package lan

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/test/console"
)

const (
	identify       = 0x04
	getBootOptions = 0x09
	soft           = 0x05
)

// bootsFromDisk makes a machine whose scripts succeed at once, and logs in.
func (r *rig) bootsFromDisk() *console.Console {
	r.scripts.present = provider.DeviceHD
	for _, v := range []provider.Verb{provider.BootSet, provider.On, provider.Off, provider.Reset, provider.Cycle, provider.Shutdown} {
		r.scripts.script[v] = takes(0, machine.Reading{})
	}
	return r.login()
}

func bootFlags(c *console.Console, r *rig, rqSeq byte) string {
	return r.ask(c, chassis, getBootOptions, rqSeq, 5, 0, 0)
}

// Ironic sends "bootdev" once, and waits 5 s for the answer. A start that comes meanwhile waits for the device.
func TestABootDeviceThatTakesLongIsAccepted(t *testing.T) {
	in(t, func(r *rig) {
		c := r.bootsFromDisk()
		r.scripts.script[provider.BootSet] = takes(5*time.Second, machine.Reading{})
		r.waits(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0)
		time.Sleep(2100 * time.Millisecond)
		require.Equal(t, "00", r.read(c, r.answers()[0]), "accepted")
		r.waits(c, chassis, control, 2, on)
		time.Sleep(2500 * time.Millisecond)
		require.Empty(t, r.answers(), "it waits for the device")
		time.Sleep(500 * time.Millisecond)
		require.Equal(t, "00", r.read(c, r.answers()[0]))
		require.Equal(t, []provider.Verb{provider.BootSet, provider.On, provider.BootSet}, r.scripts.started())
	})
}

// A start must not boot from another device than the client was promised. It is refused once.
func TestAStartIsRefusedAfterABootDeviceThatWasAcceptedHasFailed(t *testing.T) {
	for name, power := range map[string]struct {
		code byte
		verb provider.Verb
	}{
		"on": {on, provider.On}, "cycle": {cycle, provider.Cycle}, "reset": {reset, provider.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				var log bytes.Buffer
				r.logTo(slog.NewTextHandler(&log, nil))
				c := r.bootsFromDisk()
				r.scripts.script[provider.BootSet] = takes(5*time.Second, machine.Reading{Err: errors.New("no such device")})
				r.waits(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0)
				time.Sleep(2100 * time.Millisecond)
				require.Equal(t, "00", r.read(c, r.answers()[0]), "accepted")
				r.waits(c, chassis, control, 2, power.code)
				time.Sleep(3 * time.Second)
				require.Equal(t, unspecified, r.read(c, r.answers()[0]))
				require.Equal(t, unspecified, r.ask(c, chassis, control, 2, power.code), "repeated")
				require.Contains(t, log.String(), `level=ERROR msg="`+string(power.verb)+` failed" err="`+string(power.verb)+
					`: refused once: the boot device that a client asked for could not be set"`)
				require.Equal(t, []provider.Verb{provider.BootSet}, r.scripts.started())

				require.Equal(t, "00", r.ask(c, chassis, control, 3, off))
				require.Equal(t, "00", r.ask(c, chassis, control, 4, power.code), "once")
			})
		})
	}
}

// The refusal outlasts the process. A boot device that is set or taken back ends it.
func TestARefusalOfTheNextStart(t *testing.T) {
	for name, c := range map[string]struct {
		forgives []byte
		wanted   string
	}{
		"stays":           {nil, unspecified},
		"device set":      {[]byte{5, 0x80, 8, 0, 0, 0}, "00"},
		"device taken":    {[]byte{5, 0, 0, 0, 0, 0}, "00"},
		"another option":  {[]byte{4, 1, 1}, unspecified},
		"no device, once": {[]byte{5, 0x80, 0, 0, 0, 0}, "00"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				session := r.bootsFromDisk()
				r.scripts.script[provider.BootSet] = takes(5*time.Second, machine.Reading{Err: errors.New("no such device")})
				r.waits(session, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0)
				time.Sleep(6 * time.Second)
				require.Equal(t, "00", r.read(session, r.answers()[0]))
				r.kill()
				r.scripts.script[provider.BootSet] = takes(0, machine.Reading{})
				if c.forgives != nil {
					require.Equal(t, "00", r.ask(session, chassis, setBootOptions, 2, c.forgives...))
				}
				require.Equal(t, c.wanted, r.ask(session, chassis, control, 3, on))
			})
		})
	}
}

// The former device is set again at once, however the override ends, and the process stays for it.
func TestTheFormerBootDeviceIsSetAgain(t *testing.T) {
	for name, ends := range map[string]func(r *rig, c *console.Console){
		"used by on":    func(r *rig, c *console.Console) { require.Equal(r.t, "00", r.ask(c, chassis, control, 2, on)) },
		"used by reset": func(r *rig, c *console.Console) { require.Equal(r.t, "00", r.ask(c, chassis, control, 2, reset)) },
		"expired":       func(r *rig, _ *console.Console) { time.Sleep(machine.OverrideLife + time.Millisecond) },
		"expired after a kill": func(r *rig, _ *console.Console) {
			time.Sleep(time.Second)
			r.kill()
			time.Sleep(machine.OverrideLife)
		},
		"expired between two processes": func(r *rig, _ *console.Console) {
			r.stop()
			time.Sleep(time.Hour)
			r.start()
		},
		"the host was booted": func(r *rig, _ *console.Console) {
			r.stop()
			r.hostBoot = "second"
			r.start()
		},
		"taken back": func(r *rig, c *console.Console) {
			require.Equal(r.t, "00", r.ask(c, chassis, setBootOptions, 2, 5, 0, 0, 0, 0, 0))
		},
		"marked invalid": func(r *rig, c *console.Console) { require.Equal(r.t, "00", r.ask(c, chassis, setBootOptions, 2, 0x85)) },
		"no device": func(r *rig, c *console.Console) {
			require.Equal(r.t, "00", r.ask(c, chassis, setBootOptions, 2, 5, 0x80, 0, 0, 0, 0))
		},
		"no device for every boot": func(r *rig, c *console.Console) {
			require.Equal(r.t, "00", r.ask(c, chassis, setBootOptions, 2, 5, 0xC0, 0, 0, 0, 0))
		},
		"replaced, then used": func(r *rig, c *console.Console) {
			require.Equal(r.t, "00", r.ask(c, chassis, setBootOptions, 2, 5, 0x80, 0x14, 0, 0, 0))
			require.Equal(r.t, provider.DeviceOptical, r.scripts.bootsFrom())
			require.Equal(r.t, "00", r.ask(c, chassis, control, 3, on))
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				r.idles()
				c := r.bootsFromDisk()
				require.Equal(t, "00", r.ask(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0))
				require.Equal(t, provider.DeviceNetwork, r.scripts.bootsFrom())
				ends(r, c)
				r.answers()
				require.Equal(t, provider.DeviceHD, r.scripts.bootsFrom())
				require.Zero(t, r.machine.State.Former)
				require.Less(t, r.ends(), 2*time.Minute, "the process has nothing more to wait for")
			})
		})
	}
}

// The next process finishes what a kill has interrupted, and does it once.
func TestTheFormerBootDeviceIsSetAgainAfterAKill(t *testing.T) {
	for name, script := range map[string]provider.Verb{"while on runs": provider.On, "while it is set again": provider.BootSet} {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				c := r.bootsFromDisk()
				require.Equal(t, "00", r.ask(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0))
				r.scripts.script[script] = takes(time.Second, machine.Reading{})
				_ = r.send(c.Packet(console.Request(chassis, control, 2, on)))
				time.Sleep(time.Second / 2)
				r.kill()
				time.Sleep(5 * time.Second)
				r.answers()
				require.Equal(t, provider.DeviceHD, r.scripts.bootsFrom())
				require.Zero(t, r.machine.State.Former)
				require.Equal(t, []provider.Verb{provider.BootSet, provider.On, provider.BootSet}, r.scripts.started())
			})
		})
	}
}

// An override that expires while a start waits for its turn: the start sets the former device first.
func TestAStartThatComesBeforeTheFormerBootDeviceIsSetAgain(t *testing.T) {
	in(t, func(r *rig) {
		c := r.bootsFromDisk()
		require.Equal(t, "00", r.ask(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0))
		r.scripts.script[provider.Identify] = takes(time.Second, machine.Reading{})
		r.scripts.script[provider.On] = takes(2*time.Second, machine.Reading{})
		time.Sleep(machine.OverrideLife - 100*time.Millisecond)
		c, other := r.login(), r.login()
		r.waits(c, chassis, identify, 2, 10)
		r.waits(other, chassis, control, 1, on)
		time.Sleep(2 * time.Second)
		args := r.scripts.argsOfLast()
		require.Equal(t, provider.DeviceNone, args.Boot.Device)
		require.Equal(t, provider.DeviceHD, args.Former.Device)
		time.Sleep(2 * time.Second)
		require.Equal(t, provider.DeviceHD, r.scripts.bootsFrom())
	})
}

// If the former device cannot be set again, the next start tries first.
func TestTheFormerBootDeviceCannotBeSetAgain(t *testing.T) {
	in(t, func(r *rig) {
		c := r.bootsFromDisk()
		require.Equal(t, "00", r.ask(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0))
		r.scripts.script[provider.BootSet] = takes(0, machine.Reading{Err: errors.New("the hypervisor is gone")})
		require.Equal(t, "00", r.ask(c, chassis, control, 2, on))
		require.Equal(t, provider.DeviceNetwork, r.scripts.bootsFrom())
		tried := []provider.Verb{provider.BootSet, provider.On, provider.BootSet}
		require.Equal(t, tried, r.scripts.started())
		require.Equal(t, "00", r.ask(c, chassis, control, 3, off))
		require.Equal(t, append(tried, provider.Off), r.scripts.started())

		r.scripts.script[provider.BootSet] = takes(0, machine.Reading{})
		require.Equal(t, "00", r.ask(c, chassis, control, 4, on))
		require.Equal(t, provider.DeviceHD, r.scripts.bootsFrom())
		require.Zero(t, r.machine.State.Former)
	})
}

// What reads back, from one end to the other: "bootdev pxe", and 63 s later.
func TestBootFlagsThatHaveExpired(t *testing.T) {
	in(t, func(r *rig) {
		c := r.bootsFromDisk()
		require.Equal(t, "00", r.ask(c, chassis, setBootOptions, 1, 5, 0x80, 4, 0, 0, 0))
		time.Sleep(63 * time.Second)
		c = r.login()
		require.Equal(t, "00 01 05 00 04 00 00 00", bootFlags(c, r, 1))
		require.Equal(t, provider.DeviceHD, r.scripts.bootsFrom())
	})
}

// "bootdev pxe options=persistent", on, off, "bootdev none options=persistent". A device for one boot in between changes
// neither what comes back after it nor what comes back at last.
func TestNoDeviceForEveryBoot(t *testing.T) {
	in(t, func(r *rig) {
		c := r.bootsFromDisk()
		require.Equal(t, "00", r.ask(c, chassis, setBootOptions, 1, 5, 0xC0, 4, 0, 0, 0))
		require.Equal(t, "00", r.ask(c, chassis, control, 2, on))
		require.Equal(t, "00", r.ask(c, chassis, control, 3, off))
		require.Equal(t, provider.DeviceNetwork, r.scripts.bootsFrom(), "for every boot")

		require.Equal(t, "00", r.ask(c, chassis, setBootOptions, 4, 5, 0x80, 0x14, 0, 0, 0))
		require.Equal(t, "00", r.ask(c, chassis, control, 5, on))
		require.Equal(t, provider.DeviceNetwork, r.scripts.bootsFrom())
		require.Equal(t, "00 01 05 c0 04 00 00 00", bootFlags(c, r, 6))
		require.Equal(t, "00", r.ask(c, chassis, control, 7, off))

		require.Equal(t, "00", r.ask(c, chassis, setBootOptions, 8, 5, 0xC0, 0, 0, 0, 0))
		require.Equal(t, provider.DeviceHD, r.scripts.bootsFrom())
		require.Equal(t, "00 01 05 c0 00 00 00 00", bootFlags(c, r, 9))
	})
}

// "on" is told that the guest may still be shutting down. "off" does not wait for such an "on".
func TestOnAfterAShutdown(t *testing.T) {
	in(t, func(r *rig) {
		c := r.bootsFromDisk()
		require.Equal(t, "00", r.ask(c, chassis, control, 1, soft))
		time.Sleep(20 * time.Second)
		delete(r.scripts.script, provider.On) // it waits
		r.waits(c, chassis, control, 2, on)
		require.Equal(t, 252*time.Second, r.scripts.argsOfLast().GoingDown, "nine tenths of what is left of five minutes")
		time.Sleep(3 * time.Second)
		require.Equal(t, "00", r.read(c, r.answers()[0]), "accepted")
		require.Equal(t, "00", r.ask(c, chassis, control, 3, off))
		r.scripts.script[provider.On] = takes(0, machine.Reading{})
		require.Equal(t, "00", r.ask(c, chassis, control, 4, on))
		require.Zero(t, r.scripts.argsOfLast().GoingDown, "it was switched off")
	})
}
