package main

import (
	"debug/buildinfo"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	processor  = "processor"
	loadBefore = "load before"
)

// load is that of the machine before anything was measured.
func (r *Report) load() string { return valueOf(r.Machine, loadBefore) }

// Processor is the model of the machine's processor.
func (r *Report) Processor() string { return valueOf(r.Machine, processor) }

// version is that of a program.
func (r *Report) version(of string) string { return valueOf(r.Versions, of) }

// valueOf returns the value of a name, or a question mark.
func valueOf(pairs [][2]string, name string) string {
	i := slices.IndexFunc(pairs, func(p [2]string) bool { return p[0] == name })
	if i < 0 {
		return "?"
	}
	return pairs[i][1]
}

// describe notes where this is, and what is measured here.
func (b *bench) describe() {
	field := func(file, pattern string) string {
		text, err := os.ReadFile(file)
		require.NoError(must, err)
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		require.NotNil(must, found, "%s: no %s", file, pattern)
		return string(found[1])
	}
	dpkg := func(name string) string { return run("dpkg-query", "--show", "--showformat", "${Version}", name) }
	last := func(s string) string { return s[strings.LastIndex(s, " ")+1:] }

	b.Date = time.Now().UTC().Truncate(time.Second)
	b.Machine = [][2]string{
		{processor, field("/proc/cpuinfo", `model name\s*: (.*)`)},
		{"cores", run("nproc")},
		{"memory", field("/proc/meminfo", `MemTotal:\s*(.*)`)},
		{"kernel", run("uname", "-sr")},
		{"Debian", field("/etc/os-release", `VERSION="(.*)"`)},
		{loadBefore, field("/proc/loadavg", `(\S+)`)},
	}
	b.Versions = [][2]string{
		{shipmi, last(run("/usr/local/sbin/shipmi-bmc", "--version"))},
		{"systemd", dpkg("systemd")},
		{"ipmi_sim", "openipmi " + dpkg("openipmi")},
		{pyghmi, dpkg("python3-pyghmi") + " on Python " + last(run("python3", "--version"))},
		{"go-ipmi", version("github.com/bougou/go-ipmi")},
		{"ipmitool", dpkg("ipmitool")},
		{"Go", runtime.Version()},
	}
}

// version is that of a module in our go-ipmi program.
func version(module string) string {
	info, err := buildinfo.ReadFile("bench-goipmi")
	require.NoError(must, err)
	i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == module })
	require.GreaterOrEqual(must, i, 0, module)
	return info.Deps[i].Version
}
