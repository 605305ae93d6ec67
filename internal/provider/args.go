package provider

// Args is what an action is told beside its verb.
type Args struct {
	Boot  Boot  // for BootSet: what to set; for On, Cycle and Reset: what is in force
	Light Light // for Identify
}

// A Light is what "chassis identify" asks of the light that marks a machine for somebody who looks for it.
type Light struct {
	On      bool
	Seconds int // how long it stays on; 0: until told otherwise
}
