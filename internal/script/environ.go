package script

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shipmi/shipmi/internal/provider"
)

// private are the prefixes of variables that systemd or the command line set for the BMC process alone.
var private = []string{
	"CREDENTIALS_DIRECTORY=", "INVOCATION_ID=", "JOURNAL_STREAM=", "LISTEN_", "MEMORY_PRESSURE_", "NOTIFY_SOCKET=",
	"RUNTIME_DIRECTORY=", "SHIPMI_", "STATE_DIRECTORY=", "SYSTEMD_EXEC_PID=", "WATCHDOG_",
}

// defaults are variables that a script gets unless the unit sets them. systemd sets HOME for every service except those
// of root, and ssh, virsh and many others need it. Without LC_ALL, programs would print their answers in the language of the
// host: a German virsh says "laufend" where a script expects "running".
var defaults = []string{"HOME=/root", "LC_ALL=C.UTF-8"}

// environ is the environment of the script of v: the variables that the administrator set for the unit without the
// private ones, and what the script is told.
func (r *Runner) environ(v provider.Verb, args provider.Args) []string {
	env := slices.DeleteFunc(slices.Clone(r.Environ), func(entry string) bool {
		return slices.ContainsFunc(private, func(prefix string) bool { return strings.HasPrefix(entry, prefix) })
	})
	for _, entry := range defaults {
		name, _, _ := strings.Cut(entry, "=")
		if !slices.ContainsFunc(env, func(set string) bool { return strings.HasPrefix(set, name+"=") }) {
			env = append(env, entry)
		}
	}
	env = append(env, "SHIPMI_NAME="+r.Name, "SHIPMI_STATE_DIRECTORY="+r.StateDir)
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		env = append(env, "SHIPMI_PARAM_"+strings.ToUpper(name)+"="+r.Parameters[name])
	}
	env = append(env, "SHIPMI_VERB="+v.Identifier())
	switch {
	case v == provider.BootSet, v.Starts():
		env = append(env, bootEnviron(args.Boot)...)
	case v.IsCommand():
		env = append(env, "SHIPMI_DATA="+args.Data)
	case v == provider.EventsAdded:
		env = append(env,
			"SHIPMI_EVENT="+args.Entry.What,
			"SHIPMI_EVENT_ID="+strconv.Itoa(int(args.Entry.ID)),
			"SHIPMI_EVENT_TIME="+strconv.FormatUint(uint64(args.Entry.Time), 10),
			"SHIPMI_EVENT_RECORD="+args.Entry.Record,
		)
	case v == provider.Identify:
		env = append(env,
			"SHIPMI_IDENTIFY="+flag(args.Light.On, "on", "off"),
			"SHIPMI_IDENTIFY_SECONDS="+strconv.Itoa(args.Light.Seconds),
		)
	case v == provider.MediaInsert, v == provider.MediaEject, v == provider.MediaGet:
		env = append(env, "SHIPMI_MEDIA_DEVICE="+provider.MediaCD, "SHIPMI_FETCH="+r.Fetch)
		if v == provider.MediaInsert {
			env = append(env, r.imageEnviron(args.Media)...)
		}
	}
	return env
}

func (r *Runner) imageEnviron(m provider.Media) []string {
	env := []string{
		"SHIPMI_MEDIA_URL=" + m.URL,
		"SHIPMI_MEDIA_WRITE_PROTECTED=" + flag(m.WriteProtected, "1", "0"),
		"SHIPMI_MEDIA_VERIFY=" + flag(m.Verify, "1", "0"),
		"SHIPMI_MEDIA_URLS=" + strings.Join(r.Media.URLs, " "),
		"SHIPMI_MEDIA_LOCAL=" + flag(r.Media.Local, "1", "0"),
	}
	if m.Login != "" {
		env = append(env, "SHIPMI_MEDIA_CREDENTIALS="+r.Logins.Path(m.Login))
	}
	return env
}

func bootEnviron(b provider.Boot) []string {
	return []string{
		"SHIPMI_BOOTDEV=" + string(b.Device),
		"SHIPMI_BOOT_PERSISTENT=" + flag(b.Persistent, "1", "0"),
		"SHIPMI_BOOT_EFI=" + flag(b.EFI, "1", "0"),
	}
}

func flag(set bool, yes, no string) string {
	if set {
		return yes
	}
	return no
}
