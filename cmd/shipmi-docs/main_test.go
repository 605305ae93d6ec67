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
	for _, want := range []string{`.TH SHIPMI 1 "2026-01-02" "ShIPMI v1.2.3"`, ".SS shipmi user passwd NAME USER", `\fB\-\-run\-as\fP \fIUSER[:GROUP]\fP`, `\fB\-v\fP, \fB\-\-version\fP`, `\fB\-h\fP, \fB\-\-help\fP`, "\\fBtroubleshooting\\fP\nTroubleshooting\n"} {
		require.Contains(t, string(page), want)
	}
	require.NotContains(t, string(page), "check\\-scripts", "what is hidden is not there")

	page, err = os.ReadFile(filepath.Join(dir, "shipmi-provider.5"))
	require.NoError(t, err)
	require.Contains(t, string(page), "nothing but a few files, for trying ShIPMI\n", "a provider without parameters has none")

	for name, want := range map[string][]string{
		"shipmi-bmc.8": {
			".TP\n\\fBSHIPMI_QUERY_TIMEOUT\\fP\ntime limit of a script that reads, such as status (default: 15s)\n",
			".TP\n\\fBSHIPMI_TLS_CERT\\fP, \\fBSHIPMI_TLS_KEY\\fP\npaths of the certificate",
			"\\fBSHIPMI_FRU_ASSET\\fP\ninventory, used when the provider has no value\n.TP\n",
			".TP\n\\fB78\\fP\na setting is wrong",
		},
		"shipmi-gateway.8": {".TP\n\\fBSHIPMI_LOG\\fP\nleast important messages to log: debug, info, warn or error (default: info)\n", ".TP\n\\fB78\\fP\n"},
	} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		for _, text := range want {
			require.Contains(t, string(page), text, name)
		}
	}

	man, err := exec.LookPath("man")
	if err != nil {
		t.Skip("no man here to look at the pages")
	}
	for _, name := range []string{"shipmi.1", "shipmi-bmc.8", "shipmi-gateway.8", "shipmi-provider.5"} {
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
