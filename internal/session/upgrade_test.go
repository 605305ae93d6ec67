package session

import (
	"encoding/hex"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// testdata/before-zones/sessions was written by the last version whose records have no zone: by newRig, at one hour
// after boot, with the four logins of this test. Each client of it knows what RAKP Message 2 told it, and goes on after
// the upgrade.
func TestUpgradeKeepsSessions(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.Close())
	old, err := os.ReadFile("testdata/before-zones/sessions")
	require.NoError(t, err)
	r.write(old)
	r.start()
	require.Empty(t, r.log.String(), "no record may be dropped")

	resumed := func(suite byte, name, password string, role byte, rakp2 string) *console.Console {
		c := console.New(t, suite)
		c.Name, c.Password, c.Role = name, password, role
		c.RM = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
		answer, err := hex.DecodeString(rakp2)
		require.NoError(t, err)
		c.LearnRAKP2(answer)
		for _, s := range r.slots {
			if s != nil && s.managedRandom == c.RC {
				c.SIDc, c.Peer = s.managedID, s.Peer
			}
		}
		require.NotZero(t, c.SIDc)
		return c
	}

	active := resumed(17, "admin", "correct horse", 0x14, "0600ff0706130000000000000000480000000000a4a3a2a08ddd78f34cf4929ef54f635daba38436"+
		"0000000000000000000000000000002f9953dcd116d0746b303fe60cf9953b87d65e2d101b790ea6ec813ffbbff00ca6")
	s := r.Find(active.SIDc, r.now)
	require.Equal(t, netip.MustParseAddrPort("192.0.2.1:50000"), s.Peer)
	require.Equal(t, rmcp.Administrator, s.Privilege)
	require.Nil(t, r.send(active, active.Seal(3, []byte("sent before the upgrade"), 1)))
	require.Equal(t, 1, r.duplicates)
	active.Sequence = 3
	require.Equal(t, uint32(4), r.requireEcho(active, "hello"), "the BMC had sent three packets")

	keyed := resumed(3, "oper", "battery staple", 0x13, "0600ff07061300000000000000003c0000000000a4a3a2a0d8d1001f787c1704ef711a1ed566a26b"+
		"0000000000000000000000000000002fcf8b360dd25d8ae3189cb2676d3b9d0701b98cd8")
	require.Equal(t, netip.MustParseAddrPort("[2001:db8::1]:623"), keyed.Peer)
	keyed.ReadRAKP4(r.send(keyed, keyed.RAKP3()))
	require.Equal(t, uint32(1), r.requireEcho(keyed, "hello"))

	linkLocal := resumed(17, "admin", "correct horse", 0x14, "0600ff0706130000000000000000480000000000a4a3a2a085829264984ce1725032ec3855b970d3"+
		"0000000000000000000000000000002f79a5fa991e86494b09ed23eaee9ef2083554f6367121c2b244b87a7bb68c9c62")
	require.Equal(t, netip.MustParseAddrPort("[fe80::1]:623"), linkLocal.Peer)
	linkLocal.Sequence, linkLocal.Peer = 1, netip.MustParseAddrPort("[fe80::1%eth0]:623")
	require.Equal(t, uint32(2), r.requireEcho(linkLocal, "hello"))
	require.Equal(t, linkLocal.Peer, r.Find(linkLocal.SIDc, r.now).Peer, "its next packet brings the zone")

	closing := resumed(3, "oper", "battery staple", 0x13, "0600ff07061300000000000000003c0000000000a4a3a2a09f445367ee0c6f56d3e59bdef423e884"+
		"0000000000000000000000000000002f27bce95b069fb49554c7e2635872d29f94298bbd")
	require.True(t, r.Find(closing.SIDc, r.now).Closing())
	closing.Sequence = 1
	require.Equal(t, uint32(2), r.requireEcho(closing, "Close Session again"))
}
