// Package wire owns the MySQL client/server protocol: packets, the handshake, authentication, commands, result
// encoding and prepared-statement parameters. It knows nothing about SQL: who executes a statement implements
// Backend and Session (session.go) and answers through a Reply (reply.go, row.go).
//
// # Life of a connection
//
//	Server.Serve        accepts; a goroutine runs the connection until it is authenticated, and on while there are at most Config.Direct connections or when it has TLS or compression;
//	                    else workers run it, whenever something has come (pool.go)
//	  greeting          handshake v10, TLS, authentication against Backend.Lookup         (ConnectTimeout)
//	  Backend.Connect   makes the Session; an error refuses the client with that error
//	  loop              waits for a command without holding any buffer                    (IdleTimeout)
//	    Session.XXX     called for each command, one at a time, with the connection's Reply
//	    flush           what the reply still buffers leaves in one write; buffers return to their pool
//	  Session.Close     called exactly once, whatever ended the connection
//
// # Invariants
//
//   - A Session's methods are called by one goroutine at a time, never concurrently. Only Conn.Kill, Conn.PeerClosed, the
//     plain getters and what their docs call safe may be used from other goroutines.
//   - Every []byte handed to a Session (SQL text, parameters, attribute values) points into the connection's read
//     buffer and is valid until the method returns; what must live longer is copied by the Session.
//   - Every command gets exactly one complete reply. A method that returns an error gets an ERR packet, also in the
//     middle of a result set (the unfinished row is dropped); one that returns nil without having answered
//     gets a plain OK; a result announced with StatusMoreResults and never followed is ended with a plain OK.
//   - Nothing is allocated on a length that the peer claims: packets are limited (max_allowed_packet, 64 KiB before
//     authentication) and big ones grow only as their bytes arrive.
//   - An idle connection holds its Conn (under 2 KiB) and, while there are at most Config.Direct or when it has TLS or compression, its goroutine and that state: no buffers.
//   - Edges of readiness are told once. So a connection rests only when its last read left room in the buffer (the socket was empty), no
//     edge came since, and the end of the stream has not been told.
//   - A panic in a Session ends its connection (error 1105 to the client, stack to the log), not the server.
//
// The formats are drawn in docs/format/mysql-wire.md. Errors are mysqlerr's.
package wire
