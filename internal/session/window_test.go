package session

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWindow(t *testing.T) {
	type step struct {
		seq  uint32
		want bool
	}
	for name, steps := range map[string][]step{
		"0 is never accepted":      {{0, false}, {1, true}, {0, false}},
		"any first number":         {{0xFFFF0000, true}, {0xFFFF0001, true}},
		"each once":                {{1, true}, {1, false}, {2, true}, {2, false}, {1, false}},
		"out of order":             {{5, true}, {3, true}, {4, true}, {3, false}, {4, false}, {5, false}, {6, true}},
		"32 wide":                  {{100, true}, {69, true}, {69, false}, {68, false}},
		"behind the first":         {{40, true}, {9, true}, {8, false}},
		"ipmitool jumps ahead":     {{3, true}, {60, true}, {3, false}, {59, true}, {28, false}, {29, true}},
		"as far ahead as there is": {{1, true}, {0x80000000, true}, {1, false}},
		"half way round is behind": {{1, true}, {0x80000001, false}},
		"wrap":                     {{0xFFFFFFFE, true}, {0xFFFFFFFF, true}, {1, true}, {2, true}, {0xFFFFFFFF, false}, {0, false}},
		"wrap, late":               {{1, true}, {0xFFFFFFFF, true}, {0xFFFFFFFF, false}, {0xFFFFFFE2, true}, {0xFFFFFFE1, false}},
		"a jump of the window":     {{1, true}, {33, true}, {2, true}, {1, false}},
		"a jump of more than it":   {{1, true}, {34, true}, {3, true}, {2, false}},
		"a jump of one bit less":   {{2, true}, {33, true}, {2, false}, {3, true}},
	} {
		t.Run(name, func(t *testing.T) {
			var w window
			for i, s := range steps {
				require.Equal(t, s.want, w.accept(s.seq), "step %d: %#x", i, s.seq)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		accepted []uint32
		want     int
	}{
		"nothing":               {nil, 0},
		"before the first":      {[]uint32{40}, 0},
		"none":                  {[]uint32{40, 41}, 0},
		"two":                   {[]uint32{40, 43}, 2},
		"one came late":         {[]uint32{40, 43, 42}, 0},
		"the other came late":   {[]uint32{40, 43, 41}, 1},
		"as many as it is wide": {[]uint32{40, 71}, 30},
		"more":                  {[]uint32{40, 72}, 0},
	} {
		var w window
		for _, seq := range tt.accepted {
			require.True(t, w.accept(seq))
		}
		require.Equal(t, tt.want, w.missing(), name)
	}
}

// The window accepts the same numbers as a set of all accepted numbers.
func FuzzWindow(f *testing.F) {
	f.Add(uint32(1), []byte{1, 1, 0xFF, 1, 1})
	f.Add(uint32(0xFFFFFFF0), []byte{1, 20, 0xF0, 40, 0xE0, 0xE1, 0xDF, 1})
	f.Add(uint32(0), []byte{0, 1, 127, 0x80})
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		moves := make([]byte, 100)
		for i := range moves {
			moves[i] = byte(random.IntN(80) - 40)
		}
		f.Add(-random.Uint32N(64), moves)
	}
	f.Fuzz(func(t *testing.T, seq uint32, moves []byte) {
		var w window
		var top uint32
		seen := map[uint32]bool{}
		for i, move := range moves {
			ahead := int32(seq - top)
			want := seq != 0 && !seen[seq] && (len(seen) == 0 || ahead > -windowSize)
			require.Equal(t, want, w.accept(seq), "move %d: %#x after %#x", i, seq, top)
			if want && (len(seen) == 0 || ahead > 0) {
				top = seq
			}
			if want {
				seen[seq] = true
			}
			seq = top + uint32(int8(move))
		}
	})
}

func TestNext(t *testing.T) {
	require.Equal(t, uint32(1), next(0))
	require.Equal(t, uint32(0xFFFFFFFF), next(0xFFFFFFFE))
	require.Equal(t, uint32(1), next(0xFFFFFFFF))
}
