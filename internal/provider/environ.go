package provider

import (
	"slices"
	"strings"
)

// private is how the variables begin that systemd or the CLI set for our process alone.
var private = []string{
	"CREDENTIALS_DIRECTORY=", "INVOCATION_ID=", "JOURNAL_STREAM=", "LISTEN_", "MEMORY_PRESSURE_", "NOTIFY_SOCKET=",
	"RUNTIME_DIRECTORY=", "SHIPMI_", "STATE_DIRECTORY=", "SYSTEMD_EXEC_PID=", "WATCHDOG_",
}

// environ is the environment of the script of v: everything that the administrator set for the unit, less what is
// private, plus what is asked for.
func (r *Runner) environ(v Verb, boot Boot) []string {
	env := slices.DeleteFunc(slices.Clone(r.Environ), func(entry string) bool {
		return slices.ContainsFunc(private, func(prefix string) bool { return strings.HasPrefix(entry, prefix) })
	})
	// systemd sets HOME for every service but those of root, and ssh, virsh and many more need it.
	if !slices.ContainsFunc(env, func(entry string) bool { return strings.HasPrefix(entry, "HOME=") }) {
		env = append(env, "HOME=/root")
	}
	env = append(env,
		"SHIPMI_NAME="+r.Name,
		"SHIPMI_VERB="+v.Identifier(),
		"SHIPMI_STATE_DIRECTORY="+r.StateDir,
	)
	if v == BootSet {
		env = append(env,
			"SHIPMI_BOOTDEV="+string(boot.Device),
			"SHIPMI_BOOT_PERSISTENT="+flag(boot.Persistent),
			"SHIPMI_BOOT_EFI="+flag(boot.EFI),
		)
	}
	return env
}

func flag(set bool) string {
	if set {
		return "1"
	}
	return "0"
}
