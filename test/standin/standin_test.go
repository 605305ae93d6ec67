package standin

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInstall(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Install(filepath.Join(dir, "none")))

	// As if a child of ours had it open.
	file := filepath.Join(dir, "say")
	f, err := os.Create(file)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteString("#!/bin/sh\necho said\n")
	require.NoError(t, err)
	require.NoError(t, f.Chmod(0o755))
	require.ErrorContains(t, exec.Command(file).Run(), "text file busy")

	require.NoError(t, Install(dir))
	said, err := exec.Command(file).Output()
	require.NoError(t, err)
	require.Equal(t, "said\n", string(said))
}
