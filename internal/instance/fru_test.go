package instance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFRU(t *testing.T) {
	i := Default()
	i.Name, i.Provider = "a", "/p.conf"
	require.NoError(t, i.FRU.Set("manufacturer", "Ada & Co"))
	require.NoError(t, i.FRU.Set("serial", strings.Repeat("7", 63)))
	require.Equal(t, []string{
		"SHIPMI_PROVIDER=/p.conf", "SHIPMI_FRU_MANUFACTURER=Ada & Co", "SHIPMI_FRU_SERIAL=" + strings.Repeat("7", 63),
	}, i.Environ())

	again, err := FromEnv(append(i.Environ(), "SHIPMI_NAME=a"))
	require.NoError(t, err)
	require.Equal(t, i, again)
}

func TestBadFRU(t *testing.T) {
	var f FRU
	for value, want := range map[string]string{
		strings.Repeat("7", 64): `has 64 bytes, want at most 63`,
		"tab\there":             `want printable ASCII`,
		"Müller":                `want printable ASCII`,
		"\x7f":                  `want printable ASCII`,
	} {
		require.ErrorContains(t, f.Set("product", value), want)
	}
	require.EqualError(t, f.Set("colour", "red"), `"colour": want manufacturer, product, serial or asset`)
	require.Zero(t, f)

	_, err := FromEnv([]string{"SHIPMI_NAME=a", "SHIPMI_PROVIDER=/p.conf", "SHIPMI_FRU_ASSET=Müller"})
	require.EqualError(t, err, `SHIPMI_FRU_ASSET: "Müller": want printable ASCII`)
}
