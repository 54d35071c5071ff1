// Package session is the dispatcher: it owns every connection's session, transaction and statement, and decides which
// lane runs what. sql/wire speaks the protocol below it, sql/general and sql/fastlane execute above engine/table.
//
// # Life of a statement
//
//	command      text, start time and thread state enter the process list; a place is taken at the gate
//	lane         the fast lane if it wholly understands the text, else the general lane's Parse
//	control      BEGIN, COMMIT, KILL ... are done here (control.go)
//	statement    the transaction and its table.Stmt are opened when a lane first touches a table (lazyStmt)
//	result       rows go to the client as they come; the hook BeforeSend waits until what they depend on is durable
//	end          success keeps the statement's changes, an error takes them back; autocommit commits; only then
//	             the final packet, whose status flags tell the truth, is written
//
// # Invariants
//
//   - A failed statement leaves nothing behind: its table.Stmt is rolled back, under autocommit the transaction too. A
//     deadlock (1213) rolls back the whole transaction, a lock wait timeout (1205) only the statement.
//   - Nothing that a crash could take back is told to a client: a result set or error waits for the transaction's dependencies
//     (Txn.WaitDependencies), an OK of a commit for its own durability.
//   - A wait never occupies a place at the gate (gate.go): waits are bracketed by base/wait, commits by CommitAsync.
//   - A transaction ends with its connection: Close rolls back. The watcher (watch.go) notices a client that vanished while
//     its statement runs.
//   - A panic in a statement is that statement's error 1105, with the stack in the log. Its transaction is rolled back.
//   - Session fields belong to the connection's goroutine; what others look at (process list, KILL) is under Session.mu.
//
// Where to read on: server.go (the server and its connections), session.go (wire's commands), statement.go (one
// statement), txn.go (transactions), control.go, gate.go and writers.go (admission), processlist.go.
package session
