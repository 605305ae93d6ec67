package lan

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
)

const (
	sensing = byte(rmcp.NetFnSensor)

	getSensorReading = 0x2D
	getRepository    = 0x20
)

// measure gives the provider two sensors.
func (r *rig) measure(values func() map[string]float64) {
	text := "[POWER]\nstatus=x\non=x\n[SENSORS]\ncpu=temperature,C,0..127\ndraw=power,W,0..500\nget=x\n"
	require.NoError(r.t, os.WriteFile(r.scripts.file, []byte(text), 0o600))
	r.scripts.script[provider.Status] = takes(0, machine.Reading{On: true})
	r.scripts.script[provider.On] = takes(0, machine.Reading{})
	r.scripts.script[provider.SensorsGet] = func() machine.Reading {
		time.Sleep(time.Second)
		return machine.Reading{Values: values()}
	}
}

// A client reads one sensor after the other, and several clients do so at the same time.
func TestAllReadingsComeFromOneRun(t *testing.T) {
	in(t, func(r *rig) {
		r.measure(func() map[string]float64 { return map[string]float64{"cpu": 40, "draw": 120} })
		c, other := r.login(), r.login()
		r.waits(c, sensing, getSensorReading, 1, 0x20)
		r.waits(other, sensing, getSensorReading, 1, 0x21)
		time.Sleep(500 * time.Millisecond)
		r.waits(c, sensing, getSensorReading, 2, 0x21)
		time.Sleep(600 * time.Millisecond)
		require.Len(t, r.answers(), 3)
		for n := range byte(6) {
			require.Equal(t, "00 3c 40 c0", r.ask(c, sensing, getSensorReading, 3+n, 0x21))
		}
		require.Equal(t, []provider.Verb{provider.Status, provider.SensorsGet}, r.scripts.started())

		time.Sleep(5 * time.Second)
		r.waits(c, sensing, getSensorReading, 20, 0x20)
		time.Sleep(1100 * time.Millisecond)
		require.Len(t, r.answers(), 1)
		require.Len(t, r.scripts.started(), 4)
	})
}

// Readings that were taken before the machine was switched on are not shown after it.
func TestReadingsAreNotOlderThanAPowerAction(t *testing.T) {
	in(t, func(r *rig) {
		watts := 5.0
		r.measure(func() map[string]float64 {
			defer func() { watts = 120 }()
			return map[string]float64{"draw": watts}
		})
		c, other := r.login(), r.login()
		r.waits(other, sensing, getSensorReading, 1, 0x21)
		require.Equal(t, "00", r.ask(c, chassis, control, 1, on))
		time.Sleep(2100 * time.Millisecond)
		require.Equal(t, "00 3c 40 c0", r.read(other, r.answers()[0]))
	})
}

// A script that hangs costs each sensor of a sweep nothing more.
func TestASensorScriptThatHangs(t *testing.T) {
	in(t, func(r *rig) {
		r.measure(nil)
		delete(r.scripts.script, provider.SensorsGet)
		c := r.login()
		r.waits(c, sensing, getSensorReading, 1, 0x20)
		require.Contains(t, r.ask(c, app, getDeviceID, 2), "00 20 01")
		time.Sleep(9100 * time.Millisecond)
		require.Equal(t, "00 00 60 c0", r.read(c, r.answers()[0]))
		require.Equal(t, "00 00 60 c0", r.ask(c, sensing, getSensorReading, 3, 0x21))
		require.Equal(t, []provider.Verb{provider.Status, provider.SensorsGet}, r.scripts.started())
	})
}

// A provider that is changed has its sensors with the next command, and the next process says
// the same of them.
func TestSensorsOfAnEditedProvider(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		before := r.ask(c, storage, getRepository, 1)
		r.measure(nil)
		changed := r.ask(c, storage, getRepository, 2)
		require.NotEqual(t, before, changed)
		require.True(t, strings.HasPrefix(changed, "00 51 0a 00"), changed)
		time.Sleep(3 * time.Second)
		require.Equal(t, changed, r.ask(c, storage, getRepository, 3))
		r.stop()
		r.start()
		require.Equal(t, changed, r.ask(c, storage, getRepository, 4))
	})
}
