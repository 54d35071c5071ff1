package perfschema

import (
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
)

// Kind is what kind of statement one is: what performance_schema's EVENT_NAME says behind statement/sql/.
type Kind uint8

// names of kinds, those that MySQL's Com_ variables count, as far as they occur here. The first words of a statement tell its kind.
var names = [...]string{"error", "select", "insert", "insert_select", "update", "update_multi", "delete", "delete_multi", "replace", "replace_select", "load", "do", "call_procedure",
	"begin", "commit", "rollback", "savepoint", "release_savepoint", "rollback_to_savepoint", "set_option", "change_db", "lock_tables", "unlock_tables", "prepare_sql", "execute_sql", "dealloc_sql",
	"create_table", "alter_table", "drop_table", "truncate", "rename_table", "create_index", "drop_index", "create_db", "alter_db", "drop_db", "create_view", "drop_view",
	"create_procedure", "alter_procedure", "drop_procedure", "create_function", "alter_function", "drop_function", "create_trigger", "drop_trigger", "create_event", "alter_event", "drop_event",
	"create_user", "alter_user", "drop_user", "rename_user", "create_role", "drop_role", "grant", "grant_roles", "revoke", "set_role", "set_password", "flush", "kill", "analyze", "check", "optimize",
	"repair", "checksum", "ha_open", "ha_read", "ha_close", "xa_start", "xa_end", "xa_prepare", "xa_commit", "xa_rollback", "xa_recover", "signal", "resignal", "get_diagnostics",
	"explain_other", "show_databases", "show_tables", "show_fields", "show_variables", "show_status", "show_warnings", "show_errors", "show_create_table", "show_create_db", "show_keys",
	"show_processlist", "show_grants", "show_table_status", "show_engine_status", "show_storage_engines", "show_collations", "show_charsets", "show_binlogs", "show_master_status", "show_slave_status",
	"show_triggers", "show_events", "show_plugins", "show_privileges", "show_profiles", "show_open_tables", "show_create_user", "help", "show_profile", "show_create_view", "show_create_proc", "show_create_func", "show_create_trigger",
	"show_create_event", "show_procedure_status", "show_function_status", "show_relaylog_events", "show_binlog_events", "show_replicas", "show_replica_status", "show_engine_mutex",
	"show_engine_logs", "install_plugin", "uninstall_plugin", "install_component", "uninstall_component", "shutdown", "restart", "purge", "reset", "revoke_roles", "create_server", "alter_server",
	"drop_server", "alter_user_default_role", "other"}

const kinds = len(names)

// Kinds returns how many kinds there are.
func Kinds() int { return len(names) }

// String returns the kind's event name.
func (k Kind) String() string { return "statement/sql/" + names[k] }

var kindOf = func() map[string]Kind {
	out := map[string]Kind{}
	for k, n := range names {
		out[n] = Kind(k)
	}
	return out
}()

// The kinds that code names.
var (
	Select = kindOf["select"]
	Failed = kindOf["error"] // the text could not be parsed
	Other  = kindOf["other"]

	Insert, InsertSelect   = kindOf["insert"], kindOf["insert_select"]
	Replace, ReplaceSelect = kindOf["replace"], kindOf["replace_select"]
	Update, UpdateMulti    = kindOf["update"], kindOf["update_multi"]
	Delete, DeleteMulti    = kindOf["delete"], kindOf["delete_multi"]
)

