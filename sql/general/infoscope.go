package general

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// infoScope says which databases and tables a query of information_schema can have rows of, by the conditions that its
// WHERE joins with AND. The library reads every definition of every database before it filters; the scope only leaves out
// what the filter would drop, so an empty part means: all.
type infoScope struct {
	schemas, tables []sqlparser.Expr // literals, placeholders or DATABASE(), of which a name equals one
}

// scopeColumns name the database that a row of an information_schema table is about. Each such row comes from the listing of that
// very database.
var scopeColumns = []string{"table_schema", "constraint_schema", "trigger_schema", "event_object_schema", "routine_schema", "specific_schema",
	"event_schema", "schema_name", "index_schema"}

// scopeOf finds the scope of a SELECT from information_schema alone; nil for any other statement.
func scopeOf(st sqlparser.Statement) *infoScope {
	sel, ok := st.(*sqlparser.Select)
	if !ok || sel.Where == nil || sel.With != nil || hasSubquery(sel) {
		return nil
	}
	var aliases []string
	for _, te := range sel.From {
		if !infoAliases(te, &aliases) {
			return nil
		}
	}
	var out infoScope
	for i, alias := range aliases {
		one := len(aliases) == 1
		schemas := namesOf(sel.Where.Expr, alias, one, scopeColumns)
		// Several tables share one scope: it must hold for each of them.
		if schemas == nil && !one || i > 0 && !sameNames(out.schemas, schemas) {
			return nil
		}
		out.schemas = schemas
		if one {
			out.tables = namesOf(sel.Where.Expr, alias, one, []string{"table_name"})
		}
	}
	if out.schemas == nil && out.tables == nil {
		return nil
	}
	return &out
}

func hasSubquery(sel *sqlparser.Select) (found bool) {
	_ = sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
		switch n.(type) {
		case *sqlparser.Subquery, *sqlparser.ExistsExpr:
			found = true
		}
		return !found, nil
	}, sel)
	return found
}

// infoAliases collects the names by which a FROM refers to tables of information_schema; false if there are others.
func infoAliases(te sqlparser.TableExpr, out *[]string) bool {
	switch n := te.(type) {
	case *sqlparser.AliasedTableExpr:
		t, ok := n.Expr.(sqlparser.TableName)
		if !ok || !strings.EqualFold(t.DbQualifier.String(), "information_schema") {
			return false
		}
		alias := n.As.String()
		if alias == "" {
			alias = t.Name.String()
		}
		*out = append(*out, alias)
		return true
	case *sqlparser.JoinTableExpr:
		return infoAliases(n.LeftExpr, out) && infoAliases(n.RightExpr, out)
	case *sqlparser.ParenTableExpr:
		for _, e := range n.Exprs {
			if !infoAliases(e, out) {
				return false
			}
		}
		return true
	}
	return false
}

// namesOf finds, among the conjuncts of e, the names that one of a table's columns must equal; nil if there is no such condition.
func namesOf(e sqlparser.Expr, alias string, bare bool, columns []string) []sqlparser.Expr {
	switch n := e.(type) {
	case *sqlparser.AndExpr:
		if l := namesOf(n.Left, alias, bare, columns); l != nil {
			return l
		}
		return namesOf(n.Right, alias, bare, columns)
	case *sqlparser.ParenExpr:
		return namesOf(n.Expr, alias, bare, columns)
	case *sqlparser.ComparisonExpr:
		isColumn := func(e sqlparser.Expr) bool {
			c, ok := e.(*sqlparser.ColName)
			if !ok || c.StoredProcVal != nil || !slices.Contains(columns, c.Name.Lowered()) {
				return false
			}
			q := c.Qualifier.Name.String()
			return q == "" && bare || q != "" && strings.EqualFold(q, alias)
		}
		switch {
		case n.Operator == sqlparser.EqualStr && isColumn(n.Left) && isName(n.Right):
			return []sqlparser.Expr{n.Right}
		case n.Operator == sqlparser.EqualStr && isColumn(n.Right) && isName(n.Left):
			return []sqlparser.Expr{n.Left}
		case n.Operator == sqlparser.InStr && isColumn(n.Left):
			if list, ok := n.Right.(sqlparser.ValTuple); ok && len(list) > 0 && !slices.ContainsFunc(list, func(e sqlparser.Expr) bool { return !isName(e) }) {
				return list
			}
		}
	}
	return nil
}

func isName(e sqlparser.Expr) bool {
	switch n := e.(type) {
	case *sqlparser.SQLVal:
		return n.Type == sqlparser.StrVal || n.Type == sqlparser.ValArg
	case *sqlparser.FuncExpr:
		return len(n.Exprs) == 0 && n.Qualifier.IsEmpty() && (n.Name.Lowered() == "database" || n.Name.Lowered() == "schema")
	}
	return false
}

func sameNames(a, b []sqlparser.Expr) bool {
	return slices.EqualFunc(a, b, func(x, y sqlparser.Expr) bool { return sqlparser.String(x) == sqlparser.String(y) })
}

// hasSchema and hasTable say whether the running statement can have rows of a database, of a table.
func (s *Session) hasSchema(name string) bool {
	return s.cur.st.scope == nil || s.cur.mayEqual(s, name, s.cur.st.scope.schemas)
}

func (s *Session) hasTable(name string) bool {
	return s.cur.st.scope == nil || s.cur.mayEqual(s, name, s.cur.st.scope.tables)
}

// mayEqual may say yes too often: the library compares by a collation to which case, accents and trailing spaces may not matter.
func (x *execution) mayEqual(s *Session, name string, to []sqlparser.Expr) bool {
	if to == nil || !ascii(name) {
		return true
	}
	for _, e := range to {
		var want string
		switch n := e.(type) {
		case *sqlparser.FuncExpr:
			want = s.gms.GetCurrentDatabase()
		case *sqlparser.SQLVal:
			want = string(n.Val)
			if n.Type == sqlparser.ValArg {
				p, ok := x.param(want)
				if !ok {
					return true
				}
				want = p
			}
		}
		if !ascii(want) || strings.EqualFold(strings.TrimRight(want, " "), name) {
			return true
		}
	}
	return false
}

// param is the text that a placeholder (":v1" is the first) is bound to.
func (x *execution) param(placeholder string) (string, bool) {
	for i, p := range x.params {
		if placeholder == fmt.Sprintf(":v%d", i+1) { // as bind names it
			switch v := p.(type) {
			case string:
				return v, true
			case []byte:
				return string(v), true
			}
		}
	}
	return "", false
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || r == 0 })
}
