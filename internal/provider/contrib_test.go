package provider

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The built-in providers, as they are shipped.
const builtin = "../../contrib/providers/"

// library loads all of them.
func library(t *testing.T) []*Provider {
	entries, err := List([]string{builtin})
	require.NoError(t, err)
	require.Greater(t, len(entries), 10)
	var all []*Provider
	for _, entry := range entries {
		p, err := Load(entry.Path, builtin)
		require.NoError(t, err)
		all = append(all, p)
	}
	return all
}

func TestLibraryIsExplained(t *testing.T) {
	for _, p := range library(t) {
		require.True(t, strings.HasPrefix(p.Header, p.Name()+": "), p.Name())
		for _, part := range []string{"Needs:", "Rights:", "Behavior:", "Tested with:"} {
			require.Contains(t, p.Header, "\n"+part, p.Name())
		}
		for line := range strings.Lines(p.Header) {
			require.LessOrEqual(t, len(line), 125, "%s: wrap %q", p.Name(), line)
		}
		require.Equal(t, p.Has(SensorsGet), strings.Contains(p.Header, "\nSensors:"), p.Name())
		require.NotEmpty(t, p.Description, p.Name())
		for _, command := range p.Commands {
			require.Contains(t, p.Header, command, p.Name())
		}
		for _, parameter := range p.Parameters {
			require.NotEmpty(t, parameter.Help, p.Name())
			used := parameter.inScripts
			for _, script := range p.scripts {
				used = used || strings.Contains(script, "SHIPMI_PARAM_"+strings.ToUpper(parameter.Name))
			}
			require.True(t, used, "%s: %s", p.Name(), parameter.Name)
		}
	}
}

// What the README lists is what there is.
func TestLibraryInREADME(t *testing.T) {
	readme, err := os.ReadFile(builtin + "README.md")
	require.NoError(t, err)
	var table strings.Builder
	for _, p := range library(t) {
		var parameters []string
		for _, parameter := range p.Parameters {
			required := ""
			if parameter.Required {
				required = " (must be set)"
			}
			parameters = append(parameters, "`"+parameter.Name+"`"+required)
		}
		fmt.Fprintf(&table, "| [%[1]s](%[1]s.conf) | %s | %s |\n", p.Name(), p.Description, strings.Join(parameters, ", "))
	}
	listed := strings.Contains(string(readme), "| --- | --- | --- |\n"+table.String()+"\n")
	require.True(t, listed, "want these rows:\n%s", table.String())
}

// The scripts are clean for shellcheck, as scripts of a POSIX shell: as functions of one script for each provider, which
// begins with the prelude.
func TestLibraryShell(t *testing.T) {
	dir := t.TempDir()
	args := []string{"--shell=sh", "--exclude=" + strings.Join([]string{
		"SC1090", "SC1091", // files that are read at run time
		"SC2317", // functions without a call
		"SC2016", // $ in single quotes is for another shell
	}, ",")}
	for _, p := range library(t) {
		text, err := os.ReadFile(p.Path)
		require.NoError(t, err)
		settings, err := parseFile(p.Path, string(text))
		require.NoError(t, err)
		prelude := settings["provider prelude"].value + "\n"
		script := func(v Verb) string {
			return p.Script(v, "node-0", map[string]string{"vm": "web"}, Boot{Device: DeviceHD})
		}
		all := prelude
		for v, text := range p.scripts {
			if text == "" {
				continue // taken away from an included provider
			}
			all += strings.ReplaceAll(string(v), " ", "_") + "() {\n" + strings.TrimPrefix(script(v), prelude) + "\n}\n"
		}
		file := filepath.Join(dir, p.Name())
		require.NoError(t, os.WriteFile(file, []byte(all), 0o600))
		args = append(args, file)
	}
	out, err := exec.Command("shellcheck", args...).CombinedOutput()
	require.NoError(t, err, string(out))
}

func TestExamplesInREADME(t *testing.T) {
	readme, err := os.ReadFile(builtin + "README.md")
	require.NoError(t, err)
	blocks := strings.Split(string(readme), "```ini\n")[1:]
	require.Len(t, blocks, 8)
	for _, block := range blocks {
		example, _, _ := strings.Cut(block, "```\n")
		file := filepath.Join(t.TempDir(), "example.conf")
		require.NoError(t, os.WriteFile(file, []byte(example), 0o600))
		_, err = Load(file, builtin)
		require.NoError(t, err, example)
	}
}
