package systemd

import (
	"errors"
	"io/fs"
	"testing"

	godbus "github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	refusal := func(name string) error { return godbus.Error{Name: name, Body: []any{"Unit is odd."}} }
	require.NoError(t, explain("start", nil))
	for name, want := range map[string]error{
		"org.freedesktop.DBus.Error.AccessDenied":                     fs.ErrPermission,
		"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired": fs.ErrPermission,
		"org.freedesktop.systemd1.UnitMasked":                         ErrMasked,
	} {
		require.ErrorIs(t, explain("start", refusal(name)), want, name)
	}
	require.EqualError(t, explain("start", refusal("org.freedesktop.systemd1.UnitMasked")), "start: masked: Unit is odd.")
	require.EqualError(t, explain("start", errors.New("timeout")), "start: timeout")
}
