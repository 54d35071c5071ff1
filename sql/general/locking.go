package general

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
)

// GMS plans FOR UPDATE as a no-op. So the parser wrapper writes the lock mode where AS OF goes in the syntax tree, on every table
// reference of a locking query block and of UPDATE, DELETE and INSERT ... SELECT; the database then opens a table bound to that mode.

// lockMode is how a table reference reads.
type lockMode struct {
	lock   table.Lock
	policy table.WaitPolicy
	// sets, if not empty, are columns that an UPDATE of several tables changes without saying of which, each between commas and in lower case: the table that has
	// one is locked exclusively.
	sets string
}

// impliedShare says, where the policy stands, that the statement locks for the share what it only reads, but not at READ COMMITTED and below.
const impliedShare table.WaitPolicy = 9

// at is the mode of a table that is opened in a transaction of this level.
func (m lockMode) at(level table.Isolation) lockMode {
	switch {
	case m.policy != impliedShare:
		return m
	case level <= table.ReadCommitted:
		return lockMode{}
	}
	return lockMode{lock: m.lock}
}

// of is the mode of a table with these columns.
func (m lockMode) of(cols []table.Column) lockMode {
	if m.sets == "" {
		return m
	}
	for i := range cols {
		if strings.Contains(m.sets, ","+strings.ToLower(cols[i].Name)+",") {
			return lockMode{lock: table.LockExclusive}
		}
	}
	return lockMode{lock: m.lock, policy: m.policy}
}

const lockPrefix = "\x00zorya lock "

// The texts that stand for the modes in AS OF literals.
func (m lockMode) String() string {
	return lockPrefix + m.digits() + m.sets
}

func parseLockMode(s string) (lockMode, bool) {
	s, ok := strings.CutPrefix(s, lockPrefix)
	if !ok || len(s) < 2 {
		return lockMode{}, false
	}
	return lockMode{table.Lock(s[0] - '0'), table.WaitPolicy(s[1] - '0'), s[2:]}, true
}

// Overwrites reports whether the statement goes on with the rows that its inserts collide with: REPLACE, ON DUPLICATE KEY UPDATE.
func (st *Statement) Overwrites() bool {
	ins, ok := st.ast.(*sqlparser.Insert)
	return ok && (ins.Action == sqlparser.ReplaceStr || len(ins.OnDup) > 0)
}

// Bulk reports whether it is not known how many rows the statement inserts.
func (st *Statement) Bulk() bool {
	switch n := st.ast.(type) {
	case *sqlparser.Insert:
		switch n.Rows.(type) {
		case nil, sqlparser.Values, *sqlparser.Values, sqlparser.AliasedValues, *sqlparser.AliasedValues:
			return false
		}
		return true
	case *sqlparser.Load:
		return true
	}
	return false
}

// shareMarker is the pseudo table that the rewriter puts into FOR UPDATE OF to say FOR SHARE, which the grammar lacks.
const shareMarker = "\x00share"

// modeOf reads a locking clause. of names the tables it is limited to.
func modeOf(l *sqlparser.Lock) (m lockMode, of map[string]bool, ok bool) {
	if l == nil || l.Type == "" {
		return m, nil, false
	}
	m.lock = table.LockExclusive
	if l.Type == sqlparser.ShareModeStr {
		m.lock = table.LockShared
	}
	text := strings.ToLower(l.Type)
	switch {
	case strings.HasSuffix(text, "nowait"):
		m.policy = table.NoWait
	case strings.HasSuffix(text, "skip locked"):
		m.policy = table.SkipLocked
	}
	for _, t := range l.Tables {
		if t.Name.String() == shareMarker {
			m.lock = table.LockShared
			continue
		}
		if of == nil {
			of = map[string]bool{}
		}
		of[strings.ToLower(t.Name.String())] = true
	}
	return m, of, true
}

// markLocks writes lock modes into a statement's table references. It reports whether it found a locking SELECT.
func markLocks(st sqlparser.Statement) (locking bool, err error) {
	w := &lockWalk{}
	switch n := st.(type) {
	case *sqlparser.Update:
		w.names(n.With)
		w.update(n)
	case *sqlparser.Delete:
		w.names(n.With)
		w.delete(n)
	case *sqlparser.Insert:
		if sel, ok := n.Rows.(sqlparser.SelectStatement); ok {
			w.names(n.With)
			w.source(sel)
		}
	}
	if m := readBeside(st); m.lock != table.LockNone {
		defer w.subqueries(st.(sqlparser.SQLNode), m) // those that have a clause of their own keep what it says
	}
	if sn, ok := st.(sqlparser.SQLNode); ok {
		err = walk(func(node sqlparser.SQLNode) (bool, error) {
			if sel, ok := node.(*sqlparser.Select); ok && sel != nil {
				w.names(sel.With)
				nameBeforeFor(sel)
				clauses, err := clausesOf(sel.Lock)
				for i := range clauses {
					locking = true
					w.tables(sel.From, clauses[i].lockMode, clauses[i].of)
				}
				if err == nil {
					err = resolveClauses(sel)
				}
				return true, err
			}
			return true, nil
		}, sn)
	}
	return locking, err
}

// dropMarker removes the pseudo table that said FOR SHARE: the library looks up the tables of a lock clause.
func dropMarker(l *sqlparser.Lock) {
	var keep sqlparser.TableNames
	for _, t := range l.Tables {
		if t.Name.String() != shareMarker {
			keep = append(keep, t)
		}
	}
	if len(keep) != len(l.Tables) {
		l.Tables, l.Type = keep, sqlparser.ShareModeStr
	}
}

type lockWalk struct{ ctes map[string]bool }

