// Package perfschema measures what performance_schema shows of statements, transactions and stages: the last ones of each session and of all, sums by digest, session,
// account, user and host, errors by code, connections by account. It owns the digest of a text (MySQL 8.0's, "Performance Schema Statement Digests and Sampling"), the
// counters, and what the setup_ tables ask to be measured; the tables over them are sql/general's, the moments at which they count sql/session's.
//
// What is measured costs a statement two short critical sections, in which nobody waits for another, and no allocation, once its digest is known and its session's history
// is full. All is bounded: digests by Digests (performance_schema_digests_size), accounts by maxAccounts, events by History and HistoryLong; what has no room counts as the
// digest NULL or the account NULL. The figures begin at the server's start, or at a TRUNCATE.
package perfschema
