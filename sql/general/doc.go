// Package general is the general lane: go-mysql-server (GMS) analyses and executes every statement over the table
// layer. GMS is a library here; its server package, transactions and memory tables are not used.
//
// The package owns: parsing (what GMS's grammar lacks is recognised or rewritten here), the mapping of MySQL's
// schema objects onto table.Catalog, locking reads, privileges, variables, information_schema and the translation of every
// error into *mysqlerr.Error. It does not own transactions: sql/session (the dispatcher) does.
//
// # The handshake with the dispatcher
//
//	e, err := general.New(db, options)           // one per process: GMS keeps its system variables in globals
//	s := e.NewSession(login, hooks)              // one per connection, used by one goroutine at a time
//
//	for text != "" {                             // COM_QUERY, perhaps of several statements
//	    st, rest, err := s.Parse(text)           // no data is touched; st == nil: only comments were left
//	    text = rest
//	    switch st.Class {
//	    case general.Control:                    // the dispatcher's own business: st.Control says what
//	    case general.DDL:                        // commit the session's transaction, then Execute under a fresh
//	                                             // transaction, then commit or roll back that one
//	    case general.Read, general.Write:        // Execute under the session's transaction
//	    }
//	    stmt, err := txn.BeginStmt(ctx, table.StmtOptions{Write: st.Class != general.Read})
//	    res, err := s.Execute(ctx, st, stmt, params)
//	    for ; res != nil; res = res.Next {       // a CALL may have several results
//	        rows: res.Columns != nil: res.Rows.Next until io.EOF, then res.Rows.Close
//	        else: OK with res.Affected, res.InsertID, res.Info
//	    }
//	    stmt.End() or, after an error from Execute, Next or Close, stmt.Rollback(ctx)
//	}
//
// Rules:
//
//   - Execute of a statement that returns no rows has done all its work when it returns. One that returns rows works
//     as they are read; it is finished once Rows.Close returned. Rows.Close must be called on every path.
//   - The ctx given to Execute governs the whole execution including Rows: cancelling it (KILL, timeout) ends it. Its cause,
//     if it is an *mysqlerr.Error, is what the client gets. Waits inside the engine are ended by Txn.Kill.
//   - Errors returned by this package are *mysqlerr.Error, ready for the wire.
//   - Variables: after each Execute the dispatcher compares s.Settings() with the former ones: SET autocommit=1
//     commits an open transaction; isolation, read-only and lock wait apply as MySQL says.
//   - SET TRANSACTION without SESSION or GLOBAL is a Control: it concerns the next transaction only.
//   - Prepare is Parse plus the number of parameters and, for a statement that returns rows, their columns.
//     A Statement may be executed any number of times, by the session that prepared it.
//   - EXECUTE of a text-prepared statement comes out of Parse as the prepared statement, with its class.
//   - Transaction statements inside procedures call Hooks.Control, which returns the table.Stmt to go on with; so does NextStatement, before
//     each statement of a procedure that reads or writes tables, so that it sees what those before it wrote.
//   - Params are GMS values or plain Go ones: nil, int64, uint64, float32, float64, string, []byte, time.Time
//     (DATE, DATETIME), types.Timespan (TIME), *apd.Decimal.
//
// Where to read on: package grammar, parse.go and own.go (text to Statement), execute.go and routine.go (Statement to Result), provider.go,
// program.go (procedures, functions, events), trigger.go, event.go, fulltext.go, exact.go (what the library compares otherwise than MySQL), table.go, scan.go, ranges.go and editor.go (GMS's view of the table layer), foldqueries.go (subqueries that lead to few rows), ddl*.go, objects.go, errors.go. Column attributes in the
// dictionary are attrs.go's; values as stored are sql/datum's, sort keys sql/collate's.
package general
