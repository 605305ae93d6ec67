package script

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shipmi/shipmi/internal/provider"
)

// A oneShot is what an action does besides its own work, so that a boot device that is set for one boot is in force for
// one boot. Each field is a script, empty if there is nothing to do.
type oneShot struct {
	get    string // prints what the machine boots from before the device is set; the answer is remembered
	before string // sets the remembered device again before the machine starts
	after  string // sets the remembered device again after the machine has started
}

// oneShot returns what an action must do. If boot is in force, the machine starts from it and then gets its former device
// back. If boot was in force and no longer is, the machine gets its former device back before it starts.
func (r *Runner) oneShot(v provider.Verb, boot provider.Boot, stderr io.Writer) oneShot {
	former, err := r.former()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(stderr, "former boot device ignored: %v\n", err)
	}
	remembered := err == nil
	switch {
	case v == provider.BootSet && !boot.Persistent && !remembered:
		return oneShot{get: r.Script(provider.BootGet, boot)}
	case !v.Starts() || !remembered:
		return oneShot{}
	case boot.Device == provider.DeviceNone:
		return oneShot{before: r.again(former)}
	default:
		return oneShot{after: r.again(former)}
	}
}

// former reads what action.sh has remembered: the former device, and whether the device for one boot was set for UEFI.
// "boot get" does not print the mode, and setting the former device again must not change it.
func (r *Runner) former() (provider.Boot, error) {
	path := filepath.Join(r.StateDir, "boot-former")
	text, err := os.ReadFile(path)
	if err != nil {
		return provider.Boot{}, err
	}
	word, efi, _ := strings.Cut(strings.TrimSuffix(string(text), "\n"), " ")
	device, known := provider.ParseDevice(word)
	if !known || efi != "0" && efi != "1" {
		return provider.Boot{}, fmt.Errorf("%s holds %.40q", path, text)
	}
	return provider.Boot{Device: device, Persistent: true, EFI: efi == "1"}, nil
}

// again is a script that sets the former device: the script of "boot set" with its environment.
func (r *Runner) again(former provider.Boot) string {
	script := r.Script(provider.BootSet, former)
	if script == "" {
		return ""
	}
	return "export " + strings.Join(bootEnviron(former), " ") + "\n" + script
}
