package provider

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const measured = "[POWER]\nstatus = echo on\n[SENSORS]\nget = echo\n"

func TestSensors(t *testing.T) {
	p := load(t, "[POWER]\nstatus=echo on\n"+`[SENSORS]
CPU  = temperature, C, -5..127.5, warn 80, critical 90, low -1, low critical -3, fatal 100, low fatal -5
; how fast it turns
fan1 = Fan, rpm, 0..12000,
       low 500
draw = power, w, 0..5e2
get  = echo draw=3
load = utilization, %, 0..100
[DCMI]
power = Draw
`)
	require.Equal(t, Sensors{
		All: []Sensor{
			{Name: "cpu", Kind: Temperature, Unit: Celsius, Min: -5, Max: 127.5, Limits: map[Threshold]float64{
				Warn: 80, Critical: 90, Fatal: 100, LowWarn: -1, LowCritical: -3, LowFatal: -5,
			}},
			{Name: "fan1", Kind: Fan, Unit: RPM, Max: 12000, Limits: map[Threshold]float64{LowWarn: 500}},
			{Name: "draw", Kind: Power, Unit: Watt, Max: 500},
			{Name: "load", Kind: Utilization, Unit: Percent, Max: 100},
		},
		Power: "draw",
	}, p.Sensors())
	require.True(t, p.Has(SensorsGet))
	require.Equal(t, "echo draw=3", p.Script(SensorsGet, "node", nil, Boot{}))
}

func load(t *testing.T, text string) *Provider {
	path := filepath.Join(t.TempDir(), "test.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	p, err := Load(path)
	require.NoError(t, err)
	return p
}

// The sensors of an included file come first, so that their numbers do not depend on the file that includes it.
func TestIncludedSensors(t *testing.T) {
	dir := t.TempDir()
	base := "[POWER]\nstatus=echo on\n[SENSORS]\nb1=power,W,0..9\na1=fan,RPM,0..9\nget=echo\n[DCMI]\npower=b1\n"
	names := func(text string) (all []string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "base.conf"), []byte(base), 0o600))
		path := filepath.Join(dir, "own.conf")
		require.NoError(t, os.WriteFile(path, []byte("[PROVIDER]\ninclude=base\n"+text), 0o600))
		p, err := Load(path)
		require.NoError(t, err)
		for _, s := range p.Sensors().All {
			all = append(all, s.Name)
		}
		return all
	}
	require.Equal(t, []string{"b1", "a1"}, names(""))
	require.Equal(t, []string{"b1", "a1", "z1", "c1"}, names("[SENSORS]\nz1=fan,%,0..9\nc1=fan,%,0..9\n"))
	require.Equal(t, []string{"b1"}, names("[SENSORS]\na1=\n"), "one is taken away")
	require.Empty(t, names("[SENSORS]\nget=\n"), "and all")
}

