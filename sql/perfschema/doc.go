// Package perfschema measures what performance_schema shows of statements: summaries by digest and by account, errors by code, connections
// by account. It owns the digest of a text (MySQL 8.0's, "Performance Schema Statement Digests and Sampling") and the counters; the tables
// over them are sql/general's, the moments at which they count sql/session's.
//
// What is measured costs a statement two short critical sections, in which nobody waits for another, and no allocation, once its digest is known. All is bounded: digests by
// Digests (performance_schema_digests_size), accounts by maxAccounts; what has no room counts as the digest NULL or the account NULL. The figures begin at the
// server's start, or at Truncate.
package perfschema
