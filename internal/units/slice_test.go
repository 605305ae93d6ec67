package units

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
)

// BMCs with similar names are spread evenly.
func TestSlices(t *testing.T) {
	s := SystemStore("")
	members := make(map[string]int)
	for i := range 100 * sliceCount {
		members[s.sliceOption(socketSection, fmt.Sprintf("rack-3-%d", i)).Value]++
	}
	require.Len(t, members, sliceCount)
	for slice, n := range members {
		require.InDelta(t, 100, n, 50, slice)
	}
}

// A slice that an administrator has chosen stays.
func TestForeignSlice(t *testing.T) {
	s := two(t)
	write(t, s, map[string]string{"shipmi-bmc@a.service.d/50-shipmi.conf": service + "Slice=mine.slice\n"})
	require.NoError(t, s.Update([]string{"a"},
		func(b *BMC, _ *instance.Credentials) error { b.FRU.Serial = "7"; return nil },
		func([]Change) error { return nil }))
	text, err := os.ReadFile(s.dropInPath(ServiceUnit("a")))
	require.NoError(t, err)
	require.Regexp(t, `(?s)Slice=system-shipmi-..\.slice\n.*Slice=mine.slice\n`, string(text))
}
