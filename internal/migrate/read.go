package migrate

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/units"
)

// Places are the directories below a home directory in which the programs keep their BMCs.
var Places = []string{".shipmi", ".vbmc", ".vsbmc", ".pbmc"}

// A BMC is one BMC of another program, in terms of ShIPMI.
type BMC struct {
	Directory  string // of the BMC, below the one that was read
	Name       string
	Listen     netip.AddrPort // for IPMI; the zero value means that there is none
	Redfish    netip.AddrPort // likewise
	Gateway    bool           // the address for Redfish is that of all machines
	SystemUUID string
	// Certificate for Redfish, as the other program names the files; "" if there is none.
	Certificate units.Certificate
	Username    string
	Password    instance.Secret
	Provider    string            // name, or path of a file that ends in .conf
	Parameters  map[string]string // of the provider, if they are set
	Login       *Login            // nil if there is none
	Active      bool              // the program starts it
	Notes       []string          // each names a setting that is lost or changes its meaning
	Err         error             // not nil if the file is invalid; then only the directory is known
}

// Read returns the BMCs below a directory, sorted by the names of their directories.
func Read(dir string) ([]BMC, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []BMC
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name(), "config"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		b := BMC{Directory: entry.Name(), Name: entry.Name(), Err: err}
		if err == nil {
			b.Err = b.parse(string(text))
		}
		all = append(all, b)
	}
	return all, nil
}

func (b *BMC) parse(text string) error {
	p, keys, err := recognize(text)
	if err != nil {
		return err
	}
	b.Username, b.Password = keys["username"], instance.Hide(keys["password"])
	b.Active = strings.EqualFold(keys["active"], "true")
	if b.Listen, err = listen(keys["address"], keys["port"]); err != nil {
		return err
	}
	b.Name, b.Provider = keys[p.machine], p.provider
	if b.Provider == "" {
		b.Provider = keys["provider"]
	} else if name := fileName(b.Name); name != b.Name {
		b.Notes = append(b.Notes, fmt.Sprintf("%q is no name for a BMC", b.Name))
		b.Name = name
	}
	b.Parameters = make(map[string]string)
	for parameter, key := range p.parameters {
		if keys[key] != "" {
			b.Parameters[parameter] = keys[key]
		}
	}
	if p.login != nil {
		b.Login = p.login(keys)
	}
	for _, key := range slices.Sorted(maps.Keys(p.notes)) {
		if keys[key] != "" {
			b.Notes = append(b.Notes, key+": "+p.notes[key])
		}
	}
	return nil
}

// recognize returns the program that wrote a file, and the keys of the file.
func recognize(text string) (program, map[string]string, error) {
	for _, p := range programs {
		keys, err := provider.ParseSection(text, p.section)
		if err != nil {
			return p, nil, err
		}
		if keys[p.machine] == "" {
			continue
		}
		for key, value := range keys {
			if keys[key], err = plain(value); err != nil {
				return p, nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		return p, keys, nil
	}
	return program{}, nil, errors.New("no known program has such a file")
}

// plain does the interpolation of Python: %% is a percent sign. It refuses %(key)s, the value
// of another key, because the programs do not write it.
func plain(value string) (string, error) {
	if strings.Contains(strings.ReplaceAll(value, "%%", ""), "%") {
		return "", errors.New("it refers to another key by %")
	}
	return strings.ReplaceAll(value, "%%", "%"), nil
}

func listen(address, port string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q: want an IP address", address)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return netip.AddrPort{}, fmt.Errorf("port %q: want 1 to 65535", port)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}

var odd = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// fileName replaces what cannot be in the name of a file or a BMC.
func fileName(text string) string {
	return strings.Trim(odd.ReplaceAllString(text, "-"), "-_.")
}
