// Package rules holds the source to decisions that no compiler knows: which package may use what. It reads import
// clauses and selectors, never runs the code, and looks at what ends up in programs, not at tests. Start with the two
// tables; a new package needs a line in the first.
package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root   = "../.."
	module = "github.com/shipmi/shipmi/"
)

// imports lists for every package what it may import beside the standard library: folders of ours, and modules.
var imports = map[string][]string{
	"cmd/shipmi": {
		"docs", "internal/actionlog", "internal/bmc", "internal/certificate", "internal/check", "internal/client", "internal/console", "internal/counters", "internal/doctor", "internal/event", "internal/hint",
		"internal/instance", "internal/ipmi", "internal/lint", "internal/listing", "internal/machine", "internal/manifest", "internal/migrate", "internal/provider", "internal/rmcp",
		"internal/script", "internal/serial", "internal/session", "internal/settings", "internal/systemd", "internal/terminal",
		"internal/units", "github.com/google/renameio", "github.com/jedib0t/go-pretty", "github.com/maruel/natural", "github.com/spf13", "golang.org/x/sys",
	},
	"cmd/shipmi-docs": {"internal/event", "github.com/cpuguy83/go-md2man"},
	"cmd/shipmi-bmc": {
		"internal/actionlog", "internal/activation", "internal/bmc", "internal/event", "internal/guest", "internal/hostnet", "internal/https", "internal/httpserver",
		"internal/identity", "internal/instance", "internal/ipmi", "internal/journal", "internal/keyring", "internal/lan", "internal/machine", "internal/media", "internal/provider",
		"internal/redfish", "internal/rmcp", "internal/script",
		"internal/serial", "internal/session", "github.com/coreos/go-systemd", "golang.org/x/sys",
	},
	"cmd/shipmi-gateway": {
		"internal/activation", "internal/gateway", "internal/httpserver", "internal/identity", "internal/redfish",
		"github.com/coreos/go-systemd", "golang.org/x/sys",
	},
	"internal/gateway": {"internal/httpserver", "internal/instance", "internal/machine", "internal/redfish", "golang.org/x/sys"},
	"internal/lan": {
		"internal/actionlog", "internal/bmc", "internal/console", "internal/event", "internal/ipmi", "internal/jobs", "internal/lanes", "internal/machine",
		"internal/rmcp", "internal/serial", "internal/session", "golang.org/x/sys",
	},
	"internal/guest": {
		"internal/bmc", "internal/event", "internal/inband", "internal/ipmi", "internal/jobs", "internal/lanes", "internal/machine", "internal/polled",
		"internal/rmcp", "golang.org/x/sys",
	},
	"internal/lanes": {"internal/bmc", "internal/ipmi", "internal/jobs", "internal/machine", "internal/rmcp"},
	"internal/https": {
		"internal/bmc", "internal/checksum", "internal/event", "internal/httpserver", "internal/instance", "internal/jobs", "internal/machine", "internal/provider",
		"internal/redfish", "internal/session", "github.com/google/renameio",
	},
	"internal/bmc": {
		"internal/actionlog", "internal/checksum", "internal/event", "internal/jobs", "internal/machine", "internal/media", "internal/provider",
		"github.com/google/renameio",
	},
	"internal/serial":     {"internal/console", "internal/event", "internal/provider", "internal/rmcp", "golang.org/x/sys"},
	"internal/ipmi":       {"internal/console", "internal/event", "internal/instance", "internal/machine", "internal/provider", "internal/rmcp"},
	"internal/redfish":    {"internal/event", "internal/instance", "internal/machine", "internal/media", "internal/provider"},
	"internal/script":     {"internal/actionlog", "internal/machine", "internal/media", "internal/provider", "golang.org/x/sys"},
	"internal/actionlog":  {"internal/checksum", "internal/jobs", "internal/machine", "internal/provider", "golang.org/x/sys"},
	"internal/jobs":       {"internal/machine", "internal/provider"},
	"internal/machine":    {"internal/provider"},
	"internal/provider":   {},
	"internal/console":    {"internal/rmcp"},
	"internal/session":    {"internal/event", "internal/rmcp", "golang.org/x/sys"},
	"internal/client":     {"internal/rmcp", "internal/session"},
	"internal/httpserver": {"internal/polled", "internal/redfish", "internal/session", "golang.org/x/sys"},
	"internal/polled":     {"golang.org/x/sys"},
	"internal/activation": {"internal/counters", "internal/event", "internal/journal", "github.com/coreos/go-systemd", "github.com/spf13/pflag", "golang.org/x/sys"},
	"internal/identity":   {},
	"internal/inband":     {},
	"internal/rmcp":       {},
	"internal/instance":   {"internal/media"},
	"internal/media":      {},
	"internal/checksum":   {},
	"internal/counters":   {"golang.org/x/sys"},
	"internal/event":      {},
	"internal/hostnet":    {"golang.org/x/sys"},
	"internal/journal":    {"golang.org/x/sys"},
	"internal/manifest": {
		"internal/hint", "internal/instance", "internal/media", "internal/provider", "internal/settings", "internal/terminal",
		"internal/units", "go.yaml.in/yaml",
	},
	"internal/migrate": {
		"internal/hint", "internal/instance", "internal/provider", "internal/settings", "internal/units", "github.com/maruel/natural",
	},
	"internal/check": {
		"internal/actionlog", "internal/hint", "internal/instance", "internal/ipmi", "internal/machine", "internal/provider",
		"internal/script", "golang.org/x/sys",
	},
	"internal/lint":    {"internal/provider", "mvdan.cc/sh"},
	"internal/keyring": {"internal/instance", "github.com/google/renameio"},
	"internal/doctor": {
		"internal/certificate", "internal/hint", "internal/lint", "internal/provider", "internal/settings", "internal/systemd", "internal/units", "github.com/prometheus/procfs",
	},
	"internal/settings": {
		"internal/certificate", "internal/hint", "internal/instance", "internal/media", "internal/provider", "internal/terminal", "internal/units",
		"github.com/spf13", "github.com/maruel/natural", "golang.org/x/sys", "gopkg.in/ini.v1",
	},
	"internal/listing": {
		"internal/hint", "internal/terminal", "github.com/jedib0t/go-pretty", "github.com/maruel/natural", "github.com/spf13",
		"go.yaml.in/yaml",
	},
	"internal/terminal": {"github.com/jedib0t/go-pretty", "golang.org/x/term"},
	"internal/hint":     {"github.com/agnivade/levenshtein"},
	"internal/systemd":  {"github.com/coreos/go-systemd", "github.com/godbus/dbus", "golang.org/x/sys"},
	"internal/units": {
		"internal/instance", "internal/keyring", "github.com/coreos/go-systemd", "github.com/google/renameio",
		"github.com/maruel/natural",
	},
	"internal/certificate": {},
}

