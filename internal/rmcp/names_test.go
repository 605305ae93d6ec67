package rmcp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrivilege(t *testing.T) {
	require.Equal(t, "anyone", Anyone.String())
	require.Equal(t, "administrator", Administrator.String())
	require.Equal(t, "privilege 0x0f", Privilege(15).String())
}

func TestRole(t *testing.T) {
	require.Equal(t, Operator, Role(0x13).Privilege())
	require.Equal(t, User, Role(0xF2).Privilege())
}

func TestStatusString(t *testing.T) {
	require.Equal(t, "no cipher suite match with proposed security algorithms", Status(0x11).String())
	require.Equal(t, "status 0x77", Status(0x77).String())
}

func TestSuites(t *testing.T) {
	three, ok := SuiteByID(3)
	require.True(t, ok)
	require.Equal(t, unhex(t, "c0 03 01 41 81"), three.AppendRecord(nil))

	seventeen, ok := SuiteByID(17)
	require.True(t, ok)
	require.Equal(t, unhex(t, "c0 11 03 44 81"), seventeen.AppendRecord(nil))

	for _, id := range []byte{0, 1, 2, 6, 7, 8, 11, 12, 15, 16, 18, 255} {
		_, ok := SuiteByID(id)
		require.False(t, ok, id)
	}
}

func TestAppendAlgorithms(t *testing.T) {
	require.Equal(t, unhex(t, "c0ffee 01 03 41 44 81"), AppendAlgorithms(unhex(t, "c0ffee"), []Suite{Suite17, Suite3, Suite17}))
	require.Empty(t, AppendAlgorithms(nil, nil))
}
