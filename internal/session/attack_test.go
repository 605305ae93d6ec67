package session

import (
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// Cipher suite 0 (CVE-2013-4782) opens a session without a password. Other suites protect a session neither from being read
// nor from being changed on the network. The table accepts the suites 3 and 17 only, whatever the client proposes.
func TestCipherZero(t *testing.T) {
	algorithms := []byte{0, 1, 2, 3, 4, 5, 0x30, 0x3F, rmcp.AnyAlgorithm}
	fits := func(proposed, has byte) bool { return proposed == has || proposed == rmcp.AnyAlgorithm }
	for _, auth := range algorithms {
		for _, integrity := range algorithms {
			for _, confidentiality := range algorithms {
				r, c := newRig(t), console.New(t, 3)
				answer := r.send(c, c.Propose(auth, integrity, confidentiality))
				sound := slices.ContainsFunc([]rmcp.Suite{rmcp.Suite3, rmcp.Suite17}, func(s rmcp.Suite) bool {
					return fits(auth, byte(s.Auth)) && fits(integrity, byte(s.Integrity)) && fits(confidentiality, byte(s.Confidentiality))
				})
				if sound {
					require.Contains(t, []string{"\x01\x01\x01", "\x03\x04\x01"}, string([]byte{answer[32], answer[40], answer[48]}))
					continue
				}
				require.Equal(t, rmcp.StatusNoCipherSuiteMatch.String(), outcome(answer), "%#x %#x %#x", auth, integrity, confidentiality)
				require.Len(t, answer, 16+8, "no session ID")
			}
		}
	}
}

// RAKP Message 2 contains a hash of the password (CVE-2013-4786). The protocol demands it. A refusal does not contain it,
// and for an unknown name the hash has the same form and is made with a random key.
func TestCVE_2013_4786(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		bad := map[string]func(c *console.Console){
			"long name": func(c *console.Console) { c.Name = "admin\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" },
			"no role":   func(c *console.Console) { c.Role = 0x10 },
			"bad role":  func(c *console.Console) { c.Role = 0x1F },
		}
		for name, change := range bad {
			r, c := newRig(t), console.New(t, suite)
			c.ReadOpen(r.send(c, c.Open()))
			change(c)
			require.Len(t, r.send(c, c.RAKP1()), 16+8, name)
		}

		for _, name := range []string{"", "nobody", "Admin", "admin\x00", "oper "} {
			r, known, unknown := newRig(t), console.New(t, suite), console.New(t, suite)
			unknown.Name, unknown.SIDm = name, 7
			for _, c := range []*console.Console{known, unknown} {
				c.ReadOpen(r.send(c, c.Open()))
			}
			right := r.send(known, known.RAKP1())
			decoy := r.send(unknown, unknown.RAKP1())
			require.Len(t, decoy, len(right))
			require.Equal(t, right[:20], decoy[:20], "everything up to the ID of the client")
			require.Equal(t, right[40:56], decoy[40:56], "GUID")
			require.Equal(t, decoy, r.send(unknown, unknown.RAKP1()), "the same answer again, as for a known name")
			for _, password := range []string{"", "correct horse", "battery staple", name} {
				unknown.Password = password
				code := unknown.LearnRAKP2(decoy)
				require.NotEqual(t, code, unknown.HMAC([]byte(password), unknown.SIDm, unknown.SIDc, unknown.RM, unknown.RC,
					unknown.GUID, unknown.Role, byte(len(name)), name))
			}
		}
	})
}

