package ipmi

import (
	"encoding/binary"
	"slices"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// setSessionPrivilegeLevel changes nothing for level 0, which reads the present level. A
// session cannot go below user level.
func setSessionPrivilegeLevel(_ *BMC, r *Request) Answer {
	level := rmcp.Privilege(r.Data[0])
	switch {
	case level == rmcp.Anyone:
	case level < rmcp.User || level > rmcp.OEM:
		return reply(InvalidField)
	case level > r.Session.Limit:
		return reply(privilegeUnavailable)
	default:
		r.Session.Privilege = level
	}
	return done(byte(r.Session.Privilege))
}

// closeSession ends a session once the answer has left. Only an administrator may end a
// session that is not its own.
func closeSession(b *BMC, r *Request) Answer {
	id := binary.LittleEndian.Uint32(r.Data)
	byHandle := id == 0 && len(r.Data) == 5
	if id != 0 && len(r.Data) != 4 {
		return reply(InvalidLength)
	}
	if id == r.Session.ID || byHandle && r.Data[4] == r.Session.Handle {
		return Answer{Ends: []uint32{r.Session.ID}}
	}
	if r.Session.Privilege < rmcp.Administrator {
		return reply(InsufficientPrivilege)
	}
	for _, s := range b.Sessions.List() {
		if s.ID == id || byHandle && s.Handle == r.Data[4] {
			return Answer{Ends: []uint32{s.ID}}
		}
	}
	if byHandle {
		return reply(invalidSessionHandle)
	}
	return reply(invalidSessionID)
}

// The first byte of Get Session Info (§22.20), if it is not the position of an
// active session, counted from 1.
const (
	infoOwn      = 0x00
	infoByHandle = 0xFE
	infoByID     = 0xFF

	maxSlots       = 0x3F // what six bits can tell
	rmcpPlus       = 0x10
	sessionInfoLen = 18
)

// getSessionInfo describes a session. A position without a session is not an
// error: clients walk over all slots.
func getSessionInfo(b *BMC, r *Request) Answer {
	all := b.Sessions.List()
	key := r.Data[1:]
	var match func(Session) bool
	switch index := r.Data[0]; {
	case index == infoOwn && len(key) == 0:
		match = func(s Session) bool { return s.ID == r.Session.ID }
	case index == infoByHandle && len(key) == 1:
		match = func(s Session) bool { return s.Handle == key[0] }
	case index == infoByID && len(key) == 4:
		match = func(s Session) bool { return s.ID == binary.LittleEndian.Uint32(key) }
	case len(key) != 0 || index == infoByHandle || index == infoByID:
		return reply(InvalidLength)
	case int(index) <= len(all):
		return done(describe(all[index-1], len(all))...)
	case index <= maxSlots:
		return done(0, maxSlots, byte(min(len(all), maxSlots)))
	default:
		return reply(InvalidField)
	}
	i := slices.IndexFunc(all, match)
	if i < 0 {
		return reply(NotPresent)
	}
	return done(describe(all[i], len(all))...)
}

// describe lays out an active session. It has no room for an IPv6 address.
func describe(s Session, active int) []byte {
	b := make([]byte, 0, sessionInfoLen)
	b = append(b, s.Handle, maxSlots, byte(min(active, maxSlots)), s.UserID, byte(s.Privilege), rmcpPlus|lanChannel)
	var ip [4]byte
	if addr := s.Peer.Addr().Unmap(); addr.Is4() {
		ip = addr.As4()
	}
	b = append(b, ip[:]...)
	b = append(b, 0, 0, 0, 0, 0, 0) // MAC address: not known
	return binary.LittleEndian.AppendUint16(b, s.Peer.Port())
}
