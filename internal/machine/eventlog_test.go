package machine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func ids(m *Machine) (all []uint16) {
	for _, e := range m.State.Events.Entries {
		all = append(all, e.ID)
	}
	return all
}

func TestEventLog(t *testing.T) {
	m, _ := newMachine()
	record := []byte{1, 2, 3}
	require.Equal(t, uint16(1), m.AddRecord(record, start))
	record[0] = 9
	require.Equal(t, []byte{1, 2, 3}, m.State.Events.Entries[0].Record, "a copy")
	m.AddRecord(record, start)
	m.AddRecord(record, start)
	m.DeleteEntry(1, start.later(time.Second))
	require.Equal(t, []uint16{1, 3}, ids(m))
	require.Equal(t, uint32(start.Clock.Unix()), m.State.Events.Added)
	require.Equal(t, uint32(start.Clock.Unix()+1), m.State.Events.Erased)
	require.Equal(t, MaxEvents-2, m.State.Events.Free())

	m.Update(func(s *State) { s.Events.Ahead, s.Events.UTCOffset = 100, 60 })
	additions := m.State.Events.Additions
	m.ClearEvents(start)
	require.Equal(t, EventLog{
		Entries:   []Entry{{ID: 1, Time: uint32(start.Clock.Unix() + 100), Event: Event{Kind: EventLogCleared}}},
		Last:      1,
		Added:     uint32(start.Clock.Unix() + 100),
		Erased:    uint32(start.Clock.Unix() + 100),
		Ahead:     100,
		UTCOffset: 60,
		Additions: additions + 1,
	}, m.State.Events)
}

func TestFullEventLog(t *testing.T) {
	m, _ := newMachine()
	for range MaxEvents {
		m.AddRecord(nil, start)
	}
	require.False(t, m.State.Events.Overflow)
	require.Zero(t, m.State.Events.Free())
	require.Equal(t, uint16(MaxEvents+1), m.AddRecord(nil, start))
	require.True(t, m.State.Events.Overflow)
	require.Len(t, ids(m), MaxEvents)
	require.Equal(t, uint16(2), ids(m)[0])
}

// After the last ID comes the first that no entry has.
func TestEntryIDsWrap(t *testing.T) {
	m, _ := newMachine()
	m.AddRecord(nil, start)
	m.Update(func(s *State) { s.Events.Last = lastEntryID - 1 })
	require.Equal(t, uint16(lastEntryID), m.AddRecord(nil, start))
	require.Equal(t, uint16(2), m.AddRecord(nil, start))
}

// A state that was handed out does not change with the machine.
func TestStatesAreIndependent(t *testing.T) {
	m, _ := newMachine()
	m.AddRecord([]byte{1}, start)
	m.AddRecord([]byte{2}, start)
	m.SetNote("front a", []byte{1})
	saved, generation := m.State, m.Generation
	text := []any{ids(m), len(saved.Notes)}
	m.DeleteEntry(0, start)
	m.AddRecord([]byte{3}, start)
	m.SetNote("front b", []byte{2})
	require.Equal(t, []byte{1}, saved.Events.Entries[0].Record)
	require.Len(t, saved.Notes, 1)
	require.Greater(t, m.Generation, generation)
	m.Revert(saved)
	require.Equal(t, text, []any{ids(m), len(m.State.Notes)})

	generation = m.Generation
	m.SetNote("front a", []byte{1})
	require.Equal(t, generation, m.Generation, "nothing has changed")
}
