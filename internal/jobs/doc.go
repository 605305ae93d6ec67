// Package jobs is the table of what runs and of what ran lately: one action at a time,
// questions beside it, and all clients that asked. It recognizes a retransmission, so that
// a request runs once however often it arrives, also across the death of the process.
//
// The package is pure: it starts no script and reads no clock. Times are arguments, in
// time since the boot of the host. The functions in a [Table] do what must happen outside.
// A Table is not safe for concurrent use.
//
// [Table.Receive] says whether a request is new or repeats the request of a job. [Table.Submit]
// makes a job of a new request. With [Table.Join], a repeated request waits for the outcome of
// its job. Start reading there; the rule that tells the two apart is [Caller.repeats].
//
// On the wire, a client that wants a second run may look like a client that retransmits. Then
// the script runs once. After the first run has ended, a client gets a second run if it has sent
// a different request in between, each after the answer to the one before, or if more than 5 s
// have passed for each packet number since its latest packet. A process that was killed may not
// know that its client has sent another request in between.
//
// A client of HTTP does not number its requests. [Table.Owed] returns the job that such a client
// asked for last, until an answer has left: the client's next request for the same joins that
// job. [Table.Delivered] notes that an answer has left, also in the action file. Three things
// remain. An answer that is lost on the wire after it left counts, so the repetition runs again.
// A process that is killed just after an answer left, or that answers while it ends, does not
// note the answer, so a second request within [RepeatHold] gets the first outcome. A caller that
// the disk cannot keep is answered, and its repetition runs again if the process dies first.
//
// A job that waits for its turn may be promised to a client of HTTP once its action file is there:
// see [Call]. From then on it runs once, in whichever process, or its action file says why not
// before a client learns that.
//
// A job that did nothing may be asked for again at once: a packet with a higher number than the
// refused one is a new request, also if the client sent it before it saw the refusal. A packet
// with a lower number gets the refusal again.
//
// The tests simulate clients, a network that loses and delays packets, and the death of the
// process at every step. "go test ./internal/jobs -seed N" prints what happens under one seed.
package jobs