// only lists what few packages may use of the standard library.
var only = map[string][]string{
	"net":       {"internal/check", "internal/gateway", "internal/hostnet", "internal/httpserver", "internal/doctor", "internal/systemd", "cmd/shipmi", "cmd/shipmi-bmc"},
	"os/exec":   {"internal/script", "internal/check", "internal/doctor", "internal/lint", "internal/settings", "cmd/shipmi", "cmd/shipmi-docs"},
	"os.Stdout": {"cmd/shipmi"}, // rooms return values or print to what they are given
	"time.Now":  {"internal/activation", "internal/bmc", "internal/lan", "cmd/shipmi", "cmd/shipmi-bmc", "cmd/shipmi-gateway"},
}

func TestRules(t *testing.T) {
	seen := map[string]bool{} // folders, and what they import
	for _, path := range sources(t) {
		folder := filepath.Dir(path)
		allowed, known := imports[folder]
		require.True(t, known, "%s: the table of imports does not know its package", path)
		seen[folder] = true

		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		used := selectors(file)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			used = append(used, imported)
			imported, ours := strings.CutPrefix(imported, module)
			inStandardLibrary := !ours && !strings.Contains(imported, ".")
			permits := func(a string) bool { return strings.HasPrefix(imported+"/", a+"/") }
			i := slices.IndexFunc(allowed, permits)
			require.True(t, inStandardLibrary || i >= 0, "%s: may not import %s", path, imported)
			if i >= 0 {
				seen[folder+" "+allowed[i]] = true
			}
		}
		for _, name := range used {
			if few, limited := only[name]; limited {
				require.Contains(t, few, folder, "%s: may not use %s", path, name)
			}
		}
	}
	for folder, allowed := range imports {
		require.True(t, seen[folder], "%s is in the table of imports, but there is no such package", folder)
		for _, a := range allowed {
			require.True(t, seen[folder+" "+a], "%s may import %s, but does not", folder, a)
		}
	}
}

// CONTRIBUTING.md lists every package of the programs, and no other.
func TestListOfPackages(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	require.NoError(t, err)
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `((?:cmd|internal)/[^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		listed = append(listed, row[1])
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(imports)), listed)
}

// sources returns the Go files of the programs, relative to the root of the repository.
func sources(t *testing.T) []string {
	var files []string
	for _, dir := range []string{"cmd", "internal"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				path, err = filepath.Rel(root, path)
				files = append(files, path)
			}
			return err
		}))
	}
	return files
}

// selectors returns every "name.Name" of a file.
func selectors(file *ast.File) []string {
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				names = append(names, x.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return names
}
