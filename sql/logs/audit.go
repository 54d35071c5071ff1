package logs

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Events are those of server_audit_events.
type Events uint8

// Events, by Aurora's names.
const (
	EventConnect Events = 1 << iota // CONNECT
	EventQuery                      // QUERY
	EventDCL                        // QUERY_DCL
	EventDDL                        // QUERY_DDL
	EventDML                        // QUERY_DML
	EventTable                      // TABLE
)

var eventNames = map[string]Events{"CONNECT": EventConnect, "QUERY": EventQuery, "QUERY_DCL": EventDCL, "QUERY_DDL": EventDDL, "QUERY_DML": EventDML, "TABLE": EventTable}

// ParseEvents reads server_audit_events: names in capitals, separated by commas.
func ParseEvents(text string) (e Events, ok bool) {
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		bit, known := eventNames[name]
		if !known {
			return 0, false
		}
		e |= bit
	}
	return e, true
}

// Users reads server_audit_incl_users and server_audit_excl_users.
func Users(text string) []string {
	var out []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// Audit is one line of the audit log: timestamp,serverhost,username,host,connectionid,queryid,operation,database,object,retcode.
type Audit struct {
	At        time.Time
	User      string
	Host      string
	ID        uint32
	Query     uint64
	Operation string // CONNECT DISCONNECT FAILED_CONNECT QUERY READ WRITE CREATE ALTER RENAME DROP
	Database  string
	Object    string // a query, masked, or a table
	Code      uint16 // 0, or the error's
}

// Audits reports whether the statements of a user are wanted: the inclusion list wins over the exclusion list, and both do not
// concern CONNECT.
func (s *Settings) Audits(user string) bool {
	if len(s.Include) > 0 {
		return slices.Contains(s.Include, user)
	}
	return !slices.Contains(s.Exclude, user)
}

// Audit logs a line.
func (l *Logs) Audit(e Audit) { l.put(job{audit: &e}) }

func (w *writer) audit(e *Audit) {
	object, code := e.Object, ""
	if e.Operation == "QUERY" {
		object = "'" + auditEscapes.Replace(object) + "'"
	}
	switch e.Operation {
	case "QUERY", "CONNECT", "DISCONNECT", "FAILED_CONNECT":
		code = fmt.Sprint(e.Code)
	}
	f := w.file(w.auditPath(), limitAudit, nil)
	w.write(f, fmt.Sprintf("%d,%s,%s,%s,%d,%d,%s,%s,%s,%s\n", e.At.UnixMicro(), w.l.o.Host, e.User, e.Host, e.ID, e.Query, e.Operation, e.Database, object, code))
}

var auditEscapes = strings.NewReplacer("'", `\'`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)

// Wants reports whether a statement of this kind is an event that is wanted.
func (e Events) Wants(text string) bool {
	if e&EventQuery != 0 {
		return true
	}
	return e&kindOf(text) != 0
}

// kindOf classes a statement by its first words, as server_audit does.
func kindOf(text string) Events {
	first, second := leadingWords(text)
	switch first {
	case "GRANT", "REVOKE":
		return EventDCL
	case "CREATE", "ALTER", "DROP", "RENAME":
		if second == "USER" || second == "ROLE" {
			return EventDCL
		}
		return EventDDL
	case "TRUNCATE":
		return EventDDL
	case "SET":
		if second == "PASSWORD" || second == "DEFAULT" || second == "ROLE" {
			return EventDCL
		}
	case "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "CALL", "DO", "HANDLER", "WITH", "TABLE", "VALUES":
		return EventDML
	}
	return 0
}
