// Package bmc is the server of one BMC: it reads datagrams, routes them to
// sessions and commands, has the provider's scripts run, and decides when there
// is nothing left to do.
//
//	socket  -> reader  unwraps, checks, answers
//	reader  -> worker  looks at the provider's files, before each command that needs them
//	reader  -> worker  runs one script, one query and one action at a time
//	worker             does what follows from its result, and answers
//
// The reader is the goroutine of [Server.Run]. It and each worker, once that has its
// result, take turns at owning all there is: the sessions, the state of the BMC, what is
// remembered of requests, and every write to a socket. Nobody owns it while he waits for
// a datagram or a script. So no script delays a key exchange, a keep-alive or another
// session, nor does a provider file that cannot be read; and who has something to do
// does it where he is, and wakes no other thread for it.
//
// The package takes its sockets, its clock and its directories from the caller
// and knows nothing of systemd. Start reading at [Server.Run], then [Server.route]
// and [Server.handle]. The two lanes of scripts are query.go and action.go, and what
// comes before them is look.go; how a repeated request is recognized stands in
// replies.go, how an action outlives the process in actionfile.go, and what a flood
// may cost in limits.go.
package bmc
