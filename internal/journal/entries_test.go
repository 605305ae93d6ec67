package journal

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The format is that of https://systemd.io/JOURNAL_NATIVE_PROTOCOL: a line for each field whose value has no line break.
func TestSendEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	journald, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer journald.Close()
	entries, err := newEntries(path)
	require.NoError(t, err)
	require.NoError(t, entries.Send(Entry{{"MESSAGE", `power on done user="a b"`}, {"PRIORITY", "6"}, {"SHIPMI_VERB", "power-on"}}))
	require.ErrorContains(t, entries.Send(Entry{{"MESSAGE", "two\nMESSAGE_ID=lines"}}), "line break")

	b := make([]byte, 4096)
	require.NoError(t, journald.SetReadDeadline(time.Now().Add(time.Minute)))
	n, err := journald.Read(b)
	require.NoError(t, err)
	require.Equal(t, "MESSAGE=power on done user=\"a b\"\nPRIORITY=6\nSHIPMI_VERB=power-on\n", string(b[:n]))
}

// A journald that does not read, or is gone, is an error at once.
func TestSendDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	journald, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	entries, err := newEntries(path)
	require.NoError(t, err)
	sent := 0
	for ; err == nil && sent < 1e6; sent++ {
		err = entries.Send(Entry{{"MESSAGE", "x"}})
	}
	require.ErrorIs(t, err, unix.EAGAIN)
	require.Greater(t, sent, 1)
	journald.Close()
	require.Error(t, entries.Send(Entry{{"MESSAGE", "x"}}))
}

func TestStandardErrorLeadsElsewhere(t *testing.T) {
	for _, stream := range []string{"", "1:2", "8:"} {
		_, err := NewEntries(func(string) string { return stream })
		require.ErrorContains(t, err, "elsewhere")
	}
}
