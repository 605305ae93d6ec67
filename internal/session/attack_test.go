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

// Cipher suite 0 (CVE-2013-4782) opens a session without a password, and others open one
// that anybody on the way can read or write in. Whatever is proposed, only the two whole
// suites are agreed to.
func TestCipherZero(t *testing.T) {
	algorithms := []byte{0, 1, 2, 3, 4, 5, 0x30, 0x3F, rmcp.AnyAlgorithm}
	fits := func(proposed, has byte) bool { return proposed == has || proposed == rmcp.AnyAlgorithm }
	for _, auth := range algorithms {
		for _, integrity := range algorithms {
			for _, confidentiality := range algorithms {
				m, c := newMachine(t), console.New(t, 3)
				answer := m.send(c, c.Propose(auth, integrity, confidentiality))
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

// RAKP Message 2 carries a hash of the password (CVE-2013-4786), which the protocol
// demands. It comes with no refusal, and for a name that nobody has it is made with
// another key, in the same form.
func TestCVE_2013_4786(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		bad := map[string]func(c *console.Console){
			"long name": func(c *console.Console) { c.Name = "admin\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" },
			"no role":   func(c *console.Console) { c.Role = 0x10 },
			"bad role":  func(c *console.Console) { c.Role = 0x1F },
		}
		for name, change := range bad {
			m, c := newMachine(t), console.New(t, suite)
			c.ReadOpen(m.send(c, c.Open()))
			change(c)
			require.Len(t, m.send(c, c.RAKP1()), 16+8, name)
		}

		for _, name := range []string{"", "nobody", "Admin", "admin\x00", "oper "} {
			m, known, unknown := newMachine(t), console.New(t, suite), console.New(t, suite)
			unknown.Name, unknown.SIDm = name, 7
			for _, c := range []*console.Console{known, unknown} {
				c.ReadOpen(m.send(c, c.Open()))
			}
			right := m.send(known, known.RAKP1())
			decoy := m.send(unknown, unknown.RAKP1())
			require.Len(t, decoy, len(right))
			require.Equal(t, right[:20], decoy[:20], "everything up to the console's ID")
			require.Equal(t, right[40:56], decoy[40:56], "GUID")
			require.Equal(t, decoy, m.send(unknown, unknown.RAKP1()), "the same again, as for a name that is there")
			for _, password := range []string{"", "correct horse", "battery staple", name} {
				unknown.Password = password
				code := unknown.LearnRAKP2(decoy)
				require.NotEqual(t, code, unknown.HMAC([]byte(password), unknown.SIDm, unknown.SIDc, unknown.RM, unknown.RC,
					unknown.GUID, unknown.Role, byte(len(name)), name))
			}
		}
	})
}

// Session IDs and random numbers that can be told beforehand let an attacker guess his way
// into a session (CVE-2014-8272).
func TestCVE_2014_8272(t *testing.T) {
	const exchanges = 512
	ids, randoms := map[uint32]bool{}, map[[16]byte]bool{}
	differences := map[uint32]bool{}
	var ones [32 + 128]int
	m := newMachine(t)
	m.config.Random = crand.Reader
	m.restart()
	last := uint32(0)
	for i := range exchanges {
		c := console.New(t, 17)
		c.SIDm = uint32(i + 1)
		c.ReadOpen(m.send(c, c.Open()))
		c.ReadRAKP2(m.send(c, c.RAKP1()))
		ids[c.SIDc], randoms[c.RC], differences[c.SIDc-last] = true, true, true
		last = c.SIDc
		for bit := range 32 {
			ones[bit] += int(c.SIDc >> bit & 1)
		}
		for bit := range 128 {
			ones[32+bit] += int(c.RC[bit/8] >> (bit % 8) & 1)
		}
		m.now += halfOpenLife
		if i%64 == 0 {
			m.restart()
		}
	}
	require.Len(t, ids, exchanges)
	require.Len(t, randoms, exchanges)
	require.Len(t, differences, exchanges)
	for bit, n := range ones {
		require.InDelta(t, exchanges/2, n, 80, "bit %d", bit) // seven standard deviations
	}
}

// Whether somebody has a name cannot be told from how long RAKP Message 2 takes, not even
// without a network between. What a log line more would tell shows that this would be seen.
func TestNamesCannotBeProbedByTime(t *testing.T) {
	m := newMachine(t)
	require.InDelta(t, 0.5, chanceToTell(m, func(string) {}), 0.1)
	require.Greater(t, chanceToTell(m, func(name string) {
		if m.user(name) == nil {
			m.Log.Warn("session refused: unknown user", "user", name, "peer", "192.0.2.1:50000")
		}
	}), 0.6)
}

// chanceToTell is how often an unknown name takes longer than a known one: half of the
// time if nothing can be told. The two take turns in no order, so that whatever else the
// machine does hits both. leak is done with each RAKP Message 1.
func chanceToTell(m *machine, leak func(name string)) float64 {
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
		c := console.New(m.t, 17)
		c.SIDm = uint32(i + 1)
		if samples[i].unknown {
			c.Name = "adnim"
		}
		m.now += time.Hour // nothing is remembered of the one before
		m.HalfOpen(m.now)
		m.log.Reset()
		c.ReadOpen(m.send(c, c.Open()))
		message := c.RAKP1()

		begin := time.Now()
		answer := m.send(c, message)
		leak(c.Name)
		samples[i].took = time.Since(begin)
		c.LearnRAKP2(answer)
	}
	slices.SortFunc(samples, func(a, b sample) int { return int(a.took - b.took) })
	before, longer := 0, 0 // known ones so far; pairs in which the unknown one took longer
	for _, s := range samples {
		if s.unknown {
			longer += before
		} else {
			before++
		}
	}
	return float64(longer) / (each * each)
}

// What the file keeps of the window is the window: a set of all numbers that were accepted
// says what is a replay, around the end of the numbers and through any death of the process.
func TestWindowOutlivesTheProcess(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			m, c := inSession(t, 17)
			c.Sequence = -random.Uint32N(64) - 1
			sent := m.requireEcho(c, "first")
			top, seen := c.Sequence, map[uint32]bool{c.Sequence: true}
			for step := range 300 {
				sequence := top + uint32(random.IntN(80)-40)
				if step%75 == 74 { // it comes round
					sequence = top + 0x7FFFFFF0
					clear(seen)
				}
				fresh := !seen[sequence] && sequence != 0 && int32(sequence-top) > -windowSize
				answer := m.send(c, c.Seal(sequence, []byte("x"), 1))
				require.Equal(t, fresh, answer != nil, "step %d: %#x after %#x", step, sequence, top)
				if fresh {
					seen[sequence] = true
					outbound, _ := c.Read(answer)
					require.Greater(t, outbound, sent, "step %d: no number twice", step)
					sent = outbound
					if int32(sequence-top) > 0 {
						top = sequence
					}
				}
				switch random.IntN(10) {
				case 0:
					m.kill()
				case 1:
					m.restart()
				}
			}
		})
	}
}
