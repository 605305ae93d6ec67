package console

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
)

func TestNothingHappensBeforeItIsOnDisk(t *testing.T) {
	r := opened(t)
	r.prints(fill(255))
	r.took()
	r.Receive(alice, 1, rmcp.SOL{Number: 1, Acked: 1, Accepted: 255, Data: []byte("x")}, r.now)
	r.Receive(alice, 2, rmcp.SOL{Number: 2, Flags: rmcp.SOLBreak}, r.now)
	for range 3 {
		require.Empty(t, r.Packets(r.now))
		require.Empty(t, r.Typed())
		require.False(t, r.Break())
		require.NotNil(t, r.Unsaved(r.now), "the disk is full")
	}
	r.settle()
	r.requireSent(alice, ack(2, 0))
	require.Equal(t, "x", string(r.typed))
	require.True(t, r.Break())
}

func TestALineAtRestIsNotSavedAgain(t *testing.T) {
	r := opened(t)
	r.settle()
	writes := r.writes
	r.pass(time.Hour)
	require.Equal(t, writes, r.writes)
}

func TestAfterARestartThePacketUnderWayIsRepeatedUnderItsNumber(t *testing.T) {
	r := opened(t)
	r.prints(fill(300))
	r.requireSent(alice, data(1, fill(255)))
	r.restart()
	r.pass(quietTime - 1)
	require.Empty(t, r.took())
	r.pass(1)
	r.requireSent(alice, data(1, fill(255)))
	r.from(alice, ack(1, 255))
	r.pass(60 * time.Millisecond)
	r.requireSent(alice, data(2, fill(300)[255:]))
}

// ipmitool takes output for the acknowledgment of a packet that died with the process.
func TestAfterARestartNoOutputIsSentUntilThePacketThatWasLostComesAgain(t *testing.T) {
	r := opened(t)
	r.settle()
	r.Receive(alice, 1, data(1, "x"), r.now)
	r.restart()
	r.prints(fill(255))
	r.pass(time.Second)
	require.Empty(t, r.took())
	r.sequence = 1
	r.from(alice, data(2, "x"))
	r.requireSent(alice, rmcp.SOL{Number: 1, Acked: 2, Accepted: 1, Data: []byte(fill(255))})
	require.Equal(t, "x", string(r.typed))
}

func TestAfterARestartARepetitionIsNotTypedAgain(t *testing.T) {
	r := opened(t)
	r.from(alice, data(1, "x"))
	r.took()
	r.restart()
	r.from(alice, data(1, "x"))
	r.requireSent(alice, ack(1, 1))
	require.Equal(t, "x", string(r.typed))
}

// The process may have died between the save and the acknowledgment, and ipmitool types
// again after a second.
func TestAfterARestartTheLastPacketIsAcknowledgedAgain(t *testing.T) {
	r := opened(t)
	r.from(alice, data(5, "x"))
	r.took()
	r.restart()
	r.settle()
	r.requireSent(alice, ack(5, 1))
}

func TestAfterARestartCharactersThatWereNotTypedAreTyped(t *testing.T) {
	r := opened(t)
	r.deaf = true
	r.from(alice, data(1, "wait"))
	r.restart()
	r.deaf = false
	r.settle()
	require.Equal(t, "wait", string(r.typed))
}

func TestAProcessThatDiesBeforeItTypesNeverTypesTwice(t *testing.T) {
	r := opened(t)
	r.deaf = true
	r.from(alice, data(1, "x"))
	require.Equal(t, "x", string(r.Typed()))
	r.restart()
	r.settle()
	require.Empty(t, r.Typed())
}

func TestCharactersThatTheTerminalDidNotTakeAreTypedLater(t *testing.T) {
	r := opened(t)
	r.deaf = true
	r.from(alice, data(1, "abcdef"))
	require.Equal(t, "abcdef", string(r.Typed()))
	r.Untyped(4)
	require.Equal(t, "cdef", string(r.Typed()))
}

func TestAPacketThatWasNotSavedIsNew(t *testing.T) {
	r := opened(t)
	r.settle()
	r.Receive(alice, 1, data(1, "x"), r.now)
	r.restart()
	r.settle()
	require.Empty(t, r.typed)
	r.from(alice, data(1, "x"))
	require.Equal(t, "x", string(r.typed))
}

func TestAScriptThatEndedBeforeTheSaveLeavesAFileThatCanBeRead(t *testing.T) {
	r := opened(t)
	r.settle()
	r.Receive(alice, 1, data(1, "x"), r.now)
	r.Disconnect()
	r.restart()
	r.from(alice, data(1, "y"))
	require.Equal(t, "y", string(r.typed))
}

// The process was killed after the read of the terminal had returned into Room, and before
// Printed.
func TestOutputThatWasReadAndNotReportedIsFound(t *testing.T) {
	for _, before := range []int{0, 10, ringLen - 4096, ringLen - 100, ringLen, ringLen + 5} {
		r := newRig(t)
		for n := before; n > 0; n -= min(n, readLen) {
			r.prints(fill(min(n, readLen)))
		}
		n := copy(r.Room(), "half a line")
		r.settle()
		r.restart()
		log := r.Log()
		require.True(t, strings.HasSuffix(string(log[0])+string(log[1]), "half a line"[:n]), before)
		require.Equal(t, uint64(before+n), r.output.end())
		require.Empty(t, strings.Trim(string(r.output.room()), "\x00"))
	}
}

