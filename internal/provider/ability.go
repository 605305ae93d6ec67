package provider

// An Ability is something that clients can ask a BMC for, in one word. A provider has it if it has
// all of its verbs.
type Ability struct {
	Name  string // in lower case, as in the columns of "shipmi providers"
	Means string // what clients can do
	Verbs []Verb
}

// Abilities lists them in the order in which tables show them.
var Abilities = []Ability{
	{"power", "switch the machine on and off", []Verb{On, Off}},
	{"soft", "ask the guest to shut down", []Verb{Shutdown}},
	{"reset", "restart the machine at once", []Verb{Reset}},
	{"nmi", "send a diagnostic interrupt (NMI)", []Verb{Diag}},
	{"boot", "choose the device that the machine boots from", []Verb{BootSet}},
	{"console", "use the serial console", []Verb{Connect}},
	{"media", "insert the image of a CD", []Verb{MediaInsert, MediaEject}},
	{"sensors", "read sensors of the machine", []Verb{SensorsGet}},
}

// Can reports whether the provider has all verbs of an ability.
func (p *Provider) Can(a Ability) bool {
	for _, v := range a.Verbs {
		if !p.Has(v) {
			return false
		}
	}
	return true
}
