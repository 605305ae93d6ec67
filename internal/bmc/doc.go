// Package bmc is one BMC while its process runs. A [BMC] owns the state, the table of
// jobs, the clock and the idle exit; every front and every worker enters through it.
//
// How a datagram travels, here "ipmitool power reset":
//
//  1. systemd has bound the socket. [BMC.Run] waits in lan.Server.Wait, without the lock,
//     takes the lock and calls lan.Server.Serve.
//  2. lan unwraps the packet: session.Table.Receive checks it and saves its number.
//  3. jobs.Table.Receive says whether the request is new. A retransmission waits for its
//     job's outcome, or gets it at once.
//  4. ipmi.BMC.Handle translates a new request, once: into an answer, or into a
//     machine.Intent, or into a question to the provider.
//  5. jobs.Table.Submit has the intent wait for its turn, then calls [BMC.start].
//  6. A worker loads the provider, enters to ask machine.Machine.Plan what the intent means,
//     writes the action file, enters to report jobs.Table.Begin, and runs the script. The lock
//     is free while the worker reads and writes files, and while the script runs.
//  7. The worker enters again: the script's result becomes a machine.Outcome and changes
//     the state. The state is saved and the answer line written, without the lock.
//  8. jobs.Table.End answers everybody who waits. For lan, ipmi.Respond translates the
//     outcome, session.Table.Seal wraps the answer, and the socket sends it.
//
// A [Companion] is a front that has goroutines of its own, such as package https. Its requests
// enter by [BMC.Enter] instead of step 1, and pass steps 3 to 8 in the same way.
//
// The package takes its clock, its files and its scripts from the caller and knows no
// protocol. Start reading at [BMC.Run] and [BMC.Enter].
package bmc
