package provider

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// private is how the variables begin that systemd or the CLI set for our process alone.
var private = []string{
	"CREDENTIALS_DIRECTORY=", "INVOCATION_ID=", "JOURNAL_STREAM=", "LISTEN_", "MEMORY_PRESSURE_", "NOTIFY_SOCKET=",
	"RUNTIME_DIRECTORY=", "SHIPMI_", "STATE_DIRECTORY=", "SYSTEMD_EXEC_PID=", "WATCHDOG_",
}

// environ is the environment of the script of v: everything that the administrator set for the unit, less what is
// private, plus what is asked for.
func (r *Runner) environ(v Verb, args Args) []string {
	env := slices.DeleteFunc(slices.Clone(r.Environ), func(entry string) bool {
		return slices.ContainsFunc(private, func(prefix string) bool { return strings.HasPrefix(entry, prefix) })
	})
	// systemd sets HOME for every service but those of root, and ssh, virsh and many more need it.
	if !slices.ContainsFunc(env, func(entry string) bool { return strings.HasPrefix(entry, "HOME=") }) {
		env = append(env, "HOME=/root")
	}
	env = append(env, "SHIPMI_NAME="+r.Name, "SHIPMI_STATE_DIRECTORY="+r.StateDir)
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		env = append(env, "SHIPMI_PARAM_"+strings.ToUpper(name)+"="+r.Parameters[name])
	}
	env = append(env, "SHIPMI_VERB="+v.Identifier())
	switch {
	case v == BootSet, v.starts():
		env = append(env, args.Boot.environ()...)
	case v == Identify:
		env = append(env,
			"SHIPMI_IDENTIFY="+flag(args.Light.On, "on", "off"),
			"SHIPMI_IDENTIFY_SECONDS="+strconv.Itoa(args.Light.Seconds),
		)
	}
	return env
}

func flag(set bool, yes, no string) string {
	if set {
		return yes
	}
	return no
}
