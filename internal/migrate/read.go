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
)

// Places are the directories below a home in which the programs keep their BMCs.
var Places = []string{".shipmi", ".vbmc", ".vsbmc", ".pbmc"}

// A BMC is one BMC of another program, as it can be had here.
type BMC struct {
	Directory  string // its own, in the one that was read
	Name       string
	Listen     netip.AddrPort
	Username   string
	Password   instance.Secret
	Provider   string            // name, or path of a file that ends in .conf
	Parameters map[string]string // of the provider, as far as they are set
	Login      *Login            // nil: there is none
	Active     bool              // it was started whenever the program was
	Notes      []string          // what is lost or different, one line each
	Err        error             // why it cannot be had; then only the directory is certain
}

// Read returns the BMCs below a directory, sorted by their own directories. There
// may be none.
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

// recognize tells which program a file is of, and reads it.
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
	return program{}, nil, errors.New("it is of no program that is known here")
}

// plain takes the place of Python's interpolation: %% is a per cent sign, and
// %(key)s the value of a key, which none of the programs writes.
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

// fileName makes a text one that a file or a BMC can have as its name.
func fileName(text string) string {
	return strings.Trim(odd.ReplaceAllString(text, "-"), "-_.")
}
