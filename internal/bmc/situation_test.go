package bmc

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// The log has the answer of a query if it is another one for this client, or once a minute. It has every error.
func TestQueryLog(t *testing.T) {
	on, off, failed := machine.Reading{Has: true, On: true}, machine.Reading{Has: true}, machine.Reading{Has: true, Err: errors.New("no")}
	admin := queryClient{provider.Status, "admin", netip.MustParseAddr("192.0.2.1")}
	monitor, elsewhere := admin, admin
	monitor.user, elsewhere.addr = "monitor", netip.MustParseAddr("192.0.2.2")
	l := make(queryLog)
	for i, step := range []struct {
		client  queryClient
		reading machine.Reading
		at      time.Duration
		logs    bool
	}{
		{admin, on, 0, true},
		{admin, on, 1, false},
		{monitor, on, 2, true},
		{elsewhere, on, 3, true},
		{admin, on, 59, false},
		{admin, on, 60, true},
		{admin, off, 61, true},
		{admin, off, 62, false},
		{monitor, off, 62, true},
		{admin, failed, 63, true},
		{admin, failed, 64, true},
		{admin, off, 65, true},
		{queryClient{provider.BootGet, "admin", admin.addr}, machine.Reading{Has: true}, 66, true},
	} {
		require.Equal(t, step.logs, l.logs(step.client, step.reading, step.at*time.Second), "step %d", i)
	}
	for i := range byte(2 * maxQueryClients) {
		l.logs(queryClient{addr: netip.AddrFrom4([4]byte{192, 0, 2, i})}, on, time.Hour)
		require.LessOrEqual(t, len(l), maxQueryClients)
	}
}
