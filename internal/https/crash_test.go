package https

import (
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// A panic of a handler ends the process, so that systemd starts another one. An aborted request
// does not.
func TestCrash(t *testing.T) {
	if os.Getenv("TEST_CRASH") != "" {
		defer crash()
		panic("a bug")
	}
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		defer crash()
		panic(http.ErrAbortHandler)
	})
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$")
	cmd.Env = append(os.Environ(), "TEST_CRASH=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "panic: a bug")
	require.Contains(t, string(out), "internal/https.TestCrash")
}
