package ipmi

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSoftwareEvent(t *testing.T) {
	for _, name := range SensorNames() {
		for offset := range uint(maxOffset + 1) {
			record, err := SoftwareEvent(name, offset, true)
			require.NoError(t, err, name)
			require.Len(t, record, selRecordLen)
		}
	}
	record, err := SoftwareEvent("os shutdown", 3, true)
	require.NoError(t, err)
	require.Equal(t, "00000200000000830004"+"20056f03ffff", hex.EncodeToString(record))
	record, err = SoftwareEvent("OS Shutdown", 1, false)
	require.NoError(t, err)
	require.Equal(t, "20"+"05"+"ef"+"01"+"ffff", hex.EncodeToString(record[10:]))
	_, err = SoftwareEvent("OS Shutdown", 15, true)
	require.EqualError(t, err, "offset 15: want 0 to 14")
	_, err = SoftwareEvent("OS", 3, true)
	require.ErrorContains(t, err, `no sensor "OS": want ACPI Power State, Power Unit,`)
}
