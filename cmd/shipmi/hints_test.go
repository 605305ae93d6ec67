package main

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/systemd"
)

// What helps against an error depends on who calls, and on the host.
func TestHintsOfCircumstances(t *testing.T) {
	denied, unreachable := fmt.Errorf("start: %w", fs.ErrPermission), fmt.Errorf("%w: system bus", systemd.ErrUnreachable)
	for _, test := range []struct {
		circumstances
		err  error
		want string
	}{
		{circumstances{booted: true}, denied, "run the command as root"},
		{circumstances{booted: true, root: true}, denied, "not even root may do this: "},
		{circumstances{booted: true, user: true}, denied, "the file must belong to you"},
		{circumstances{booted: true, root: true}, unreachable, "tells whether systemd runs here"},
		{circumstances{booted: true}, unreachable, "there is no message bus, which users other than root need: run the command as root"},
		{circumstances{root: true}, unreachable, "systemd does not run here"},
	} {
		hints := test.hints(test.err)
		require.Len(t, hints, 1)
		require.Contains(t, hints[0], test.want)
	}
	require.Empty(t, circumstances{}.hints(fs.ErrExist))
}
