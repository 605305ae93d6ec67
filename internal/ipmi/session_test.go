package ipmi

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

func TestSetSessionPrivilegeLevel(t *testing.T) {
	for _, c := range []struct {
		limit, level rmcp.Privilege
		step
		becomes rmcp.Privilege
	}{
		{rmcp.Administrator, rmcp.User, step{"06/3b 00", "00 02"}, rmcp.User},
		{rmcp.Administrator, rmcp.Operator, step{"06/3b 00", "00 03"}, rmcp.Operator},
		{rmcp.Administrator, rmcp.User, step{"06/3b 04", "00 04"}, rmcp.Administrator},
		{rmcp.Administrator, rmcp.Administrator, step{"06/3b 02", "00 02"}, rmcp.User},
		{rmcp.Operator, rmcp.User, step{"06/3b 03", "00 03"}, rmcp.Operator},
		{rmcp.Operator, rmcp.User, step{"06/3b 04", "81"}, rmcp.User},
		{rmcp.User, rmcp.User, step{"06/3b 03", "81"}, rmcp.User},
		{rmcp.Administrator, rmcp.User, step{"06/3b 05", "81"}, rmcp.User},
		{rmcp.Administrator, rmcp.User, step{"06/3b 01", "cc"}, rmcp.User}, // no way down to callback
		{rmcp.Administrator, rmcp.User, step{"06/3b 06", "cc"}, rmcp.User},
		{rmcp.Administrator, rmcp.User, step{"06/3b 0f", "cc"}, rmcp.User},
		{rmcp.Administrator, rmcp.User, step{"06/3b 14", "cc"}, rmcp.User}, // reserved bits
		{rmcp.Administrator, rmcp.User, step{"06/3b 24", "cc"}, rmcp.User},
		{rmcp.Administrator, rmcp.User, step{"06/3b 44", "cc"}, rmcp.User},
		{rmcp.Administrator, rmcp.User, step{"06/3b 80", "cc"}, rmcp.User},
	} {
		r := newRig(t, statusOnly)
		r.session.Privilege, r.session.Limit = c.level, c.limit
		r.talk(c.step)
		require.Equal(t, c.becomes, r.session.Privilege, "%+v", c)
	}
}

func TestCloseSession(t *testing.T) {
	const own, other = 0x11223344, 0x55667788
	for _, c := range []struct {
		level rmcp.Privilege
		step
		ends []uint32
	}{
		{rmcp.Callback, step{"06/3c 44 33 22 11", "00"}, []uint32{own}},
		{rmcp.Callback, step{"06/3c 00 00 00 00 01", "00"}, []uint32{own}},
		{rmcp.Operator, step{"06/3c 88 77 66 55", "d4"}, nil},
		{rmcp.Operator, step{"06/3c 00 00 00 00 03", "d4"}, nil},
		{rmcp.Administrator, step{"06/3c 88 77 66 55", "00"}, []uint32{other}},
		{rmcp.Administrator, step{"06/3c 00 00 00 00 03", "00"}, []uint32{other}},
		{rmcp.Administrator, step{"06/3c 99 99 99 99", "87"}, nil},
		{rmcp.Administrator, step{"06/3c 00 00 00 00", "87"}, nil},
		{rmcp.Administrator, step{"06/3c 00 00 00 00 02", "88"}, nil},
		{rmcp.Administrator, step{"06/3c 00 00 00 00 00", "88"}, nil},
		{rmcp.Administrator, step{"06/3c 88 77 66 55 03", "c7"}, nil}, // a handle is for session ID 0
	} {
		r := newRig(t, statusOnly)
		r.session.Privilege = c.level
		r.talk(c.step)
		require.Equal(t, c.ends, r.ends, c.request)
	}
}

// A retransmission of Close Session gets its answer again, although the session is no
// longer in the list.
func TestCloseSessionAgain(t *testing.T) {
	r := newRig(t, statusOnly)
	closing := r.sessions[0]
	r.session, r.sessions = &closing, r.sessions[1:]
	r.talk(step{"06/3c 44 33 22 11", "00"}, step{"06/3c 00 00 00 00 01", "00"})
}

func TestGetSessionInfo(t *testing.T) {
	const (
		first  = "00 01 3f 02 02 04 11 c0 00 02 07 00 00 00 00 00 00 50 c3"
		second = "00 03 3f 02 03 03 11 00 00 00 00 00 00 00 00 00 00 6f 02" // no room for IPv6
		nobody = "00 00 3f 02"
	)
	r := newRig(t, statusOnly)
	r.talk(
		step{"06/3d 00", first},
		step{"06/3d 01", first},
		step{"06/3d 02", second},
		step{"06/3d 03", nobody},
		step{"06/3d 3f", nobody}, // the last slot
		step{"06/3d 40", "cc"},
		step{"06/3d fd", "cc"},
		step{"06/3d fe 01", first},
		step{"06/3d fe 03", second},
		step{"06/3d fe 02", "cb"},
		step{"06/3d fe 00", "cb"},
		step{"06/3d ff 44 33 22 11", first},
		step{"06/3d ff 88 77 66 55", second},
		step{"06/3d ff 00 00 00 00", "cb"},
		step{"06/3d ff 11 22 33 44", "cb"},
		step{"06/3d fe", "c7"},
		step{"06/3d fe 44 33 22 11", "c7"},
		step{"06/3d ff", "c7"},
		step{"06/3d ff 01", "c7"},
		step{"06/3d 00 01", "c7"},
		step{"06/3d 01 44 33 22 11", "c7"},
	)
	r.session = &r.sessions[1]
	r.talk(step{"06/3d 00", second}, step{"06/3d 01", first})

	r.sessions[0].Peer = netip.MustParseAddrPort("[::ffff:192.0.2.7]:50000")
	require.Equal(t, first, r.ask("06/3d 01"), "the socket is open to IPv6 too")
}

// Six bits count the sessions.
func TestGetSessionInfoOfMany(t *testing.T) {
	r := newRig(t, statusOnly)
	for len(r.sessions) < 64 {
		r.sessions = append(r.sessions, Session{ID: uint32(len(r.sessions)), Handle: byte(len(r.sessions)) + 10})
	}
	require.Equal(t, "00 01 3f 3f 02", r.ask("06/3d 00")[:14])
}
