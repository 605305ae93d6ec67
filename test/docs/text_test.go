package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// elsewhere has the blocks that Test neither runs nor writes, by document and language, and who looks at them instead.
var elsewhere = map[string]string{
	"README.md sh":                    "test/packages installs the package; test/demo is the demo",
	"contrib/providers/README.md ini": "internal/provider.TestExamplesInREADME",
	"contrib/providers/README.md sh":  "console scripts like those of internal/provider.TestLocalEscapesAreRefused",
	"docs/console.md sh":              "it wants a terminal: test/clients/serial_test.go",
	"docs/consumers.md sh":            "they want MAAS, Foreman, a cluster of Pacemaker; what these send: test/clients",
	"docs/consumers.md yaml":          "they want Kubernetes; the address of Metal3: test/libraries/metal3; the library of Rufio, and Ansible: test/clients",
	"docs/fleet.md sh":                "they want several hosts: test/pacemaker, and test/e2e/testdata/ansible",
	"docs/fleet.md yaml":              "an inventory of several hosts: test/e2e/testdata/ansible has one like it",
	"docs/managing.md sh":             "they want a release: test/packages/testdata/machine/signed.txtar; and another host: test/pacemaker",
	"docs/monitoring.md yaml":         "rules of Prometheus; test/libraries/metrics reads the metrics with its parser",
	"docs/redfish.md ini":             "cmd/shipmi/testdata/import_sushy.txtar",
	"docs/redfish.md sh":              "they want sushy-tools and libvirt: cmd/shipmi/testdata/import_sushy.txtar",
	"docs/tutorial-ironic.md sh":      "they want a libvirt with a disk, and packages; a stand-in for libvirt, and Ironic itself, do the rest",
	"docs/works-with.md sh":           "test/clients runs them, and writes the page",
}

func TestEveryBlockIsLookedAt(t *testing.T) {
	seen := map[string]bool{}
	for path, text := range documents(t) {
		for _, b := range blocks(text) {
			if b.language != "console" && !strings.HasPrefix(b.argument, "/") {
				key := path + " " + b.language
				require.Contains(t, elsewhere, key, "nobody looks at this:\n%s", b.text)
				seen[key] = true
			}
			if b.language == "console" {
				require.Contains(t, []string{"", "fails", "eventually"}, b.argument, "%s:\n%s", path, b.text)
			}
		}
		require.Equal(t, 2*len(blocks(text)), strings.Count("\n"+text, "\n```"), "%s: a block without a language", path)
	}
	for key := range elsewhere {
		require.True(t, seen[key], "there is no such block: %s", key)
	}
}

// The README says how many providers there are.
func TestNumberOfProviders(t *testing.T) {
	files, err := filepath.Glob(root + "/contrib/providers/*.conf")
	require.NoError(t, err)
	require.Contains(t, documents(t)["README.md"], fmt.Sprintf(" %d [providers](", len(files)))
}

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noise   = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(noise.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// What a document points to is there, and every document is pointed to.
func TestLinks(t *testing.T) {
	all := documents(t)
	anchors := map[string]bool{}
	for path, text := range all {
		for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			anchors[path+"#"+anchor(m[1])] = true
		}
	}
	reached := map[string]bool{"README.md": true, "CHANGELOG.md": true, "CONTRIBUTING.md": true, "docs/man/shipmi.1.md": true, "docs/man/shipmi-provider.5.md": true}
	for path, text := range all {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, fragment, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			_, err := os.Stat(filepath.Join(root, target))
			require.NoError(t, err, "%s: %s", path, m[1])
			require.True(t, fragment == "" || anchors[target+"#"+fragment], "%s: %s", path, m[1])
			reached[target] = reached[target] || target != path
		}
	}
	for path := range all {
		require.True(t, reached[path], "nothing leads to %s", path)
	}
}
