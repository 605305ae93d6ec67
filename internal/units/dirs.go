package units

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// A Store is the files of all BMCs that one service manager has. The directories
// are as that manager sees them.
type Store struct {
	Units   string   // drop-ins that ShIPMI writes
	Config  string   // what ShIPMI has beside them
	Runtime string   // what the processes of BMCs keep until the host goes down
	State   []string // what they keep for longer; all but the first are of older systemd

	// LoadPath is where unit files and other drop-ins may be, Units among them, the
	// directory that counts most first (systemd.unit(5)). Those of systemd's generators
	// are left out.
	LoadPath []string

	// Sandbox is the drop-in of all services that do not run as root, for a service
	// manager that runs services as others.
	Sandbox string

	root string // prefix of every path that is read or written
}

// SystemStore is that of the service manager of the host. Below root, which is
// empty for /, is the file system of that host.
func SystemStore(root string) Store {
	return Store{
		Units: "/etc/systemd/system",
		LoadPath: []string{
			"/etc/systemd/system.control", "/run/systemd/system.control", "/etc/systemd/system", "/run/systemd/system",
			"/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
		},
		Config:  "/etc/shipmi",
		Runtime: "/run/shipmi-bmc",
		State:   []string{"/var/lib/shipmi-bmc"},
		root:    root,
	}
}

// UserStore is that of the service manager of the user who calls, see the
// directories in systemd.unit(5) and systemd.exec(5). getenv has the shape of
// os.Getenv.
func UserStore(getenv func(string) string) (Store, error) {
	home := getenv("HOME")
	if home == "" {
		return Store{}, errors.New("HOME is not set")
	}
	config := cmp.Or(getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
	data := cmp.Or(getenv("XDG_DATA_HOME"), filepath.Join(home, ".local/share"))
	state := cmp.Or(getenv("XDG_STATE_HOME"), filepath.Join(home, ".local/state"))
	runtime := UserRuntimeDir(getenv)
	return Store{
		Units: filepath.Join(config, "systemd/user"),
		LoadPath: []string{
			filepath.Join(config, "systemd/user.control"), filepath.Join(runtime, "systemd/user.control"),
			filepath.Join(config, "systemd/user"), "/etc/systemd/user",
			filepath.Join(runtime, "systemd/user"), "/run/systemd/user", filepath.Join(data, "systemd/user"),
			"/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
		},
		Config:  filepath.Join(config, "shipmi"),
		Runtime: filepath.Join(runtime, "shipmi-bmc"),
		State:   []string{filepath.Join(state, "shipmi-bmc"), filepath.Join(config, "shipmi-bmc")}, // before systemd 254
	}, nil
}

// ConfigDir returns where the files of ShIPMI are.
func (s Store) ConfigDir() string { return s.path(s.Config) }

// UserRuntimeDir returns the runtime directory of the calling user. It exists while
// the user is logged in, and always after "loginctl enable-linger".
func UserRuntimeDir(getenv func(string) string) string {
	return cmp.Or(getenv("XDG_RUNTIME_DIR"), filepath.Join("/run/user", strconv.Itoa(os.Getuid())))
}
