// Package console is the console line of one BMC: the Serial over LAN payloads of its
// clients on one side, the console script on the other, and the last 60 KiB of output
// between them.
//
// The package is pure. It opens no file, starts no script, sends nothing and reads no
// clock. Time is an argument: the time since the host was booted. A [Line] belongs to one
// goroutine and is not safe for concurrent use.
//
// Everything that has an effect outside goes through the caller, in this order:
//
//  1. Something happens: [Line.Activate], [Line.Receive], [Line.Printed], or [Line.Due]
//     has come.
//  2. [Line.Unsaved] decides what to send and returns the page that must be on disk first.
//     The caller writes it and calls [Line.Saved].
//  3. [Line.Packets] returns the packets to send, [Line.Typed] the characters to write to
//     the script's terminal, and [Line.Break] whether to send a break.
//
// A process may therefore be killed at any time. The next one calls [Restore] and goes on
// under the same packet numbers, so that no client notices. Output, and input that the
// script has not read, live in the storage that the caller passes to [New]: memory that
// outlives the process, such as a mapped file. Its blocks must be allocated before it is
// mapped, because a write to a full file system through a mapping kills the process.
//
// The flush, DCD, CTS and ring bits of a client have no effect, because a pseudoterminal
// has no such lines.
//
// Start reading at [Line.Receive] and at plan, which decides what is sent. Section
// numbers are those of the IPMI 2.0 specification, revision 1.1.
package console
