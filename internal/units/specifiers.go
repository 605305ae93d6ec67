package units

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// systemSpecifiers are the specifiers (systemd.unit(5)) that are the same in all units of
// the service manager of the host.
func systemSpecifiers() map[byte]string {
	return map[byte]string{
		'E': "/etc", 'S': "/var/lib", 'C': "/var/cache", 'L': "/var/log", 't': "/run", 'T': "/tmp", 'V': "/var/tmp",
		'h': "/root", 'u': "root", 'g': "root", 'U': "0", 'G': "0", '%': "%",
	}
}

// expand replaces the specifiers in a setting of a unit. Specifiers that depend on the boot
// or on the machine are useless for a BMC and stay as they are.
func (p loadPath) expand(unit, value string) string {
	name := strings.TrimSuffix(unit, filepath.Ext(unit))
	prefix, instance, _ := strings.Cut(name, "@")
	var text strings.Builder
	for value != "" {
		before, after, found := strings.Cut(value, "%")
		text.WriteString(before)
		if !found {
			break
		}
		if after == "" {
			text.WriteByte('%')
			break
		}
		known := true
		switch c := after[0]; c {
		case 'n':
			text.WriteString(unit)
		case 'N':
			text.WriteString(name)
		case 'p', 'P':
			text.WriteString(prefix)
		case 'i', 'I':
			text.WriteString(instance)
		default:
			var same string
			same, known = p.specifiers[c]
			text.WriteString(same)
		}
		if !known {
			text.WriteString("%" + after[:1])
		}
		value = after[1:]
	}
	return text.String()
}

// userSpecifiers are those of the service manager of the calling user.
func userSpecifiers(home, config, state, cache, runtime string) map[byte]string {
	return map[byte]string{
		'E': config, 'S': state, 'C': cache, 'L': state + "/log", 't': runtime, 'T': "/tmp", 'V': "/var/tmp",
		'h': home, 'U': strconv.Itoa(os.Getuid()), 'G': strconv.Itoa(os.Getgid()), '%': "%",
	}
}
