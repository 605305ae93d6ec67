package session

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

const (
	recordLen = 256
	sumLen    = 4 // the checksum at the end of a record

	maxZone = 16 // bytes; the name of a network interface has at most 15
)

// A record is one session in the file. The record of a free slot is all zeros.
type record [recordLen]byte

var (
	errDamaged    = errors.New("the record is damaged")
	errBoot       = errors.New("it is from before the last boot")
	errCredential = errors.New("the user has changed")
)

// encode writes a session to r: fields of fixed length, zeros, and a checksum. New fields replace the first zeros, so that
// the record of an earlier version still decodes. They must end before fieldsLen.
func (s *Session) encode(r *record) *record {
	*r = blank
	b := append(r[:0], byte(s.state), s.suite.ID, byte(s.role))
	b = appendPadded(b, []byte(s.name), 16)
	b = binary.LittleEndian.AppendUint32(b, s.clientID)
	b = binary.LittleEndian.AppendUint32(b, s.managedID)
	b = append(b, s.clientRandom[:]...)
	b = append(b, s.managedRandom[:]...)
	var sik []byte
	if s.sik != nil {
		sik = s.sik()
	}
	b = appendPadded(b, sik, 32)
	b = append(b, s.credential[:]...)
	b = append(b, byte(s.Privilege), byte(s.Limit), flag(s.confirmed))
	b = binary.LittleEndian.AppendUint32(b, s.received.top)
	b = binary.LittleEndian.AppendUint32(b, s.received.seen)
	b = binary.LittleEndian.AppendUint32(b, s.reserved)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.created))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.touched))
	addr := s.Peer.Addr().As16()
	b = append(b, addr[:]...)
	b = binary.LittleEndian.AppendUint16(b, s.Peer.Port())
	appendPadded(b, []byte(storedZone(s.Peer.Addr())), maxZone)
	binary.LittleEndian.PutUint32(r[recordLen-sumLen:], crc32.ChecksumIEEE(r[:recordLen-sumLen]))
	return r
}

// storedZone returns the zone of a link-local address: the name or the index of a network interface. It leaves out a zone
// that does not fit into a record. The BMC then cannot send to the address until the next packet comes from it.
func storedZone(a netip.Addr) string {
	zone := a.Zone()
	if len(zone) > maxZone {
		return ""
	}
	return zone
}

// appendPadded appends the length of v in one byte, v, and zeros up to n bytes.
func appendPadded(b, v []byte, n int) []byte {
	b = append(b, byte(len(v)))
	b = append(b, v...)
	return append(b, make([]byte, n-len(v))...)
}

func flag(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// decode is the inverse of encode. A time after now means that the host has been booted since, because times count from
// the boot.
func (t *Table) decode(slot int, b *record, now time.Duration) (*Session, error) {
	s, sik, err := parse(b)
	if err != nil {
		return nil, err
	}
	s.slot, s.user = slot, t.user(s.name)
	switch {
	case s.created > now || s.touched > now:
		return nil, errBoot
	case t.credential(s.user) != s.credential:
		return nil, errCredential
	}
	if sik != nil {
		s.setKeys(slices.Clone(sik))
	}
	return s, nil
}

// parse reads the fields of a record. It returns the session integrity key of a session that is established, as a part of
// b.
func parse(b *record) (s *Session, sik []byte, err error) {
	if crc32.ChecksumIEEE(b[:recordLen-sumLen]) != binary.LittleEndian.Uint32(b[recordLen-sumLen:]) {
		return nil, nil, errDamaged
	}
	r := reader{b[:]}
	s = &Session{state: state(r.byte())}
	suite, known := rmcp.SuiteByID(r.byte())
	s.suite, s.role = suite, rmcp.Role(r.byte())
	name, nameFits := r.padded(16)
	s.name = string(name)
	s.clientID, s.managedID = r.uint32(), r.uint32()
	s.clientRandom, s.managedRandom = [16]byte(r.take(16)), [16]byte(r.take(16))
	key, keyFits := r.padded(32)
	s.credential = [32]byte(r.take(32))
	s.Privilege, s.Limit = rmcp.Privilege(r.byte()), rmcp.Privilege(r.byte())
	s.confirmed = r.byte() != 0
	s.received = window{top: r.uint32(), seen: r.uint32()}
	s.reserved = r.uint32()
	s.sent = s.reserved
	s.created, s.touched = time.Duration(r.uint64()), time.Duration(r.uint64())
	peer, port := netip.AddrFrom16([16]byte(r.take(16))).Unmap(), r.uint16()
	zone, zoneFits := r.padded(maxZone)
	s.Peer = netip.AddrPortFrom(peer.WithZone(string(zone)), port)

	established := s.state == active || s.state == closing
	switch {
	case !known || !nameFits || !keyFits || !zoneFits || s.state < keyed || s.state > closing || established == (len(key) == 0):
		return nil, nil, errDamaged
	case established:
		return s, key, nil
	default:
		return s, nil, nil
	}
}

// unknownUser replaces a user that does not exist. No user has an empty name.
var unknownUser = &User{Password: func() []byte { return nil }}

// credential returns a digest of the user and of Kg. A session ends when the digest changes. An unknown user (nil) takes
// the same time.
func (t *Table) credential(u *User) [32]byte {
	if u == nil {
		u = unknownUser
	}
	return t.file.digest(t.Kg(), []byte(u.Name), u.Password(), []byte{byte(u.Limit)})
}

// A reader reads the fields of a record one after the other. The record is long enough for all of them.
type reader struct{ b []byte }

func (r *reader) take(n int) []byte {
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

// padded is the inverse of appendPadded. It returns false if the length is greater than n.
func (r *reader) padded(n int) ([]byte, bool) {
	length := int(r.byte())
	field := r.take(n)
	return field[:min(length, n)], length <= n
}

func (r *reader) byte() byte     { return r.take(1)[0] }
func (r *reader) uint16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }
