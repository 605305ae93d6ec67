// Package machine is the managed system and its BMC, in no protocol's words: power,
// the boot override, identification, the watchdog, sensors, the event log, and what follows when
// an action has ended. A front translates bytes into an [Intent] or a call of a method,
// and translates the [Outcome] back.
//
// The package is pure. It runs no script, reads no clock and writes no file: time
// arrives as a [Moment], a [Script] says what must run, and the owner of the [Machine]
// saves its [State] when [Machine.Generation] has changed. A Machine is not safe for
// concurrent use.
//
// Start reading at [Machine.Plan], which says what an intent means.
package machine
