package provider

import "time"

// Args is what the script of an action is told besides its verb.
type Args struct {
	Boot  Boot     // of BootSet: the boot device to set; of On, Cycle and Reset: the one in force
	Light Light    // of Identify
	Media Media    // of MediaInsert
	Data  string   // of an IPMI command: the data of the request, in hex
	Entry LogEntry // of EventsAdded
	// Remember is set if BootGet must be asked before BootSet sets the boot device, and its answer kept.
	Remember bool
	// Former is the boot device that must be set again before On, Cycle or Reset starts the machine. Without a device
	// there is none.
	Former Boot
	// GoingDown is how long On waits for a guest that was asked to shut down and may still be doing so. 0: there is none.
	GoingDown time.Duration
}

// MediaCD is the drive that images are inserted into, in the words that scripts read: one for CDs and DVDs.
const MediaCD = "cd"

// A Media is an image that MediaInsert inserts.
type Media struct {
	// URL has passed media.Rule. It came from a network client, so it reaches scripts in their environment only, never in
	// their text.
	URL            string
	WriteProtected bool
	Verify         bool   // the certificate of the server must be valid
	Login          string // names the file with the login of the server, see package media; empty: there is none
}

// A LogEntry is an entry of the event log, as scripts are told of it.
type LogEntry struct {
	ID     uint16
	Time   uint32 // in seconds since 1970
	What   string // the word of ShIPMI for the event; "record" for an entry that a client has added
	Record string // the record in hex, as IPMI has it
}

// A Light is what "chassis identify" does with the light that marks the managed machine in its rack.
type Light struct {
	On      bool
	Seconds int // how long it stays on; 0: until it is switched off
}
