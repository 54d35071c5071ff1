// Package bench compares Zorya with the servers that people leave: it starts them side by side on one machine
// (bench/peer), drives them in turn with real clients (bench/load), and writes medians, ratios and what a transaction costs as
// Markdown and SVG. `zorya bench` and `make bench` run it.
//
// How a figure is made: each server is filled once for a case, then the servers run in turn, round after round, so that what
// else the machine does meets all alike; a figure is the median of its rounds. Clients and servers share the machine. A
// transaction's cost in CPU time is read from the kernel for every process of the server, which a busy machine
// distorts less than throughput.
package bench
