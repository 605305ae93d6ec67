package bmc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/shipmi/shipmi/internal/ipmi"
)

const (
	stateFile   = "state"
	restoreFile = "restore"
)

// LoadState reads the state of a BMC from dir; where there is none, it is that
// of a new BMC.
func LoadState(dir string) (ipmi.State, error) {
	path := filepath.Join(dir, stateFile)
	line, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ipmi.State{}, nil
	}
	if err != nil {
		return ipmi.State{}, err
	}
	s, err := parseState(strings.TrimSuffix(string(line), "\n"))
	if err != nil {
		return ipmi.State{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func parseState(line string) (s ipmi.State, err error) {
	text, err := checked(line)
	if err != nil {
		return ipmi.State{}, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return ipmi.State{}, err
	}
	return s, nil
}

// SaveState replaces the state in dir. When it returns without an error, the
// state outlasts a power failure. A file called restore is there as long as there
// is something to do when the host has been booted: a unit looks for it.
func SaveState(dir string, s ipmi.State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(dir, stateFile), []byte(withChecksum(text)+"\n"), 0o600); err != nil {
		return err
	}
	marker := filepath.Join(dir, restoreFile)
	if s.Restore != ipmi.RestoreOff {
		return os.WriteFile(marker, nil, 0o600)
	}
	if err := os.Remove(marker); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
