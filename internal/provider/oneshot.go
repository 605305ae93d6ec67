package provider

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A oneShot is what an action does beside its own work, so that a boot device that is set for one boot holds for one
// boot. Each is a script, empty where there is nothing to do.
type oneShot struct {
	get    string // tells what the machine boots from before the device is set: that is remembered
	before string // sets the remembered device again, before the machine starts
	after  string // the same, once it has started
}

// oneShot says what is due for v. With boot in force the machine starts from it and then has its former device again.
// If nothing is in force any more, but something was, the machine must not start from that.
func (r *Runner) oneShot(v Verb, boot Boot, stderr io.Writer) oneShot {
	former, err := r.former()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(stderr, "former boot device ignored: %v\n", err)
	}
	remembered := err == nil
	switch {
	case v == BootSet && !boot.Persistent && !remembered:
		return oneShot{get: r.Script(BootGet, boot)}
	case !v.starts() || !remembered:
		return oneShot{}
	case boot.Device == DeviceNone:
		return oneShot{before: r.again(former)}
	default:
		return oneShot{after: r.again(former)}
	}
}

// former reads what action.sh has remembered: the device, and whether the one that took its place was set for UEFI,
// because "boot get" does not say that and setting a device again must not switch it.
func (r *Runner) former() (Boot, error) {
	path := filepath.Join(r.StateDir, "boot-former")
	text, err := os.ReadFile(path)
	if err != nil {
		return Boot{}, err
	}
	word, efi, _ := strings.Cut(strings.TrimSuffix(string(text), "\n"), " ")
	device, known := devices[word]
	if !known || efi != "0" && efi != "1" {
		return Boot{}, fmt.Errorf("%s holds %.40q", path, text)
	}
	return Boot{Device: device, Persistent: true, EFI: efi == "1"}, nil
}

// again is a script that sets the former device: that of "boot set", in its environment.
func (r *Runner) again(former Boot) string {
	script := r.Script(BootSet, former)
	if script == "" {
		return ""
	}
	return "export " + strings.Join(former.environ(), " ") + "\n" + script
}