// largest returns a line with the longest saved state.
func largest(t *testing.T) *rig {
	r := newRig(t)
	r.Replay = true
	open := func(instance int, session uint32) {
		c := client(session)
		c.User = strings.Repeat("u", 16)
		c.Peer = netip.MustParseAddrPort("[fe80:1111:2222:3333:4444:5555:6666:7777%interface-abcde]:40000")
		c.Local = c.Peer
		require.Equal(t, Granted, r.Activate(instance, c, r.now))
	}
	for round := range uint32(2) {
		r.prints(fill(4096))
		for i := range uint32(Instances) {
			session := 1 + i + round*Instances
			if round > 0 {
				c := client(session)
				c.User = strings.Repeat("v", 16)
				c.Peer = netip.MustParseAddrPort("[fe80:1111:2222:3333:4444:5555:6666:7777%interface-abcde]:40000")
				r.Deactivate(int(i)+1, c, r.now)
			}
			open(int(i)+1, session)
		}
		r.pass(20 * time.Millisecond)
		for i := range uint32(Instances) {
			r.from(1+i+round*Instances, data(1, "x"))
		}
	}
	return r
}

func TestTheLargestStateFitsIntoAPage(t *testing.T) {
	r := largest(t)
	require.Len(t, r.Sessions(), maxPayloads)
	require.Contains(t, string(r.disk), "vvvvvvvvvvvvvvvv from fe80")
	before := slices.Clone(r.payloads)
	r.restart()
	for i, p := range r.payloads {
		require.Equal(t, before[i].Payload, p.Payload)
		require.Equal(t, before[i].unacked, p.unacked)
		require.Equal(t, before[i].notice, p.notice)
		require.Equal(t, before[i].closing, p.closing)
	}
	r.encode()
	require.Equal(t, r.disk[:checksumAt], r.page[:checksumAt])
}

// seal gives a page that was changed its checksum.
func seal(page []byte) []byte {
	binary.LittleEndian.PutUint32(page[checksumAt:], crc32.ChecksumIEEE(page[:checksumAt]))
	return page
}

func TestRestoreRefuses(t *testing.T) {
	r := opened(t)
	r.settle()
	good := slices.Clone(r.disk)
	for name, tt := range map[string]struct {
		saved []byte
		now   time.Duration
		want  error
	}{
		"nothing":          {nil, r.now, errVersion},
		"zeros":            {make([]byte, SavedLen), r.now, errVersion},
		"half a page":      {good[:SavedLen/2], r.now, errVersion},
		"another version":  {seal(append([]byte("shipmi console 9\n"), good[len(savedMagic):]...)), r.now, errVersion},
		"a changed byte":   {append(slices.Clone(good[:100]), append([]byte{good[100] ^ 1}, good[101:]...)...), r.now, errDamaged},
		"a later boot":     {good, time.Minute, errBoot},
		"too much typed":   {seal(append(binary.LittleEndian.AppendUint64(slices.Clone(good[:17]), ringLen+1), good[25:]...)), r.now, errDamaged},
		"too many clients": {seal(append(append(slices.Clone(good[:45]), 9), good[46:]...)), r.now, errDamaged},
		"an instance of 0": {seal(append(append(slices.Clone(good[:46]), 0), good[47:]...)), r.now, errDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Restore(tt.saved, make([]byte, StorageLen), r.Settings, tt.now)
			require.ErrorIs(t, err, tt.want)
		})
	}
	_, err := Restore(good, make([]byte, StorageLen-1), r.Settings, r.now)
	require.ErrorIs(t, err, errVersion)
}

// Whatever a file holds, a line that was restored works and saves itself again.
func FuzzRestore(f *testing.F) {
	var t testing.T
	for _, r := range []*rig{opened(&t), largest(&t)} {
		r.settle()
		f.Add(slices.Clone(r.disk[len(savedMagic):]), []byte{16, 0, 1, 0, 0, 0, 0, 0, 3})
	}
	f.Fuzz(func(t *testing.T, fields, counters []byte) {
		page := make([]byte, SavedLen)
		copy(page[copy(page, savedMagic):], fields)
		r := newRig(t)
		copy(r.storage, counters)
		line, err := Restore(seal(page), r.storage, r.Settings, r.now)
		if err != nil || line.output.end() > maxPosition/2 {
			return
		}
		line.Heard = r.Heard
		r.Line = line
		r.Connect()
		r.prints(fill(min(100, len(r.Room()))))
		for _, session := range r.Sessions() {
			r.from(session, data(3, "x"))
		}
		r.pass(10 * time.Second)
		for instance := 1; instance <= Instances; instance++ {
			r.Deactivate(instance, client(alice), r.now)
			r.activate(instance, uint32(instance)|0xF000_0000)
		}
		r.prints(fill(min(100, len(r.Room()))))
		r.pass(time.Minute)
		r.restart()
	})
}
