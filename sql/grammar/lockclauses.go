package grammar

import (
	"slices"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// A query block may have several locking clauses, each for tables of its own: FOR UPDATE OF a FOR SHARE OF b NOWAIT. The grammar knows one. So the
// rewriter writes them as one FOR UPDATE OF whose list has, before each clause's tables, a name that tells the clause's mode.

// clausePrefix begins the name that stands for a clause's mode in a list of tables; the mode's two digits follow (LockMode.String).
const clausePrefix = "\x00lock clause "

// lockClauses rewrites two and more locking clauses that begin at the current token, and reports whether there are that many.
func (w *rewriter) lockClauses() bool {
	t := w.t
	var list []string
	i, clauses := 0, 0
	for t.Word(i) == "FOR" && (t.Word(i+1) == "UPDATE" || t.Word(i+1) == "SHARE") {
		m := LockMode{Lock: table.LockExclusive}
		if t.Word(i+1) == "SHARE" {
			m.Lock = table.LockShared
		}
		i += 2
		var names []string
		for sep := "OF"; t.Word(i) == sep || t.At(i) == sep; sep = "," {
			if k := t.Kind(i + 1); k != lexer.Word && k != lexer.Quoted {
				return false
			}
			names = append(names, t.At(i+1))
			i += 2
		}
		switch {
		case t.Word(i) == "NOWAIT":
			m.Policy = table.NoWait
			i++
		case t.Word(i) == "SKIP" && t.Word(i+1) == "LOCKED":
			m.Policy = table.SkipLocked
			i += 2
		}
		list = append(append(list, sqltext.Quote(clausePrefix+m.digits())), names...)
		clauses++
	}
	if clauses < 2 {
		return false
	}
	w.put(0, "FOR UPDATE OF "+strings.Join(list, ", "))
	w.drop(1, i-1)
	t.Pos += i - 1
	return true
}

func (m LockMode) digits() string { return string(rune('0'+m.Lock)) + string(rune('0'+m.Policy)) }

// lockClause is a locking clause of a query block.
type lockClause struct {
	LockMode
	of map[string]bool // the tables, lower case; nil: all
}

// clausesOf takes the clauses apart that the rewriter joined, and removes the names that told them: the library looks the list's tables up. A table in two
// clauses is error 3569.
func clausesOf(l *sqlparser.Lock) ([]lockClause, error) {
	if l == nil || len(l.Tables) == 0 || !strings.HasPrefix(l.Tables[0].Name.String(), clausePrefix) {
		m, of, ok := modeOf(l)
		if !ok {
			return nil, nil
		}
		dropMarker(l)
		for i, t := range l.Tables {
			if slices.ContainsFunc(l.Tables[:i], func(u sqlparser.TableName) bool { return strings.EqualFold(u.Name.String(), t.Name.String()) }) {
				return nil, mysqlerr.New(mysqlerr.ER_DUPLICATE_TABLE_LOCK, sqltext.Quote(t.Name.String()))
			}
		}
		return []lockClause{{m, of}}, nil
	}
	var list []lockClause
	var keep sqlparser.TableNames
	seen := map[string]bool{}
	for _, t := range l.Tables {
		name := t.Name.String()
		if d, ok := strings.CutPrefix(name, clausePrefix); ok && len(d) == 2 {
			list = append(list, lockClause{LockMode: LockMode{Lock: table.Lock(d[0] - '0'), Policy: table.WaitPolicy(d[1] - '0')}})
			continue
		}
		lower := strings.ToLower(name)
		if seen[lower] {
			return nil, mysqlerr.New(mysqlerr.ER_DUPLICATE_TABLE_LOCK, sqltext.Quote(name))
		}
		seen[lower] = true
		c := &list[len(list)-1]
		if c.of == nil {
			c.of = map[string]bool{}
		}
		c.of[lower] = true
		keep = append(keep, t)
	}
	l.Tables = keep
	for i := range list {
		if list[i].of == nil && len(keep) > 0 { // it names all tables, those of the others among them
			return nil, mysqlerr.New(mysqlerr.ER_DUPLICATE_TABLE_LOCK, sqltext.Quote(keep[0].Name.String()))
		}
	}
	return list, nil
}

// resolveClauses looks up the tables of a block's locking clause among those that it reads, and leaves none to the library, which does not find those of a join
// by USING.
func resolveClauses(sel *sqlparser.Select) error {
	if sel.Lock == nil || len(sel.Lock.Tables) == 0 {
		return nil
	}
	names := map[string]bool{}
	ReadNames(sel.From, names)
	for _, t := range sel.Lock.Tables {
		if !names[strings.ToLower(t.Name.String())] {
			return mysqlerr.New(mysqlerr.ER_UNRESOLVED_TABLE_LOCK, sqltext.Quote(t.Name.String()))
		}
	}
	sel.Lock.Tables = nil
	return nil
}

// ReadNames adds what a block calls the tables that it reads, in lower case.
func ReadNames(from sqlparser.TableExprs, names map[string]bool) {
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.Subquery:
			return false, nil
		case *sqlparser.AliasedTableExpr:
			name := n.As.String()
			if t, ok := n.Expr.(sqlparser.TableName); ok && name == "" {
				name = t.Name.String()
			}
			names[strings.ToLower(name)] = true
			return false, nil
		case *sqlparser.JSONTableExpr:
			names[strings.ToLower(n.Alias.String())] = true
			return false, nil
		}
		return true, nil
	}, from)
}
