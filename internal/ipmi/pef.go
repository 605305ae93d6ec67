package ipmi

import "encoding/binary"

// Platform event filtering (IPMI 2.0 §30): there are no filters and no alerts. The
// commands say so, so that "ipmitool pef" ends without an error.

// The parameters of Get PEF Configuration Parameters (§30.4, table 30-6).
const (
	pefSetInProgress = 0
	pefControl       = 1
	pefActions       = 2
	pefFilterCount   = 5
	pefPolicyCount   = 8
	pefSystemGUID    = 10
	pefStringCount   = 11
)

const (
	pefVersion = 0x51 // 1.5, low digit first
	guidLen    = 16
)

// getPEFCapabilities reports no actions and no filters (§30.1).
func getPEFCapabilities(*BMC, *Request) Answer { return done(pefVersion, 0, 0) }

// getPEFConfiguration reports that everything is disabled. The GUID is 0 too: clients
// then ask for the system's.
func getPEFConfiguration(_ *BMC, r *Request) Answer {
	if r.Data[0]&revisionOnly != 0 {
		return done(parameterRevision)
	}
	switch r.Data[0] {
	case pefSetInProgress, pefControl, pefActions, pefFilterCount, pefPolicyCount, pefStringCount:
		return done(parameterRevision, 0)
	case pefSystemGUID:
		return done(append([]byte{parameterRevision, 0}, make([]byte, guidLen)...)...)
	}
	return reply(UnsupportedParameter)
}

// getLastProcessedEventID describes the last entry of the event log (§30.6). Events are
// neither processed by software nor by the BMC, so these IDs are 0.
func getLastProcessedEventID(b *BMC, _ *Request) Answer {
	l := &b.Machine.State.Events
	added, last := l.Added, uint16(lastRecord)
	if added == 0 {
		added = unspecifiedTime
	}
	if n := len(l.Entries); n > 0 {
		last = l.Entries[n-1].ID
	}
	data := binary.LittleEndian.AppendUint32(nil, added)
	data = binary.LittleEndian.AppendUint16(data, last)
	return done(append(data, 0, 0, 0, 0)...)
}