// Predictable session IDs and random numbers let an attacker guess those of a session (CVE-2014-8272).
func TestCVE_2014_8272(t *testing.T) {
	const exchanges = 512
	ids, randoms := map[uint32]bool{}, map[[16]byte]bool{}
	differences := map[uint32]bool{}
	var ones [32 + 128]int
	r := newRig(t)
	r.config.Random = crand.Reader
	r.restart()
	last := uint32(0)
	for i := range exchanges {
		c := console.New(t, 17)
		c.SIDm = uint32(i + 1)
		c.ReadOpen(r.send(c, c.Open()))
		c.ReadRAKP2(r.send(c, c.RAKP1()))
		ids[c.SIDc], randoms[c.RC], differences[c.SIDc-last] = true, true, true
		last = c.SIDc
		for bit := range 32 {
			ones[bit] += int(c.SIDc >> bit & 1)
		}
		for bit := range 128 {
			ones[32+bit] += int(c.RC[bit/8] >> (bit % 8) & 1)
		}
		r.now += halfOpenLife
		if i%64 == 0 {
			r.restart()
		}
	}
	require.Len(t, ids, exchanges)
	require.Len(t, randoms, exchanges)
	require.Len(t, differences, exchanges)
	for bit, n := range ones {
		require.InDelta(t, exchanges/2, n, 80, "bit %d", bit) // seven standard deviations
	}
}

// The time that RAKP Message 2 takes does not show whether a user name exists, not even without a network in between. The
// test also shows that it would notice the time of one more log line.
func TestNamesCannotBeProbedByTime(t *testing.T) {
	r := newRig(t)
	require.InDelta(t, 0.5, chanceToTell(r, func(string) {}), 0.1)
	require.Greater(t, chanceToTell(r, func(name string) {
		if r.user(name) == nil {
			r.Log.Warn("session refused: unknown user", "user", name, "peer", "192.0.2.1:50000")
		}
	}), 0.6)
}

// chanceToTell returns how often an unknown name takes longer than a known one: 0.5 if they cannot be told apart. Known and
// unknown names come in random order, so that other load on the host slows down both. leak is called after each RAKP
// Message 1.
func chanceToTell(r *rig, leak func(name string)) float64 {
	type sample struct {
		took    time.Duration
		unknown bool
	}
	const each = 1500
	samples := make([]sample, 2*each)
	for i := range samples {
		samples[i].unknown = i < each
	}
	rand.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
	for i := range samples {
		c := console.New(r.t, 17)
		c.SIDm = uint32(i + 1)
		if samples[i].unknown {
			c.Name = "adnim"
		}
		r.now += time.Hour // the failures before are forgotten
		r.HalfOpen(r.now)
		r.log.Reset()
		c.ReadOpen(r.send(c, c.Open()))
		message := c.RAKP1()

		begin := time.Now()
		answer := r.send(c, message)
		leak(c.Name)
		samples[i].took = time.Since(begin)
		c.LearnRAKP2(answer)
	}
	slices.SortFunc(samples, func(a, b sample) int { return int(a.took - b.took) })
	before, longer := 0, 0 // known names so far; pairs in which the unknown name took longer
	for _, s := range samples {
		if s.unknown {
			longer += before
		} else {
			before++
		}
	}
	return float64(longer) / (each * each)
}

// The file keeps the whole window: after any restart or kill the table accepts exactly the numbers that a set of all
// accepted numbers does not have, also where the numbers wrap around.
func TestWindowOutlivesTheProcess(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			r, c := inSession(t, 17)
			c.Sequence = -random.Uint32N(64) - 1
			sent := r.requireEcho(c, "first")
			top, seen := c.Sequence, map[uint32]bool{c.Sequence: true}
			for step := range 300 {
				sequence := top + uint32(random.IntN(80)-40)
				if step%75 == 74 { // half way round
					sequence = top + 0x7FFFFFF0
					clear(seen)
				}
				fresh := !seen[sequence] && sequence != 0 && int32(sequence-top) > -windowSize
				answer := r.send(c, c.Seal(sequence, []byte("x"), 1))
				require.Equal(t, fresh, answer != nil, "step %d: %#x after %#x", step, sequence, top)
				if fresh {
					seen[sequence] = true
					outbound, _ := c.Read(answer)
					require.Greater(t, outbound, sent, "step %d: a number was used twice", step)
					sent = outbound
					if int32(sequence-top) > 0 {
						top = sequence
					}
				}
				switch random.IntN(10) {
				case 0:
					r.kill()
				case 1:
					r.restart()
				}
			}
		})
	}
}
