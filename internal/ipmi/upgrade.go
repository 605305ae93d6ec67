package ipmi

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/rmcp"
)

// The state file of version 1 held the IPMI view of the machine. The structs below are
// copies of the structs of version 1, and never change.

type stateV1 struct {
	Boot       bootV1     `json:"boot"`
	PowerFault bool       `json:"power_fault"`
	PoweredOn  bool       `json:"powered_on"`
	Restore    byte       `json:"restore"`
	HostBoot   string     `json:"host_boot"`
	Cause      byte       `json:"cause"`
	PowerOn    powerOnV1  `json:"power_on"`
	Identify   identifyV1 `json:"identify"`
	Watchdog   watchdogV1 `json:"watchdog"`
	SEL        selV1      `json:"sel"`
}

type bootV1 struct {
	Parameters [bootParameters]struct {
		Data    []byte `json:"data"`
		Invalid bool   `json:"invalid"`
	} `json:"parameters"`
	FlagsSet time.Duration `json:"flags_set"`
}

type powerOnV1 struct {
	Total time.Duration `json:"total"`
	Since time.Time     `json:"since"`
}

type identifyV1 struct {
	Forced bool          `json:"forced"`
	Until  time.Duration `json:"until"`
}

type watchdogV1 struct {
	Use      byte          `json:"use"`
	Actions  byte          `json:"actions"`
	Expired  byte          `json:"expired"`
	Initial  uint16        `json:"initial"`
	Deadline time.Duration `json:"deadline"`
	Running  bool          `json:"running"`
}

type selV1 struct {
	Records   []string `json:"records"` // in hex
	Last      uint16   `json:"last"`
	Overflow  bool     `json:"overflow"`
	Added     uint32   `json:"added"`
	Erased    uint32   `json:"erased"`
	Ahead     int64    `json:"ahead"`
	UTCOffset int16    `json:"utc_offset"`
}

// UpgradeState reads the JSON of a state that version 1 wrote. The state does not say
// in which boot of the host it was written.
func UpgradeState(text []byte) (machine.State, error) {
	var old stateV1
	if err := json.Unmarshal(text, &old); err != nil {
		return machine.State{}, fmt.Errorf("state of version 1: %w", err)
	}
	log, err := old.SEL.upgrade()
	if err != nil {
		return machine.State{}, fmt.Errorf("state of version 1: %w", err)
	}
	s := machine.State{
		Override:   old.Boot.override(),
		PowerFault: old.PowerFault,
		PoweredOn:  old.PoweredOn,
		Restore:    machine.RestorePolicy(old.Restore),
		RestoredIn: old.HostBoot,
		PowerOn:    machine.PowerOnTime(old.PowerOn),
		Identify:   machine.Identify(old.Identify),
		Watchdog:   old.Watchdog.upgrade(),
		Events:     log,
		Notes:      old.Boot.notes(),
	}
	for cause, number := range restartCauses {
		if number == old.Cause {
			s.Cause = cause
		}
	}
	return s, nil
}

func (b bootV1) override() machine.Override {
	flags, clearing := b.Parameters[bootFlags], b.Parameters[bootClearing].Data
	o := machine.Override{
		Masked: flags.Invalid,
		Set:    b.FlagsSet,
		Keep:   len(clearing) > 0 && clearing[0]&keepFlags != 0,
	}
	if len(flags.Data) == flagsLen {
		o.Boot, _ = decodeFlags(flags.Data)
		o.Valid = flags.Data[0]&flagsValid != 0
	}
	return o
}

func (b bootV1) notes() map[string][]byte {
	notes := map[string][]byte{}
	for number, p := range b.Parameters {
		if number != bootFlags && (p.Invalid || len(p.Data) > 0) {
			notes[noteName(byte(number))] = bootNote{p.Invalid, p.Data}.encode()
		}
	}
	return notes
}

func (w watchdogV1) upgrade() machine.Watchdog {
	upgraded := machine.Watchdog{
		Use:       machine.WatchdogUse(w.Use & useMask),
		Quiet:     w.Use&useNoLog != 0,
		Expired:   w.Expired,
		Countdown: time.Duration(w.Initial) * watchdogStep,
		Deadline:  w.Deadline,
		Running:   w.Running,
	}
	if int(w.Actions) < len(timerActions) {
		upgraded.Action = timerActions[w.Actions]
	}
	return upgraded
}

func (l selV1) upgrade() (machine.EventLog, error) {
	log := machine.EventLog{
		Last: l.Last, Overflow: l.Overflow, Added: l.Added, Erased: l.Erased, Ahead: l.Ahead, UTCOffset: l.UTCOffset,
	}
	for _, text := range l.Records {
		record, err := hex.DecodeString(text)
		if err != nil || len(record) != selRecordLen {
			return machine.EventLog{}, fmt.Errorf("event log: %q: want %d bytes in hex", text, selRecordLen)
		}
		log.Entries = append(log.Entries, entryOf(record))
	}
	return log, nil
}

// entryOf is the entry for a record of version 1: an event of the machine, or the record
// of a client.
func entryOf(record Record) machine.Entry {
	e := machine.Entry{ID: record.id()}
	if record[2] < recordUntimed {
		e.Time = binary.LittleEndian.Uint32(record[recordTimeStart:])
	}
	isEvent := func(happened machine.Event) bool {
		return bytes.Equal(record, SELRecord(machine.Entry{ID: e.ID, Time: e.Time, Event: happened}))
	}
	if i := slices.IndexFunc(eventsV1, isEvent); i >= 0 {
		e.Event = eventsV1[i]
	} else {
		e.Record = record
	}
	return e
}

// eventsV1 are the events that version 1 could log.
var eventsV1 = func() (all []machine.Event) {
	for kind := range events {
		all = append(all, machine.Event{Kind: kind})
	}
	for use := machine.UseFirmwareTest; use <= machine.UseOEM; use++ {
		for _, action := range timerActions {
			all = append(all, machine.Event{Kind: machine.EventWatchdog, Use: use, Action: action})
		}
	}
	return all
}()

// UpgradeRequest reads the request in an action file that version 1 wrote: what the
// request asks for, and the key of its content.
func UpgradeRequest(text json.RawMessage) (machine.Intent, uint64, error) {
	var old struct {
		NetFn, RsLUN, Cmd byte
		Data              []byte
	}
	if err := json.Unmarshal(text, &old); err != nil {
		return machine.Intent{}, 0, fmt.Errorf("action of version 1: %w", err)
	}
	r := rmcp.Request{NetFn: rmcp.NetFn(old.NetFn), RsLUN: old.RsLUN, Cmd: old.Cmd, Data: old.Data}
	intent, ok := intentOf(r)
	if !ok {
		return machine.Intent{}, 0, fmt.Errorf("action of version 1: %#02x/%#02x % x is no action", old.NetFn, old.Cmd, old.Data)
	}
	return intent, Key(r), nil
}

func intentOf(r rmcp.Request) (machine.Intent, bool) {
	c := Lookup(r)
	if c == nil || c.NetFn != chassis || len(r.Data) < c.MinLen || len(r.Data) > c.MaxLen {
		return machine.Intent{}, false
	}
	switch c.Cmd {
	case chassisControlCmd:
		return controlIntent(r.Data)
	case chassisIdentifyCmd:
		return identifyIntent(r.Data)
	case setSystemBootOptionsCmd:
		if r.Data[0] == bootFlags && len(r.Data) == 1+flagsLen {
			boot, ok := decodeFlags(r.Data[1:])
			return *bootIntent(boot), ok
		}
	}
	return machine.Intent{}, false
}
