package console

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/rmcp"
)

const (
	// SavedLen is the length in bytes of what Unsaved returns: one page, so that a
	// process that is killed while it writes the page has written all of it or nothing.
	SavedLen   = 4096
	checksumAt = SavedLen - 4

	savedMagic  = "shipmi console 1\n" // version of the format
	maxPayloads = 2 * Instances        // each instance has one active payload and one that closes
	maxUser     = 16
	maxZone     = 16
	maxNotice   = 128
	maxPosition = 1 << 62 // no line lives so long
)

// The reasons for which [Restore] cannot restore a line.
var (
	errVersion = errors.New("the file is not one of this version")
	errDamaged = errors.New("the file is damaged")
	errBoot    = errors.New("the file is from before the last boot")
)

// Unsaved decides what is to be sent now, and returns what must be on disk before packets
// are sent or characters are typed. It returns nil if that is on disk already. The slice
// has SavedLen bytes. The caller writes it in one piece and then calls Saved, without
// another call in between. Until it is written, Packets, Typed and Break return nothing.
func (l *Line) Unsaved(now time.Duration) []byte {
	for _, p := range slices.Clone(l.payloads) {
		if l.finished(p, now) {
			l.finish(p)
		} else {
			l.plan(p, now)
		}
	}
	l.encode()
	l.clean = bytes.Equal(l.page[:checksumAt], l.onDisk[:checksumAt])
	if l.clean {
		return nil
	}
	binary.LittleEndian.PutUint32(l.page[checksumAt:], crc32.ChecksumIEEE(l.page[:checksumAt]))
	return l.page[:]
}

// Saved reports that what Unsaved returned is on disk.
func (l *Line) Saved() {
	l.onDisk = l.page
	l.clean = true
}

// encode writes to page what the next process must know, up to the checksum.
func (l *Line) encode() {
	b := append(l.page[:0], savedMagic...)
	b = binary.LittleEndian.AppendUint64(b, l.input.end)
	for _, last := range l.last {
		b = binary.LittleEndian.AppendUint32(b, last.session)
		b = append(b, byte(last.number))
	}
	b = append(b, byte(len(l.payloads)))
	for _, p := range l.payloads {
		b = p.append(b)
	}
	// Files of former versions have zeros from here on.
	for _, last := range l.last {
		b = binary.LittleEndian.AppendUint32(b, last.advanced)
	}
	for _, p := range l.payloads {
		b = binary.LittleEndian.AppendUint32(b, p.advanced)
	}
	clear(l.page[len(b):])
}

// append appends a payload. For an empty packet from the client, zeros are saved in place of its
// number, because the client does not repeat the packet before. Further empty packets leave
// the page as it is: so a client that polls causes no writes.
func (p *payload) append(b []byte) []byte {
	b = append(b, byte(p.Instance), flag(p.closing), flag(p.inFlight), flag(p.marked))
	b = binary.LittleEndian.AppendUint32(b, p.Session)
	b = appendBytes(b, []byte(p.User)[:min(len(p.User), maxUser)])
	b = appendAddr(b, p.Peer)
	b = appendAddr(b, p.Local)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Since))
	if p.blank {
		b = append(b, 0, 0, 0)
	} else {
		b = append(b, byte(p.got), p.length, p.accepted)
	}
	b = binary.LittleEndian.AppendUint32(b, p.sequence)
	b = append(b, byte(p.number))
	b = binary.LittleEndian.AppendUint64(b, p.next)
	b = binary.LittleEndian.AppendUint64(b, p.mark)
	b = binary.LittleEndian.AppendUint64(b, p.end)
	b = appendBytes(b, p.unacked)
	return appendBytes(b, []byte(p.notice)[:min(len(p.notice), maxNotice)])
}

func appendAddr(b []byte, a netip.AddrPort) []byte {
	addr := a.Addr().As16()
	b = append(b, addr[:]...)
	b = binary.LittleEndian.AppendUint16(b, a.Port())
	zone := a.Addr().Zone()
	return appendBytes(b, []byte(zone)[:min(len(zone), maxZone)])
}

// appendBytes appends at most 255 bytes after their number.
func appendBytes(b, v []byte) []byte { return append(append(b, byte(len(v))), v...) }

