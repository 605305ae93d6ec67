package provider

import "time"

// Args is what the script of an action is told besides its verb.
type Args struct {
	Boot  Boot  // of BootSet: the boot device to set; of On, Cycle and Reset: the one in force
	Light Light // of Identify
	// Remember is set if BootGet must be asked before BootSet sets the boot device, and its answer kept.
	Remember bool
	// Former is the boot device that must be set again before On, Cycle or Reset starts the machine. Without a device
	// there is none.
	Former Boot
	// GoingDown is how long On waits for a guest that was asked to shut down and may still be doing so. 0: there is none.
	GoingDown time.Duration
}

// A Light is what "chassis identify" does with the light that marks the managed machine in its rack.
type Light struct {
	On      bool
	Seconds int // how long it stays on; 0: until it is switched off
}
