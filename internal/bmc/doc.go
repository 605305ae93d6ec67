// Package bmc is the server of one BMC: it reads datagrams, routes them to
// sessions and commands, has the provider's scripts run, and decides when there
// is nothing left to do.
//
//	socket   -> reader  only reads
//	reader   -> owner   unwraps, checks, answers; the only one that writes
//	owner    -> worker  looks at the provider's files, before each command that needs them
//	owner    -> worker  runs one script, one query and one action at a time
//	worker   -> owner   result
//
// One goroutine, in [Server.Run], owns the sessions, the state of the BMC, what
// is remembered of requests, and every write to a socket; there is no mutex. No
// script delays a key exchange, a keep-alive or another session, nor does a provider
// file that cannot be read.
//
// The package takes its sockets, its clock and its directories from the caller
// and knows nothing of systemd. Start reading at [Server.Run], then [Server.route]
// and [Server.handle]. The two lanes of scripts are query.go and action.go, and what
// comes before them is look.go; how a repeated request is recognized stands in
// replies.go, how an action outlives the process in actionfile.go, and what a flood
// may cost in limits.go.
package bmc
