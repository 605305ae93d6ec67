package activation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUptime(t *testing.T) {
	before := Uptime()
	require.Greater(t, before, time.Duration(0))
	require.GreaterOrEqual(t, Uptime(), before)
}

func TestBootID(t *testing.T) {
	require.Regexp(t, "^[0-9a-f-]{36}$", BootID())
	require.Equal(t, BootID(), BootID())
}
