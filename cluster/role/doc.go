// Package role is what each process of a cluster does: control (embedded metadata store), storage (one
// storage node), instance (the MySQL server over a volume). A role opens its parts, registers itself, serves
// /metrics, /healthz, /status and pprof over HTTP, and ends on SIGTERM.
//
// A role runs the same whether a supervisor started it or an administrator did on another host; a supervisor
// hands down three more file descriptors (lifeline, notify, a listening socket; see supervised.go).
package role
