package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shipmi/shipmi/internal/provider"
)

// A Former is the file in which action.sh keeps what "boot get" says before "boot set" sets a boot device. The file is
// written before the device is set and outlasts the process of the BMC. The BMC takes the answer over into its state and
// then removes the file.
type Former struct{ Dir string } // the state directory

func (f Former) path() string { return filepath.Join(f.Dir, "boot-former") }

// Read returns the former boot device as one for every boot. Without a device there is no file. The mode is the one of the
// device that was set, because "boot get" does not print a mode and setting the former device again must not change it.
func (f Former) Read() (provider.Boot, error) {
	text, err := os.ReadFile(f.path())
	if errors.Is(err, fs.ErrNotExist) {
		return provider.Boot{}, nil
	}
	if err != nil {
		return provider.Boot{}, err
	}
	word, efi, _ := strings.Cut(strings.TrimSuffix(string(text), "\n"), " ")
	device, known := provider.ParseDevice(word)
	if !known || efi != "0" && efi != "1" {
		return provider.Boot{}, fmt.Errorf("%s holds %.40q", f.path(), text)
	}
	return provider.Boot{Device: device, Persistent: true, EFI: efi == "1"}, nil
}

// Remove removes the file, if it is there.
func (f Former) Remove() error {
	if err := os.Remove(f.path()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// get is the script that asks before an action what is there: "media get" before an image is inserted, and "boot get" for an
// action that must remember its answer. It is empty if an earlier answer is still there.
func (r *Runner) get(v provider.Verb, args provider.Args) string {
	if v == provider.MediaInsert {
		return r.Script(provider.MediaGet, provider.Boot{})
	}
	earlier, _ := Former{r.StateDir}.Read() // a damaged file is replaced
	if !args.Remember || earlier.Device != "" {
		return ""
	}
	return r.Script(provider.BootGet, args.Boot)
}

// again is a script that sets the former device: the script of "boot set" with its environment. It is empty if there is
// nothing to set.
func (r *Runner) again(former provider.Boot) string {
	script := r.Script(provider.BootSet, former)
	if former.Device == "" || script == "" {
		return ""
	}
	return "export " + strings.Join(bootEnviron(former), " ") + "\n" + script
}
