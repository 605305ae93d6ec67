// Package httpserver serves HTTP on sockets that systemd has passed to a process that ends when
// it is idle. It loses no connection when the process ends, and limits what clients that say
// nothing can take.
//
// Start reading at [New], then [Server.Serve].
package httpserver
