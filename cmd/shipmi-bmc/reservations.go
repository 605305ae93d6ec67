package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/shipmi/shipmi/internal/ipmi"
)

// A reservationFile keeps the reservations of the event log and of the sensor records from
// one process to the next. It is in the runtime directory: a boot of the host ends them.
type reservationFile struct {
	dir string
	log *slog.Logger
}

func (f reservationFile) path() string { return filepath.Join(f.dir, "reservations") }

// load reads the file. A reservation that is lost is one that a client must take again.
func (f reservationFile) load() (r ipmi.Reservations) {
	text, err := os.ReadFile(f.path())
	if err != nil || json.Unmarshal(text, &r) != nil {
		return ipmi.Reservations{}
	}
	return r
}

// keep writes the file. The runtime directory is in memory, so that writing does not wait.
func (f reservationFile) keep(r ipmi.Reservations) {
	text, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(f.path(), text, 0o600)
	}
	if err != nil {
		f.log.Warn("reservation not kept", "err", err)
	}
}