func flag(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// Restore returns the line of an earlier process. Saved is what [Line.Unsaved] returned
// last, storage is the storage of that process. The latest packet of each client is
// acknowledged again, and packets to clients are repeated. The caller calls [Line.Connect] if the script still runs, otherwise
// [Line.Disconnect], and [Line.Leave] for each of [Line.Sessions] that has ended.
//
// The error says why nothing can be restored. The caller then calls [New].
func Restore(saved, storage []byte, settings Settings, now time.Duration) (*Line, error) {
	switch {
	case len(saved) != SavedLen || len(storage) != StorageLen || !bytes.HasPrefix(saved, []byte(savedMagic)):
		return nil, errVersion
	case crc32.ChecksumIEEE(saved[:checksumAt]) != binary.LittleEndian.Uint32(saved[checksumAt:]):
		return nil, errDamaged
	}
	l := &Line{Settings: settings}
	l.output, l.input = divide(storage)
	l.output.recover()
	r := reader{b: saved[len(savedMagic):checksumAt]}
	l.input.end = r.uint64()
	if l.input.start() > l.input.end {
		l.input.setStart(l.input.end) // Disconnect dropped characters that were not on disk
	}
	if l.input.end-l.input.start() > ringLen || l.output.end() > maxPosition {
		return nil, errDamaged
	}
	for i := range l.last {
		l.last[i] = formerUse{session: r.uint32(), number: rmcp.SOLNumber(r.byte())}
	}
	n := int(r.byte())
	if n > maxPayloads {
		return nil, errDamaged
	}
	for range n {
		p := r.payload()
		switch {
		case !l.possible(p):
			return nil, errDamaged
		case p.Since > now:
			return nil, errBoot
		}
		// The acknowledgment may not have left.
		p.ackOwed = p.got != 0
		p.restored, p.waitFor = true, now+quietTime
		p.sentAt, p.sent, p.firstAt = now, 1, now
		p.deadline = now + closeTime
		l.payloads = append(l.payloads, p)
	}
	for i := range l.last {
		l.last[i].advanced = r.uint32()
	}
	for _, p := range l.payloads {
		p.advanced = r.uint32()
	}
	if r.short {
		return nil, errDamaged
	}
	return l, nil
}

// possible reports whether a payload that was read may be one of the line.
func (l *Line) possible(p *payload) bool {
	end := l.output.end()
	for _, o := range l.payloads {
		if o.Session == p.Session || o.Instance == p.Instance && o.closing == p.closing {
			return false
		}
	}
	return p.Instance >= 1 && p.Instance <= Instances && p.Session != 0 && p.accepted <= p.length &&
		p.got <= rmcp.LastNumber && p.number <= rmcp.LastNumber && (!p.inFlight || p.number > 0 && len(p.unacked) > 0) &&
		p.next <= end && p.end <= end && (!p.closing || p.next <= p.end) &&
		p.mark <= end && (!p.marked || p.next <= p.mark)
}

// A reader reads the fields of the saved state one after the other.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) payload() *payload {
	var p payload
	p.Instance = int(r.byte())
	p.closing, p.inFlight, p.marked = r.byte() != 0, r.byte() != 0, r.byte() != 0
	p.Session = r.uint32()
	p.User = string(r.bytes())
	p.Peer, p.Local = r.addr(), r.addr()
	p.Since = time.Duration(r.uint64())
	p.got, p.length, p.accepted = rmcp.SOLNumber(r.byte()), r.byte(), r.byte()
	p.sequence = r.uint32()
	p.number = rmcp.SOLNumber(r.byte())
	p.next, p.mark, p.end = r.uint64(), r.uint64(), r.uint64()
	p.unacked = slices.Clone(r.bytes())
	p.notice = string(r.bytes())
	return &p
}

func (r *reader) addr() netip.AddrPort {
	addr := netip.AddrFrom16([16]byte(r.take(16))).Unmap()
	port := r.uint16()
	return netip.AddrPortFrom(addr.WithZone(string(r.bytes())), port)
}

// take returns the next n bytes. It returns zeros if there are not so many.
func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return make([]byte, n)
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes() []byte  { return r.take(int(r.byte())) }
func (r *reader) byte() byte     { return r.take(1)[0] }
func (r *reader) uint16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }
