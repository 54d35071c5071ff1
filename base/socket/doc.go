// Package socket owns what we do with sockets that Go's runtime does for us at a price: reads and writes of sockets that never block (Read, Write, Writev),
// how a goroutine lets those go first whose sockets are ready (Yield), and Unix-domain connections that nobody is woken for until there is something to
// read (Local).
//
// Invariant: a descriptor is used only while its owner keeps it open; every call here is on a socket that is non-blocking.
package socket