// first are the kinds that a statement's first words tell, the longer phrases before the shorter ones.
var first = []struct {
	words []string
	kind  string
}{
	{[]string{"WITH"}, "select"}, {[]string{"TABLE"}, "select"}, {[]string{"VALUES"}, "select"},
	{[]string{"START"}, "begin"}, {[]string{"ROLLBACK", "TO"}, "rollback_to_savepoint"}, {[]string{"ROLLBACK", "WORK", "TO"}, "rollback_to_savepoint"}, {[]string{"RELEASE"}, "release_savepoint"},
	{[]string{"SET", "PASSWORD"}, "set_password"}, {[]string{"SET", "ROLE"}, "set_role"}, {[]string{"SET", "DEFAULT"}, "set_role"}, {[]string{"SET"}, "set_option"}, {[]string{"USE"}, "change_db"},
	{[]string{"LOCK"}, "lock_tables"}, {[]string{"UNLOCK"}, "unlock_tables"}, {[]string{"PREPARE"}, "prepare_sql"}, {[]string{"EXECUTE"}, "execute_sql"}, {[]string{"DEALLOCATE"}, "dealloc_sql"},
	{[]string{"DROP", "PREPARE"}, "dealloc_sql"}, {[]string{"CREATE", "TEMPORARY"}, "create_table"}, {[]string{"DROP", "TEMPORARY"}, "drop_table"},
	{[]string{"CREATE", "DATABASE"}, "create_db"}, {[]string{"CREATE", "SCHEMA"}, "create_db"}, {[]string{"ALTER", "DATABASE"}, "alter_db"}, {[]string{"ALTER", "SCHEMA"}, "alter_db"},
	{[]string{"DROP", "DATABASE"}, "drop_db"}, {[]string{"DROP", "SCHEMA"}, "drop_db"}, {[]string{"CREATE", "UNIQUE"}, "create_index"}, {[]string{"CREATE", "FULLTEXT"}, "create_index"},
	{[]string{"CREATE", "SPATIAL"}, "create_index"}, {[]string{"CREATE", "OR"}, "create_view"}, {[]string{"RENAME", "USER"}, "rename_user"}, {[]string{"RENAME"}, "rename_table"},
	{[]string{"HANDLER"}, "ha_read"}, {[]string{"XA", "BEGIN"}, "xa_start"}, {[]string{"GET"}, "get_diagnostics"}, {[]string{"CALL"}, "call_procedure"},
	{[]string{"EXPLAIN"}, "explain_other"}, {[]string{"DESCRIBE"}, "explain_other"}, {[]string{"DESC"}, "explain_other"}, {[]string{"SHOW", "SCHEMAS"}, "show_databases"}, {[]string{"SHOW", "COLUMNS"}, "show_fields"},
	{[]string{"SHOW", "INDEX"}, "show_keys"}, {[]string{"SHOW", "INDEXES"}, "show_keys"}, {[]string{"SHOW", "GLOBAL", "VARIABLES"}, "show_variables"},
	{[]string{"SHOW", "SESSION", "VARIABLES"}, "show_variables"}, {[]string{"SHOW", "GLOBAL", "STATUS"}, "show_status"}, {[]string{"SHOW", "SESSION", "STATUS"}, "show_status"},
	{[]string{"SHOW", "FULL", "TABLES"}, "show_tables"}, {[]string{"SHOW", "FULL", "COLUMNS"}, "show_fields"}, {[]string{"SHOW", "FULL", "FIELDS"}, "show_fields"},
	{[]string{"SHOW", "FULL", "PROCESSLIST"}, "show_processlist"}, {[]string{"SHOW", "ENGINE"}, "show_engine_status"}, {[]string{"SHOW", "ENGINES"}, "show_storage_engines"},
	{[]string{"SHOW", "COLLATION"}, "show_collations"}, {[]string{"SHOW", "CHARACTER"}, "show_charsets"}, {[]string{"SHOW", "CHARSET"}, "show_charsets"}, {[]string{"SHOW", "CREATE", "DATABASE"}, "show_create_db"},
	{[]string{"SHOW", "CREATE", "USER"}, "show_create_user"}, {[]string{"SHOW", "CREATE", "SCHEMA"}, "show_create_db"}, {[]string{"SHOW", "CREATE", "PROCEDURE"}, "show_create_proc"}, {[]string{"SHOW", "CREATE", "FUNCTION"}, "show_create_func"},
	{[]string{"SHOW", "CREATE", "VIEW"}, "show_create_table"}, {[]string{"SHOW", "BINARY"}, "show_binlogs"}, {[]string{"SHOW", "REPLICA", "STATUS"}, "show_replica_status"},
	{[]string{"PURGE"}, "purge"}, {[]string{"RESET"}, "reset"},
}

// KindOf tells a statement's kind by its first words, and by what follows where the same words begin statements of two kinds.
func KindOf(text []byte, mode lexer.Mode) Kind {
	k := kindOfWords(text, mode)
	switch k {
	case Insert, Replace, Update, Delete:
		return compound(k, text, mode)
	}
	return k
}

// compound tells INSERT ... SELECT from INSERT ... VALUES, and UPDATE and DELETE of several tables from those of one.
func compound(k Kind, text []byte, mode lexer.Mode) Kind {
	l := lexer.Lexer{Src: text, Mode: mode}
	depth := 0
	for t := l.Next(); t.Kind != lexer.EOF; t = l.Next() {
		s := string(l.Text(t))
		if t.Kind == lexer.Punct {
			switch {
			case s == "(":
				depth++
			case s == ")":
				depth--
			case s == "," && depth == 0 && k == Update:
				return UpdateMulti
			}
			continue
		}
		if t.Kind == lexer.Quoted && k == Delete {
			return DeleteMulti
		}
		if t.Kind != lexer.Word {
			continue
		}
		word := strings.ToUpper(s)
		switch k {
		case Insert, Replace:
			switch word {
			case "VALUES", "VALUE", "SET":
				return k
			case "SELECT", "TABLE", "WITH":
				if k == Insert {
					return InsertSelect
				}
				return ReplaceSelect
			}
		case Update:
			switch word {
			case "SET":
				return k
			case "JOIN", "STRAIGHT_JOIN":
				return UpdateMulti
			}
		case Delete:
			switch word {
			case "DELETE", "LOW_PRIORITY", "QUICK", "IGNORE":
			case "FROM":
				return compoundDelete(&l)
			default:
				return DeleteMulti
			}
		}
	}
	return k
}

// compoundDelete looks behind DELETE FROM.
func compoundDelete(l *lexer.Lexer) Kind {
	for t := l.Next(); t.Kind != lexer.EOF; t = l.Next() {
		switch s := string(l.Text(t)); {
		case t.Kind == lexer.Punct && s == ",", strings.EqualFold(s, "USING"):
			return DeleteMulti
		case t.Kind == lexer.Word && strings.EqualFold(s, "WHERE"):
			return Delete
		}
	}
	return Delete
}

func kindOfWords(text []byte, mode lexer.Mode) Kind {
	l := lexer.Lexer{Src: text, Mode: mode}
	var word [4]string
	for i := 0; i < len(word); {
		t := l.Next()
		if t.Kind == lexer.Hint || i == 0 && t.Kind == lexer.Punct {
			continue
		}
		if t.Kind != lexer.Word {
			break
		}
		var room [24]byte
		word[i] = string(appendUpper(room[:0], l.Text(t)))
		i++
	}
next:
	for _, f := range first {
		for i, w := range f.words {
			if word[i] != w {
				continue next
			}
		}
		return kindOf[f.kind]
	}
	for _, n := range []string{word[0] + "_" + word[1] + "_" + word[2], word[0] + "_" + word[1], word[0]} {
		var room [80]byte
		if k, ok := kindOf[string(appendLower(room[:0], n))]; ok {
			return k
		}
	}
	return Other
}

func appendLower(dst []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
