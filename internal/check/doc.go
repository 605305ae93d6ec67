// Package check tries the scripts of a provider one by one, as the process of a BMC runs
// them, and reports what each printed, how it ended, and what a client would see. It can do
// so in a transient systemd unit, with the settings of the BMC. It does not know which
// settings these are, and prints nothing. Start reading at Check.Queries, then Check.Power;
// Job is the way into a unit.
package check
