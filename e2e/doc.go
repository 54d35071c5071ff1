// Package e2e holds the end-to-end tests: a cluster of real processes, started by `zorya up` in a temporary
// directory, real MySQL clients, real kill -9. TestAcceptN proves acceptance point N and prints its figures.
//
//	make e2e        all points in a form short enough for CI
//	make accept-3   one point
//	make soak       all points at full size (ZORYA_SOAK=1)
//
// The tests have the build tag e2e, so that `go test ./...` needs nothing but Go. They use the binary that
// ZORYA_BIN names. Tests that need MariaDB's programs or sysbench skip themselves, saying so, where these are missing.
package e2e
