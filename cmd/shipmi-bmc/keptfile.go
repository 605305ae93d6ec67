package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
)

// A keptFile keeps a value from one process to the next: reservations of clients, and what the
// guest has set of its interface. It is in the runtime directory: a boot of the host ends them.
type keptFile[V any] struct {
	dir, name string
	log       *slog.Logger
}

func (f keptFile[V]) path() string { return filepath.Join(f.dir, f.name) }

// load reads the file. If the file is lost, clients and the guest must set its values again.
func (f keptFile[V]) load() (v V) {
	text, err := os.ReadFile(f.path())
	if err != nil || json.Unmarshal(text, &v) != nil {
		return *new(V)
	}
	return v
}

// keep writes the file. The runtime directory is in memory, so that writing does not wait.
func (f keptFile[V]) keep(v V) {
	text, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(f.path(), text, 0o600)
	}
	if err != nil {
		f.log.Warn("file not kept", "name", f.name, "err", err)
	}
}