func (w *lockWalk) names(with *sqlparser.With) {
	if with == nil {
		return
	}
	if w.ctes == nil {
		w.ctes = map[string]bool{}
	}
	for _, c := range with.Ctes {
		w.ctes[strings.ToLower(c.As.String())] = true
	}
}

// update locks the tables that are changed exclusively, and those that are only read shared.
func (w *lockWalk) update(n *sqlparser.Update) {
	if soleTable(n.TableExprs) {
		w.tables(n.TableExprs, lockMode{lock: table.LockExclusive}, nil)
		return
	}
	share, of := lockMode{lock: table.LockShared}, map[string]bool{}
	for _, x := range n.Exprs {
		if name := x.Name.Qualifier.Name; !name.IsEmpty() {
			of[strings.ToLower(name.String())] = true
		} else {
			share.sets = strings.TrimSuffix(share.sets, ",") + "," + x.Name.Name.Lowered() + ","
		}
	}
	w.tables(n.TableExprs, lockMode{lock: table.LockExclusive}, of)
	w.tables(n.TableExprs, share, nil)
}

// soleTable reports whether a statement is about a single table.
func soleTable(from sqlparser.TableExprs) bool {
	if len(from) != 1 {
		return false
	}
	t, ok := from[0].(*sqlparser.AliasedTableExpr)
	if ok {
		_, ok = t.Expr.(sqlparser.TableName)
	}
	return ok
}

// delete locks the tables that lose rows exclusively, and those that are only read shared.
func (w *lockWalk) delete(n *sqlparser.Delete) {
	if len(n.Targets) == 0 {
		w.tables(n.TableExprs, lockMode{lock: table.LockExclusive}, nil)
		return
	}
	of := map[string]bool{}
	for _, t := range n.Targets {
		of[strings.ToLower(t.Name.String())] = true
	}
	w.tables(n.TableExprs, lockMode{lock: table.LockExclusive}, of)
	w.tables(n.TableExprs, lockMode{lock: table.LockShared}, nil)
}

// source locks the rows that INSERT ... SELECT reads.
func (w *lockWalk) source(sel sqlparser.SelectStatement) {
	switch n := sel.(type) {
	case *sqlparser.Select:
		w.names(n.With)
		w.tables(n.From, lockMode{lock: table.LockShared, policy: impliedShare}, nil)
	case *sqlparser.SetOp:
		w.source(n.Left)
		w.source(n.Right)
	case *sqlparser.ParenSelect:
		w.source(n.Select)
	}
}

// readBeside is how a statement other than SELECT, SET among them, reads the tables in its subqueries: InnoDB locks them for the share, but at
// READ COMMITTED not those of INSERT ... SELECT and of the UPDATE of one table.
func readBeside(st sqlparser.Statement) lockMode {
	share := lockMode{lock: table.LockShared}
	switch n := st.(type) {
	case *sqlparser.Delete:
	case *sqlparser.Insert:
		if _, ok := n.Rows.(sqlparser.SelectStatement); ok {
			share.policy = impliedShare
		}
	case *sqlparser.Update:
		if soleTable(n.TableExprs) {
			share.policy = impliedShare
		}
	case *sqlparser.Set:
	default:
		return lockMode{}
	}
	return share
}

// nameBeforeFor takes the word FOR from the name of a last select item that a locking clause follows: the grammar has read that word already when it notes where the item ends.
func nameBeforeFor(sel *sqlparser.Select) {
	if sel.Lock == nil || len(sel.SelectExprs) == 0 {
		return
	}
	if item, ok := sel.SelectExprs[len(sel.SelectExprs)-1].(*sqlparser.AliasedExpr); ok {
		if text := item.InputExpression; len(text) > len(" FOR") && strings.EqualFold(text[len(text)-len(" FOR"):], " FOR") {
			item.InputExpression = strings.TrimSpace(text[:len(text)-len(" FOR")])
		}
	}
}

// subqueries marks what the queries within a statement read.
func (w *lockWalk) subqueries(in sqlparser.SQLNode, m lockMode) {
	_ = walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if sel, ok := n.(*sqlparser.Select); ok && sel != nil {
			w.tables(sel.From, m, nil)
		}
		return true, nil
	}, in)
}

// tables marks the references in from that have no mode yet; of, if not nil, limits it to names or aliases.
func (w *lockWalk) tables(from sqlparser.TableExprs, m lockMode, of map[string]bool) {
	for _, e := range from {
		w.table(e, m, of)
	}
}

func (w *lockWalk) table(e sqlparser.TableExpr, m lockMode, of map[string]bool) {
	switch e := e.(type) {
	case *sqlparser.AliasedTableExpr:
		name, ok := e.Expr.(sqlparser.TableName)
		if !ok || e.AsOf != nil || name.Name.IsEmpty() {
			return
		}
		if q := name.DbQualifier.String(); q == "" && w.ctes[strings.ToLower(name.Name.String())] || systemSchema(q) ||
			q == "" && strings.EqualFold(name.Name.String(), "dual") {
			return
		}
		if of != nil && !of[strings.ToLower(name.Name.String())] && !of[strings.ToLower(e.As.String())] {
			return
		}
		e.AsOf = &sqlparser.AsOf{Time: sqlparser.NewStrVal([]byte(m.String()))}
	case *sqlparser.JoinTableExpr:
		w.table(e.LeftExpr, m, of)
		w.table(e.RightExpr, m, of)
	case *sqlparser.ParenTableExpr:
		w.tables(e.Exprs, m, of)
	}
}

func systemSchema(name string) bool {
	switch strings.ToLower(name) {
	case "information_schema", "performance_schema", "mysql", "sys":
		return true
	}
	return false
}