func TestWrongSensors(t *testing.T) {
	for text, want := range map[string]string{
		"cpu = temperature":                                    `5: [SENSORS] key "cpu": "temperature": want KIND, UNIT, MIN..MAX and thresholds`,
		"cpu = temperatur, C, 0..1":                            `5: [SENSORS] key "cpu": unknown kind "temperatur": want current, fan, frequency,`,
		"cpu = temperature, F, 0..1":                           `temperature: unknown unit "F": want C`,
		"cpu = temperature, C, 0":                              `"0": want the least and the greatest reading`,
		"cpu = temperature, C, 0..x":                           `range: "x": not a number`,
		"cpu = temperature, C, 0..0x1p4":                       `range: "0x1p4": not a number`,
		"cpu = temperature, C, 0..nan":                         `range: "nan": not a number`,
		"cpu = temperature, C, 0..1e10":                        `range: 1e10: want -1e+09 to 1e+09`,
		"cpu = temperature, C, 0..1e999":                       `range: 1e999: want`,
		"cpu = temperature, C, 9..9":                           `range: 9 is not less than 9`,
		"cpu = temperature, C, 0..90, 80":                      `"80": want a threshold and its limit`,
		"cpu = temperature, C, 0..90,":                         `"": want a threshold and its limit`,
		"cpu = temperature, C, 0..90, warm 80":                 `unknown threshold "warm": want low, low critical`,
		"cpu = temperature, C, 0..90, warn 91":                 `warn: 91 is not in the range`,
		"cpu = temperature, C, 0..90, warn 8, warn 9":          `warn: comes twice`,
		"cpu = temperature, C, 0..90, warn 80, critical 80":    `warn must be less than critical`,
		"cpu = temperature, C, 0..90, low 80, low critical 81": `low critical must be less than low`,
		"cpu = temperature, C, 0..90, low 50, fatal 50":        `low must be less than fatal`,
		"c = temperature, C, 0..1":                             `not a name for a sensor: want 2 to 16 letters`,
		"cpu temp = temperature, C, 0..1":                      `not a name for a sensor`,
		"seventeen_letters = temperature, C, 0..1":             `not a name for a sensor`,
		"-cpu = temperature, C, 0..1":                          `not a name for a sensor`,
		"cpu = fan, %, 0..1\n[DCMI]\npower = cpu":              `7: [DCMI] key "power": sensor cpu: want one of kind power`,
		"cpu = power, W, 0..65536\n[DCMI]\npower = cpu":        `want one of kind power, with readings from 0 to 65535`,
		"cpu = power, W, 0..1\n[DCMI]\npower = cpx":            `unknown sensor "cpx": want cpu`,
		"cpu = power, W, 0..1\n[DCMI]\nwatts = cpu":            `[DCMI] key "watts": unknown key`,
		"": `4: [SENSORS] key "get": no sensor is declared`,
		strings.Repeat("\n", 3) + "cpu = power, W, 0..1\nCPU = power, W, 0..1": `[SENSORS] key "cpu": comes twice`,
	} {
		path := filepath.Join(t.TempDir(), "test.conf")
		require.NoError(t, os.WriteFile(path, []byte(measured+text), 0o600))
		_, err := Load(path)
		require.ErrorContains(t, err, want, text)
	}
	for text, want := range map[string]string{
		"[SENSORS]\ncpu = power, W, 0..1": `4: [SENSORS] key "cpu": there is no key "get"`,
		"[DCMI]\npower = cpu":             `4: [DCMI] key "power": unknown sensor "cpu": there is none`,
		"[SENSOR]\ncpu = power, W, 0..1":  `3: [SENSOR]: unknown section`,
	} {
		path := filepath.Join(t.TempDir(), "test.conf")
		require.NoError(t, os.WriteFile(path, []byte("[POWER]\nstatus=echo on\n"+text), 0o600))
		_, err := Load(path)
		require.ErrorContains(t, err, want, text)
	}
	many := measured
	for _, a := range "abcdefgh" {
		for _, b := range "abcdefghi" {
			many += string(a) + string(b) + " = power, W, 0..1\n"
		}
	}
	path := filepath.Join(t.TempDir(), "test.conf")
	require.NoError(t, os.WriteFile(path, []byte(many), 0o600))
	_, err := Load(path)
	require.ErrorContains(t, err, `:69: [SENSORS] key "hb": more than 64 sensors`)
}

// An unknown word says which words there are, so that the command line can suggest one.
func TestUnknownWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.conf")
	require.NoError(t, os.WriteFile(path, []byte("[POWER]\nstatus=echo on\n[SENSOR]\n"), 0o600))
	_, err := Load(path)
	var unknown *UnknownError
	require.True(t, errors.As(err, &unknown))
	require.Equal(t, "SENSOR", unknown.Word)
	require.Contains(t, unknown.Known, "sensors")
}

func TestCrossed(t *testing.T) {
	s := Sensor{Limits: map[Threshold]float64{LowCritical: 1, LowWarn: 2, Warn: 8, Critical: 9}}
	for reading, want := range map[float64]Threshold{
		0: LowCritical, 1: LowCritical, 1.5: LowWarn, 2: LowWarn, 2.1: "", 7.9: "", 8: Warn, 9: Critical, 99: Critical,
	} {
		require.Equal(t, want, s.Crossed(reading), reading)
	}
}
