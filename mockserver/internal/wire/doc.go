// Package wire is what lies between a socket and net/http's server: an in-memory [Pipe] instead of a socket, a [Split] of one port
// into TLS and plaintext, and a [Coalesce] that gathers the small writes of HTTP/2 into few system calls.
package wire
