// Package logs writes what a server tells about its statements: the slow query log, the general query log and the audit
// log, each in the form that MySQL's (for the audit log: Aurora's) readers expect, to files and to the tables mysql.slow_log and
// mysql.general_log. It also keeps the error log in MySQL's line form (errorlog.go).
//
// Sources: MySQL 8.0 manual, 5.4 "MySQL Server Logs"; Aurora's user guide, "Using Advanced Auditing".
//
// # Invariants
//
//   - A log that is off costs its callers one atomic load (Logs.On).
//   - Entries go through one queue of maxQueue entries to one goroutine, the only one that touches files. When the queue is full a
//     caller waits at most patience, then the entry is dropped and counted; the statement never fails because of a log.
//   - What reaches the queue holds no password: Mask has replaced them.
//   - Files are 0600 in a directory of 0700 and bounded: see limit in file.go.
//
// A table is a file too, in the form that LOAD DATA reads by default. It belongs to the instance, not to the volume: it is neither
// transactional nor replicated, as MySQL's log tables are not.
package logs
