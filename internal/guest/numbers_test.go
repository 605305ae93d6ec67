package guest

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func next(t *testing.T, n *numbers, cookie uint64, sequence byte) uint32 {
	t.Helper()
	number, err := n.next(cookie, sequence)
	require.NoError(t, err)
	return number
}

// A request that is read again has the number that it had, also in the next process. Every
// other one has a higher number, whichever connection it came on.
func TestNumbers(t *testing.T) {
	dir := t.TempDir()
	n, err := openNumbers(dir, time.Second)
	require.NoError(t, err)
	first := next(t, n, 7, 0)
	require.Equal(t, uint32(1000*ticksPerMilli+1), first)
	require.Equal(t, first, next(t, n, 7, 0))
	require.Equal(t, first+1, next(t, n, 9, 0))
	require.Equal(t, first+2, next(t, n, 7, 1))

	n, err = openNumbers(dir, time.Second)
	require.NoError(t, err)
	require.Equal(t, first+1, next(t, n, 9, 0))
	require.Equal(t, first+2, next(t, n, 7, 1))
	require.Equal(t, first+3, next(t, n, 9, 255))

	n.forget(9)
	require.Equal(t, first+4, next(t, n, 11, 255), "another connection")
	require.Equal(t, first+2, next(t, n, 7, 1))
}

// Numbers of a file that is lost do not come again, and 0 is no number.
func TestNumbersBeginAnew(t *testing.T) {
	dir := t.TempDir()
	n, err := openNumbers(dir, time.Hour)
	require.NoError(t, err)
	before := next(t, n, 7, 0)
	require.NoError(t, os.Remove(filepath.Join(dir, numbersName)))
	n, err = openNumbers(dir, time.Hour+time.Second)
	require.NoError(t, err)
	require.Greater(t, next(t, n, 7, 0), before)

	n.last = math.MaxUint32
	require.Equal(t, uint32(1), next(t, n, 7, 1))
	_, err = openNumbers(filepath.Join(dir, "missing"), time.Hour)
	require.ErrorIs(t, err, os.ErrNotExist)
}
