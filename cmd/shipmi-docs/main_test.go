package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The pages are made from the commands, so the test makes sure that they can be made, and
// that man has nothing to complain about.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	make := exec.Command("go", "run", "./cmd/shipmi-docs", dir, "v1.2.3", "2026-01-02")
	make.Dir = "../.."
	out, err := make.CombinedOutput()
	require.NoError(t, err, "%s", out)

	for _, name := range []string{"shipmi.bash", "_shipmi", "shipmi.fish"} {
		require.FileExists(t, filepath.Join(dir, name))
	}
	page, err := os.ReadFile(filepath.Join(dir, "shipmi.1"))
	require.NoError(t, err)
	for _, want := range []string{`.TH SHIPMI 1 "2026-01-02" "ShIPMI v1.2.3"`, ".SS shipmi user passwd NAME USER", `\fB\-\-run\-as\fP \fIUSER[:GROUP]\fP`, `\fB\-v\fP, \fB\-\-version\fP`, `\fB\-h\fP, \fB\-\-help\fP`} {
		require.Contains(t, string(page), want)
	}
	require.NotContains(t, string(page), "check\\-scripts", "what is hidden is not there")

	page, err = os.ReadFile(filepath.Join(dir, "shipmi-provider.5"))
	require.NoError(t, err)
	require.Contains(t, string(page), "nothing but two files, for trying ShIPMI\n", "a provider without parameters has none")

	man, err := exec.LookPath("man")
	if err != nil {
		t.Skip("no man here to look at the pages")
	}
	for _, name := range []string{"shipmi.1", "shipmi-bmc.8", "shipmi-provider.5"} {
		cmd := exec.Command(man, "--warnings", "-E", "UTF-8", "--local-file", filepath.Join(dir, name))
		cmd.Env = append(os.Environ(), "MANWIDTH=80", "LC_ALL=C.UTF-8")
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		text, err := cmd.Output()
		require.NoError(t, err)
		require.Empty(t, complaints.String(), name)
		require.Contains(t, string(text), "DESCRIPTION", name)
		require.NotContains(t, string(text), "../", "%s: a link to a file", name)
		require.NotContains(t, string(text), "beside this one", "%s: a page has no neighbours", name)
	}
}
