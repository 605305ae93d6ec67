// Package jobs is the table of what runs and of what ran lately: one action at a time,
// questions beside it, and all clients that asked. It recognizes a retransmission, so that
// a request runs once however often it arrives, also across the death of the process.
//
// The package is pure: it starts no script and reads no clock. Times are arguments, in
// time since the boot of the host. The functions in a [Table] do what must happen outside.
// A Table is not safe for concurrent use.
//
// A request passes [Table.Receive], which says whether it is new or a job's request
// again. A new one becomes a job by [Table.Submit], a job's request again waits for the
// outcome by [Table.Join]. Start reading there; the rule that tells the two apart is
// [Caller.repeats].
//
// On the wire, a second request for the same can look like a retransmission. Then it runs
// once. A client gets a second run if it sends another request in between and has the answers
// to both, or if it waits for more than 5 s for each packet number since its latest packet. A
// process that was killed may not know that its client has sent another request in between.
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
// A job that did nothing may be asked for again at once. So a retransmission that was on its
// way when its client was refused may still be carried out.
//
// The tests simulate clients, a network that loses and delays packets, and the death of the
// process at every step. "go test ./internal/jobs -seed N" prints what happens under one seed.
package jobs
