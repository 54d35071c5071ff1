package general

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
)

// Target is a table that a statement changes, for the audit log.
type Target struct {
	Operation     string // WRITE, CREATE, ALTER, RENAME or DROP
	Schema, Table string // Schema "": the current database
}

// Written is the statement's text as it came.
func (st *Statement) Written() string {
	if st.written != "" {
		return st.written
	}
	return st.Text
}

// SetsPassword reports whether the statement may give the account a new password: what an expired one still allows.
func (st *Statement) SetsPassword() bool {
	words := strings.Fields(strings.ToUpper(st.Written()))
	return len(words) > 1 && (words[0] == "ALTER" && words[1] == "USER" || words[0] == "SET" && words[1] == "PASSWORD")
}

// Targets are the tables that the statement changes.
func (st *Statement) Targets() []Target {
	var out []Target
	add := func(op string, names ...sqlparser.TableName) {
		for _, n := range names {
			if !n.Name.IsEmpty() {
				name, _ := grammar.Selection(n.Name.String())
				out = append(out, Target{op, n.DbQualifier.String(), name})
			}
		}
	}
	each := func(list sqlparser.TableExprs) {
		grammar.NamedTables(list, func(t sqlparser.TableName, _ string) { add("WRITE", t) })
	}
	switch n := st.ast.(type) {
	case *sqlparser.Insert:
		add("WRITE", n.Table)
	case *sqlparser.Load:
		add("WRITE", n.Table)
	case *sqlparser.Update:
		each(n.TableExprs)
	case *sqlparser.Delete:
		if len(n.Targets) > 0 {
			add("WRITE", n.Targets...)
		} else {
			each(n.TableExprs)
		}
	case *sqlparser.AlterTable:
		add("ALTER", n.Table)
	case *sqlparser.DDL:
		switch n.Action {
		case sqlparser.CreateStr:
			add("CREATE", n.Table)
		case sqlparser.AlterStr:
			add("ALTER", n.Table)
		case sqlparser.DropStr:
			add("DROP", n.FromTables...)
		case sqlparser.RenameStr:
			add("RENAME", n.FromTables...)
		case sqlparser.TruncateStr:
			add("WRITE", n.Table)
		}
	}
	return out
}
