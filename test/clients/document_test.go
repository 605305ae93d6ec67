//go:build e2e

package clients

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"text/template"
)

// versions says how to ask each client for its version.
var versions = map[string]string{
	"ipmitool":      "ipmitool -V",
	"FreeIPMI":      "ipmipower --version",
	"goipmi":        "goipmi --version",
	"bmclib":        "bmclib -version",
	"fence-agents":  "fence_ipmilan --version",
	"ipmi_exporter": "prometheus-ipmi-exporter --version",
	"pyghmi":        "dpkg-query --show python3-pyghmi",
	"conman":        "conman -V",
	"sushy":         "dpkg-query --show python3-sushy",
	"redfishtool":   "redfishtool -V",
	"Ansible":       "dpkg-query --show ansible",
	"curl":          "curl --version",
}

// A result is a group that worked, and what was seen for each of its rows.
type result struct {
	group
	Seen []string
}

//go:embed works-with.md.tmpl
var page string

// write writes the document.
func write(path string, results []result) error {
	var b strings.Builder
	t := template.New("").Funcs(template.FuncMap{"version": version, "cell": cell, "code": code})
	if err := template.Must(t.Parse(page)).Execute(&b, results); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// version asks a client for its version.
func version(client string) (string, error) {
	out, err := exec.Command("sh", "-c", versions[client]).Output()
	number := regexp.MustCompile(`\d+(\.\d+)+(-0\.[0-9a-f.-]+)?`).FindString(string(out))
	if err != nil || number == "" {
		return "", fmt.Errorf("%s: no version in %q: %w", client, out, err)
	}
	return number, nil
}

// code is a command line as a cell of a table.
func code(line string) string { return "`" + strings.ReplaceAll(line, "|", `\|`) + "`" }

// cell is what a client printed as a cell of a table.
func cell(seen string) string {
	if seen = strings.Join(strings.Fields(seen), " "); seen == "" {
		return "(nothing)"
	}
	return code(seen)
}
