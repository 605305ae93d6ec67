package bmc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/shipmi/shipmi/internal/checksum"
	"github.com/shipmi/shipmi/internal/machine"
)

const (
	stateName   = "state"
	restoreName = "restore"

	stateFormat = 2
)

// A StateFile is the file in which a BMC keeps its state: one line of JSON and a checksum.
type StateFile struct {
	Dir string
	// HostBoot is a different text each time the host is booted, and Booted is when that was.
	HostBoot string
	Booted   time.Time
	// Upgrade reads the JSON that version 1 wrote.
	Upgrade func([]byte) (machine.State, error)
}

// stateText is the JSON of a state file.
type stateText struct {
	Format int `json:"format"`
	// Boot is the boot of the host in which the file was written.
	Boot string `json:"boot,omitempty"`
	machine.State
}

func (f StateFile) path() string { return filepath.Join(f.Dir, stateName) }

// Load reads the state; if there is no file, it is the state of a new BMC. Load drops
// everything that is measured in time since an earlier boot of the host.
func (f StateFile) Load() (machine.State, error) {
	line, err := os.ReadFile(f.path())
	if errors.Is(err, fs.ErrNotExist) {
		return machine.State{}, nil
	}
	if err != nil {
		return machine.State{}, err
	}
	written, err := f.parse(strings.TrimSuffix(string(line), "\n"))
	if err != nil {
		return machine.State{}, fmt.Errorf("%s: %w", f.path(), err)
	}
	if written.Boot != f.HostBoot {
		delete(written.Notes, changesNote)
		return written.NextBoot(), nil
	}
	return written.State, nil
}

func (f StateFile) parse(line string) (stateText, error) {
	text, err := checksum.Check(line)
	if err != nil {
		return stateText{}, err
	}
	return f.decode(text)
}

func (f StateFile) decode(text []byte) (stateText, error) {
	var written stateText
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return stateText{}, err
	}
	switch {
	case head.Format == stateFormat:
		err := json.Unmarshal(text, &written)
		return written, err
	case head.Format > stateFormat:
		return written, fmt.Errorf("format %d is of a newer version", head.Format)
	default:
		return f.upgrade(text)
	}
}

// upgrade reads a file of version 1, which does not say in which boot of the host it was
// written.
func (f StateFile) upgrade(text []byte) (stateText, error) {
	state, err := f.Upgrade(text)
	if err != nil {
		return stateText{}, err
	}
	written := stateText{State: state}
	if info, err := os.Stat(f.path()); err == nil && info.ModTime().After(f.Booted) {
		written.Boot = f.HostBoot
	}
	return written, nil
}

// Decode reads the JSON of a state that was exported, by this version or by an older one.
func (f StateFile) Decode(text []byte) (machine.State, error) {
	written, err := f.decode(text)
	return written.NextBoot(), err
}

// Encode returns a state as JSON for Decode.
func Encode(s machine.State) ([]byte, error) {
	return json.Marshal(stateText{Format: stateFormat, State: s})
}

// Files returns the texts of the files that Save would write, by their names.
func (f StateFile) Files(s machine.State) (map[string][]byte, error) {
	text, err := json.Marshal(stateText{Format: stateFormat, Boot: f.HostBoot, State: s})
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	files := map[string][]byte{stateName: []byte(checksum.Seal(text) + "\n")}
	if s.Restore != machine.RestoreOff || s.Former.Device != "" {
		files[restoreName] = nil
	}
	return files, nil
}

// Save replaces the state. When it returns without an error, the state outlasts a power
// failure. If the restore policy may need action after a boot of the host, or a former boot
// device must be set again, Save also creates the file restore, which a unit checks for;
// otherwise Save removes it.
func (f StateFile) Save(s machine.State) error {
	files, err := f.Files(s)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(f.path(), files[stateName], 0o600); err != nil {
		return err
	}
	marker := filepath.Join(f.Dir, restoreName)
	if _, marked := files[restoreName]; marked {
		return os.WriteFile(marker, nil, 0o600)
	}
	if err := os.Remove(marker); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
