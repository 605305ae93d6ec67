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
	Config  string   // configuration, credentials and providers
	Runtime string   // files of the processes of BMCs that last until the host shuts down
	State   []string // files of the processes that last longer; older systemd uses the second directory

	// LoadPath is the directories with unit files and drop-ins, Units among them. The first
	// takes precedence (systemd.unit(5)). The directories of generators are left out.
	LoadPath []string

	// UserLoadPath is the directories with the unit files of all users, for the service
	// manager of the host.
	UserLoadPath []string

	// Owned is the directories of LoadPath in which "systemctl edit", "mask" and
	// "set-property" write files for one BMC. Units is another one.
	Owned []string

	// Sandbox is the drop-in of all services that do not run as root. The service manager
	// of a user has none.
	Sandbox string

	Slice string // without .slice: where systemd puts services by default (systemd.special(7))

	specifiers map[byte]string // those that are the same in all units (systemd.unit(5))

	root string // prefix of every path that is read or written
}

// SystemStore returns the Store of the service manager of the host. root is the root of its
// file system, or "" for /.
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
		Owned:   []string{"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/system"},

		UserLoadPath: []string{"/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"},

		Slice:      "system",
		specifiers: systemSpecifiers(),
		root:       root,
	}
}

// UserStore returns the Store of the service manager of the calling user. systemd.unit(5)
// and systemd.exec(5) list the directories. getenv is os.Getenv.
func UserStore(getenv func(string) string) (Store, error) {
	home := getenv("HOME")
	if home == "" {
		return Store{}, errors.New("HOME is not set")
	}
	config := cmp.Or(getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
	data := cmp.Or(getenv("XDG_DATA_HOME"), filepath.Join(home, ".local/share"))
	state := cmp.Or(getenv("XDG_STATE_HOME"), filepath.Join(home, ".local/state"))
	cache := cmp.Or(getenv("XDG_CACHE_HOME"), filepath.Join(home, ".cache"))
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
		Owned: []string{
			filepath.Join(config, "systemd/user.control"), filepath.Join(runtime, "systemd/user.control"),
			filepath.Join(runtime, "systemd/user"),
		},
		Slice:      "app",
		specifiers: userSpecifiers(home, config, state, cache, runtime),
	}, nil
}

// ConfigDir returns the directory of the configuration file and the providers.
func (s Store) ConfigDir() string { return s.path(s.Config) }

// UserRuntimeDir returns the runtime directory of the calling user. It exists while
// the user is logged in, and always after "loginctl enable-linger".
func UserRuntimeDir(getenv func(string) string) string {
	return cmp.Or(getenv("XDG_RUNTIME_DIR"), filepath.Join("/run/user", strconv.Itoa(os.Getuid())))
}
