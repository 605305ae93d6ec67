package session

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// The sessions of a process that runs can be read beside it: those that are established, and no key.
func TestSummaries(t *testing.T) {
	r := newRig(t)
	read := func() []Summary {
		file, err := os.Open(filepath.Join(r.dir, fileName))
		require.NoError(t, err)
		defer file.Close()
		all, err := Summaries(file)
		require.NoError(t, err)
		return all
	}
	require.Empty(t, read())

	established, halfOpen := console.New(t, 17), console.New(t, 17)
	established.ReadOpen(r.send(established, established.Open()))
	established.ReadRAKP2(r.send(established, established.RAKP1()))
	established.ReadRAKP4(r.send(established, established.RAKP3()))
	halfOpen.ReadOpen(r.send(halfOpen, halfOpen.Open()))
	halfOpen.ReadRAKP2(r.send(halfOpen, halfOpen.RAKP1()))
	created := r.now
	r.now += 10 * time.Second
	established.Read(r.send(established, established.Packet("request")))

	s := r.Find(established.SIDc, r.now)
	all := read()
	require.Len(t, all, 1)
	require.Equal(t, Summary{ID: established.SIDc, User: "admin", Privilege: s.Privilege, Peer: s.Peer, Created: created, Touched: all[0].Touched}, all[0])
	require.Equal(t, rmcp.User, all[0].Privilege)
	require.GreaterOrEqual(t, all[0].Touched, created)

	require.NoError(t, r.End(s, r.now))
	require.Empty(t, read(), "a session that was closed")
}

// The file may be in any state, and belong to a user who is not trusted.
func TestSummariesOfDamage(t *testing.T) {
	for name, file := range map[string][]byte{
		"empty":   nil,
		"header":  append([]byte(magic), make([]byte, recordLen-len(magic))...),
		"partial": append(append([]byte(magic), make([]byte, recordLen-len(magic))...), 1, 2, 3),
		"garbage": append(append([]byte(magic), make([]byte, recordLen-len(magic))...), bytes.Repeat([]byte{5}, 3*recordLen)...),
	} {
		all, err := Summaries(bytes.NewReader(file))
		require.NoError(t, err, name)
		require.Empty(t, all, name)
	}
	_, err := Summaries(bytes.NewReader([]byte("shipmi sessions 9\n")))
	require.EqualError(t, err, "not a session file of this version")
}
