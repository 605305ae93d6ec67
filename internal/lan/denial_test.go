package lan

import (
	"bytes"
	"slices"
	"testing"

	"github.com/shipmi/shipmi/test/console"
)

// Crafted packets that stopped OpenBMC's netipmid (CVE-2021-39295). There is no public list.
// The cases are what its code has checked since then, and their neighbors. They get no
// answer, and another session goes on.
func TestCVE_2021_39295(t *testing.T) {
	prefixes := func(b []byte) (all [][]byte) {
		for n := range b {
			all = append(all, b[:n])
		}
		return all
	}
	// with sets one byte to every value but the one that it has.
	with := func(b []byte, at int) (all [][]byte) {
		for v := range 256 {
			if byte(v) != b[at] {
				all = append(all, slices.Concat(b[:at], []byte{byte(v)}, b[at+1:]))
			}
		}
		return all
	}
	request := console.Request(app, getDeviceID, 1)
	for name, attack := range map[string]func(c *console.Console, r *rig) [][]byte{
		"cut short anywhere": func(c *console.Console, r *rig) [][]byte {
			return slices.Concat(prefixes(unhex(r.t, pingVector)[:12]), prefixes(unhex(r.t, authCapabilities)),
				prefixes(c.Open()), prefixes(c.RAKP1()), prefixes(c.RAKP3()), prefixes(c.Packet(request)))
		},
		"a payload of no bytes, or of more than there are": func(c *console.Console, r *rig) [][]byte {
			return slices.Concat(with(c.Packet(request), 14), with(c.Packet(request), 15), with(unhex(r.t, authCapabilities), 13),
				[][]byte{console.Datagram(0xC0, c.SIDc, c.Sequence+1, nil), v15(0, 0, 0, "")})
		},
		"a session that is not": func(c *console.Console, _ *rig) [][]byte {
			other := *c
			var all [][]byte
			for _, other.SIDc = range []uint32{0, 1, c.SIDm, ^c.SIDc, 0xFFFFFFFF} {
				all = append(all, other.Packet(request), other.RAKP1(), other.RAKP3())
			}
			return all
		},
		"a trailer that lies, signed": func(c *console.Console, _ *rig) [][]byte {
			var all [][]byte
			whole := c.Packet(request)
			signed := len(whole) - 16
			for _, at := range []int{signed - 4, signed - 3, signed - 2, signed - 1} { // pad, pad, its length, next header
				for _, b := range with(whole[:signed], at) {
					all = append(all, append(b, c.HMAC(c.K1, b[4:])[:16]...))
				}
			}
			for _, rest := range []string{"", "\x07", "\x00\x07", "\xFF\xFF\xFF\xFF\xFF\xFF\x06\x07"} {
				b := append(bytes.Clone(whole[:signed-4]), rest...)
				all = append(all, append(b, c.HMAC(c.K1, b[4:])[:16]...))
			}
			return all
		},
		"a payload that cannot be decrypted, signed": func(c *console.Console, _ *rig) [][]byte {
			var all [][]byte
			for n := range 80 {
				if n != 32 && n != 48 && n != 64 {
					c.Sequence++
					all = append(all, c.Sign(console.Datagram(0xC0, c.SIDc, c.Sequence, make([]byte, n))))
				}
			}
			for pad := range 256 { // more than there are bytes, or not counted up
				if pad > 1 {
					c.Sequence++
					all = append(all, c.SealText(c.Sequence, append(make([]byte, 15), byte(pad))))
				}
			}
			return all
		},
		"a message that is none, sealed": func(c *console.Console, _ *rig) [][]byte {
			var all [][]byte
			for _, b := range prefixes([]byte(request)) {
				all = append(all, c.Packet(string(b)))
			}
			return all
		},
		"a name that is longer than the message": func(c *console.Console, r *rig) [][]byte {
			opened := console.New(r.t, 17)
			opened.ReadOpen(r.one(opened.Open()))
			rakp1 := opened.RAKP1()
			var all [][]byte
			for _, b := range with(rakp1, 16+27) {
				if b[16+27] > byte(len(opened.Name)) {
					all = append(all, b)
				}
			}
			return append(all, prefixes(rakp1)...)
		},
		"lists of algorithms that lie": func(c *console.Console, _ *rig) [][]byte {
			var all [][]byte
			for _, at := range []int{24, 27, 32, 35, 40, 43} { // the kind and the length of each
				for _, b := range with(c.Open(), at) {
					if b[at] != 0 { // a length of 0 leaves the choice to the BMC
						all = append(all, b)
					}
				}
			}
			return all
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				r.scripts.does()
				c := r.login()
				victim := *c
				r.harmless(&victim, attack(r.login(), r)...)
			})
		})
	}
}
