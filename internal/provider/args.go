package provider

// Args is what the script of an action is told besides its verb.
type Args struct {
	Boot  Boot  // of BootSet: the boot device to set; of On, Cycle and Reset: the one in force
	Light Light // of Identify
}

// A Light is what "chassis identify" does with the light that marks the managed machine in its rack.
type Light struct {
	On      bool
	Seconds int // how long it stays on; 0: until it is switched off
}
