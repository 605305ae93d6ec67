package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const sensorScripts = `[POWER]
status = cat "$SHIPMI_STATE_DIRECTORY/power"
[SENSORS]
cpu  = temperature, C, -40..125, warn 80, critical 90
fan1 = fan, RPM, 0..12000, low 500
draw = power, W, 0..500
12v  = voltage, V, 0..15, low 11.4, low critical 11, warn 12.6
load = utilization, %, 0..100
get  = echo run >>"$SHIPMI_STATE_DIRECTORY/runs"; cat "$SHIPMI_STATE_DIRECTORY/readings"
[DCMI]
power = draw
`

// freeIPMI is a command of FreeIPMI.
func freeIPMI(address *net.UDPAddr, program string, args ...string) *exec.Cmd {
	return exec.Command(program, append([]string{
		"-h", "127.0.0.1:" + strconv.Itoa(address.Port), "-u", "admin", "-p", "sesame", "-D", "LAN_2_0",
	}, args...)...)
}

// Real clients decode the records and read the sensors.
func TestSensors(t *testing.T) {
	t.Parallel()
	env := unit(t)
	write := func(file, text string) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	state := func(name string) string { return filepath.Join(env["STATE_DIRECTORY"], name) }
	path := filepath.Join(t.TempDir(), "sensors.conf")
	env["SHIPMI_PROVIDER"] = path
	write(path, sensorScripts)
	write(state("power"), "on\n")
	write(state("readings"), "cpu=81.5\nfan1=480\ndraw=120\n12v=10.9\n")
	address, socket := udp(t, "127.0.0.1:0")
	p := start(t, env, socket)
	sees := func(out string, lines ...string) {
		t.Helper()
		for _, line := range lines {
			require.Regexp(t, "(?m)"+line, out)
		}
	}
	tool := func(command string) string {
		t.Helper()
		out, err := ipmitool(address, "17", command)
		require.NoError(t, err, out)
		return out
	}

	sees(tool("sdr elist full"),
		`^cpu +\| 20h \| unc \|  7\.1 \| 81\.\d+ degrees C$`,
		`^fan1 +\| 21h \| lnc \| 29\.1 \| 480 RPM$`,
		`^draw +\| 22h \| ok  \| 19\.1 \| 120 Watts$`,
		`^12v +\| 23h \| lcr \| 19\.1 \| 10\.92 Volts$`,
		`^load +\| 24h \| ns  \|  7\.1 \| No Reading$`)
	sees(tool("sensor list"),
		`^cpu +\| 81\.\d+ +\| degrees C +\| nc +\| na +\| na +\| na +\| 80\.\d+ +\| 90\.\d+ +\| na`,
		`^fan1 +\| 480\.000 +\| RPM +\| nc +\| na +\| na +\| 480\.000 +\| na +\| na +\| na`,
		`^draw +\| 120\.000 +\| Watts +\| ok +\| na +\| na +\| na +\| na +\| na +\| na`,
		`^load +\| na +\| percent +\| na`)
	sees(tool("sensor get cpu"),
		`^ Sensor Type \(Threshold\)  : Temperature$`,
		`^ Upper Non-Critical +: 80\.\d+$`, `^ Upper Critical +: 90\.\d+$`, `^ Lower Critical +: na$`)
	sees(tool("sdr type temperature"), `^cpu +\| 20h`)
	sees(tool("dcmi discover"), `Power management available`)
	sees(tool("dcmi power reading"), `Instantaneous power reading: +120 Watts`, `Power reading state is: +activated`)
	runs, err := os.ReadFile(state("runs"))
	require.NoError(t, err)
	require.Less(t, len(strings.Fields(string(runs))), 8, "%d readings", 4*5)

	cache := "--sdr-cache-directory=" + t.TempDir()
	all := []string{cache, "--quiet-cache", "--output-sensor-thresholds"}
	free := func(program string, args ...string) string {
		t.Helper()
		out, err := freeIPMI(address, program, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	sees(free("ipmi-sensors", all...),
		`^\d+ +\| cpu +\| Temperature +\| 81\.\d+ +\| C +\| N/A +\| N/A +\| N/A +\| 80\.\d+ +\| 90\.\d+ +\| N/A +\| 'At or Above \(>=\) Upper Non-Critical Threshold'`,
		`^\d+ +\| draw +\| Other Units Based Sensor +\| 120\.00 +\| W +\|`,
		`^\d+ +\| load +\| Other Units Based Sensor +\| N/A +\| %`)
	sees(free("ipmi-dcmi", "--get-system-power-statistics"),
		`^Current Power +: 120 Watts$`, `^Average Power over sampling duration +: 120 watts$`, `^Power Measurement +: Active$`)

	// Another declaration makes the copy of the client stale.
	write(path, strings.Replace(sensorScripts, "fan1 ", "fan9 ", 1))
	write(state("readings"), "fan9=960\ncpu=hot\ngpu=50\n")
	out, err := freeIPMI(address, "ipmi-sensors", cache).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "out of date")
	sees(free("ipmi-sensors", append(all, "--sdr-cache-recreate")...), `^\d+ +\| fan9 +\| Fan +\| 960\.00 +\|`, `^\d+ +\| cpu +\| Temperature +\| N/A +\|`)

	require.NoError(t, p.cmd.Process.Kill())
	var faults []string
	for _, line := range p.wait(-1) {
		if strings.HasPrefix(line, "<3>") {
			faults = append(faults, line)
		}
	}
	require.NotEmpty(t, faults)
	require.Less(t, len(faults), 4, "one for each sweep")
	for _, line := range faults {
		require.Contains(t, line, `sensors get failed err="sensors get: printed \"cpu=hot\": \"hot\": not a number; \"gpu=50\": no such sensor is declared"`)
	}
}
