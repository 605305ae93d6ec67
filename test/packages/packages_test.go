// Package packages tests what makes packages and releases, in folders of its own, and the packages themselves: as a
// host sees them that installs, upgrades and removes them, in a disposable machine (test/packages/run). It knows nothing
// of the programs. The transcripts in testdata are the tests; start reading with machine/deb.txtar.
package packages

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// TestScripts runs the scripts that find the version of a package, sign a file and make a release, each in a new folder.
func TestScripts(t *testing.T) {
	packaging, err := filepath.Abs("../../packaging")
	require.NoError(t, err)
	transcripts(t, "testdata/scripts/*.txtar", func(env *testscript.Env) error {
		for _, who := range []string{"AUTHOR", "COMMITTER"} {
			env.Setenv("GIT_"+who+"_NAME", "ada")
			env.Setenv("GIT_"+who+"_EMAIL", "ada@example.org")
			env.Setenv("GIT_"+who+"_DATE", "2026-11-22T14:30:00Z")
		}
		env.Setenv("PACKAGING", packaging)
		return nil
	})
}

func transcripts(t *testing.T, pattern string, setup func(*testscript.Env) error) {
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	testscript.Run(t, testscript.Params{Files: files, Setup: setup})
}
