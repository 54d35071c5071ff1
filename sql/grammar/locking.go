package grammar

import (
	"errors"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
)

// GMS plans FOR UPDATE as a no-op. So the parser wrapper writes the lock mode where AS OF goes in the syntax tree, on every table
// reference of a locking query block and of UPDATE, DELETE and INSERT ... SELECT; the database then opens a table bound to that mode.

// LockMode is how a table reference reads.
type LockMode struct {
	Lock   table.Lock
	Policy table.WaitPolicy
	// sets, if not empty, are columns that an UPDATE of several tables changes without saying of which, each between commas and in lower case: the table that has
	// one is locked exclusively.
	sets string
}

// impliedShare says, where the policy stands, that the statement locks for the share what it only reads, but not at READ COMMITTED and below.
const impliedShare table.WaitPolicy = 9

// At is the mode of a table that is opened in a transaction of this level.
func (m LockMode) At(level table.Isolation) LockMode {
	switch {
	case m.Policy != impliedShare:
		return m
	case level <= table.ReadCommitted:
		return LockMode{}
	}
	return LockMode{Lock: m.Lock}
}

// Of is the mode of a table with these columns.
func (m LockMode) Of(cols []table.Column) LockMode {
	if m.sets == "" {
		return m
	}
	for i := range cols {
		if strings.Contains(m.sets, ","+strings.ToLower(cols[i].Name)+",") {
			return LockMode{Lock: table.LockExclusive}
		}
	}
	return LockMode{Lock: m.Lock, Policy: m.Policy}
}

const lockPrefix = "\x00zorya lock "

// The texts that stand for the modes in AS OF literals.
func (m LockMode) String() string {
	return lockPrefix + m.digits() + m.sets
}

func ParseLockMode(s string) (LockMode, bool) {
	s, ok := strings.CutPrefix(s, lockPrefix)
	if !ok || len(s) < 2 {
		return LockMode{}, false
	}
	return LockMode{table.Lock(s[0] - '0'), table.WaitPolicy(s[1] - '0'), s[2:]}, true
}

// shareMarker is the pseudo table that the rewriter puts into FOR UPDATE OF to say FOR SHARE, which the grammar lacks.
const shareMarker = "\x00share"

// modeOf reads a locking clause. of names the tables it is limited to.
func modeOf(l *sqlparser.Lock) (m LockMode, of map[string]bool, ok bool) {
	if l == nil || l.Type == "" {
		return m, nil, false
	}
	m.Lock = table.LockExclusive
	if l.Type == sqlparser.ShareModeStr {
		m.Lock = table.LockShared
	}
	text := strings.ToLower(l.Type)
	switch {
	case strings.HasSuffix(text, "nowait"):
		m.Policy = table.NoWait
	case strings.HasSuffix(text, "skip locked"):
		m.Policy = table.SkipLocked
	}
	for _, t := range l.Tables {
		if t.Name.String() == shareMarker {
			m.Lock = table.LockShared
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
	if m := readBeside(st); m.Lock != table.LockNone {
		defer w.subqueries(st.(sqlparser.SQLNode), m) // those that have a clause of their own keep what it says
	}
	if sn, ok := st.(sqlparser.SQLNode); ok {
		err = Walk(func(node sqlparser.SQLNode) (bool, error) {
			if sel, ok := node.(*sqlparser.Select); ok && sel != nil {
				w.names(sel.With)
				nameBeforeFor(sel)
				clauses, err := clausesOf(sel.Lock)
				for i := range clauses {
					locking = true
					w.tables(sel.From, clauses[i].LockMode, clauses[i].of)
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
		w.tables(n.TableExprs, LockMode{Lock: table.LockExclusive}, nil)
		return
	}
	share, of := LockMode{Lock: table.LockShared}, map[string]bool{}
	for _, x := range n.Exprs {
		if name := x.Name.Qualifier.Name; !name.IsEmpty() {
			of[strings.ToLower(name.String())] = true
		} else {
			share.sets = strings.TrimSuffix(share.sets, ",") + "," + x.Name.Name.Lowered() + ","
		}
	}
	w.tables(n.TableExprs, LockMode{Lock: table.LockExclusive}, of)
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
		w.tables(n.TableExprs, LockMode{Lock: table.LockExclusive}, nil)
		return
	}
	of := map[string]bool{}
	for _, t := range n.Targets {
		of[strings.ToLower(t.Name.String())] = true
	}
	w.tables(n.TableExprs, LockMode{Lock: table.LockExclusive}, of)
	w.tables(n.TableExprs, LockMode{Lock: table.LockShared}, nil)
}

// source locks the rows that INSERT ... SELECT reads.
func (w *lockWalk) source(sel sqlparser.SelectStatement) {
	switch n := sel.(type) {
	case *sqlparser.Select:
		w.names(n.With)
		w.tables(n.From, LockMode{Lock: table.LockShared, Policy: impliedShare}, nil)
	case *sqlparser.SetOp:
		w.source(n.Left)
		w.source(n.Right)
	case *sqlparser.ParenSelect:
		w.source(n.Select)
	}
}

// readBeside is how a statement other than SELECT, SET among them, reads the tables in its subqueries: InnoDB locks them for the share, but at
// READ COMMITTED not those of INSERT ... SELECT and of the UPDATE of one table.
func readBeside(st sqlparser.Statement) LockMode {
	share := LockMode{Lock: table.LockShared}
	switch n := st.(type) {
	case *sqlparser.Delete:
	case *sqlparser.Insert:
		if _, ok := n.Rows.(sqlparser.SelectStatement); ok {
			share.Policy = impliedShare
		}
	case *sqlparser.Update:
		if soleTable(n.TableExprs) {
			share.Policy = impliedShare
		}
	case *sqlparser.Set:
	default:
		return LockMode{}
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
func (w *lockWalk) subqueries(in sqlparser.SQLNode, m LockMode) {
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if sel, ok := n.(*sqlparser.Select); ok && sel != nil {
			w.tables(sel.From, m, nil)
		}
		return true, nil
	}, in)
}

// ShareSubqueries marks what the queries within a statement read as read for the share.
func ShareSubqueries(in sqlparser.SQLNode) {
	new(lockWalk).subqueries(in, LockMode{Lock: table.LockShared})
}

// tables marks the references in from that have no mode yet; of, if not nil, limits it to names or aliases.
func (w *lockWalk) tables(from sqlparser.TableExprs, m LockMode, of map[string]bool) {
	for _, e := range from {
		w.table(e, m, of)
	}
}

func (w *lockWalk) table(e sqlparser.TableExpr, m LockMode, of map[string]bool) {
	switch e := e.(type) {
	case *sqlparser.AliasedTableExpr:
		name, ok := e.Expr.(sqlparser.TableName)
		if !ok || e.AsOf != nil || name.Name.IsEmpty() {
			return
		}
		if q := name.DbQualifier.String(); q == "" && w.ctes[strings.ToLower(name.Name.String())] || SystemSchema(q) ||
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

func SystemSchema(name string) bool {
	switch strings.ToLower(name) {
	case "information_schema", "performance_schema", "mysql", "sys":
		return true
	}
	return false
}

// LockStatement marks locks in a statement and in those within it.
func LockStatement(st sqlparser.Statement) (locking bool, err error) {
	inner := func(in sqlparser.Statement) {
		l, e := LockStatement(in)
		locking, err = locking || l, errors.Join(err, e)
	}
	locking, err = markLocks(st)
	eachInner(st, inner)
	if n, ok := st.(*sqlparser.DDL); ok {
		own := locking // a body's locks are those of its own statements
		switch {
		case n.TriggerSpec != nil && n.TriggerSpec.Body != nil:
			inner(n.TriggerSpec.Body)
		case n.ProcedureSpec != nil && n.ProcedureSpec.Body != nil:
			inner(n.ProcedureSpec.Body)
		case n.EventSpec != nil && n.EventSpec.Body != nil:
			inner(n.EventSpec.Body)
		}
		locking = own
	}
	return locking, err
}

// eachInner visits the statements directly within a compound one.
func eachInner(st sqlparser.Statement, f func(sqlparser.Statement)) {
	each := func(list sqlparser.Statements) {
		for _, s := range list {
			f(s)
		}
	}
	switch n := st.(type) {
	case *sqlparser.BeginEndBlock:
		each(n.Statements)
	case *sqlparser.IfStatement:
		for i := range n.Conditions {
			each(n.Conditions[i].Statements)
		}
		each(n.Else)
	case *sqlparser.CaseStatement:
		for i := range n.Cases {
			each(n.Cases[i].Statements)
		}
		each(n.Else)
	case *sqlparser.Loop:
		each(n.Statements)
	case *sqlparser.While:
		each(n.Statements)
	case *sqlparser.Repeat:
		each(n.Statements)
	case *sqlparser.Declare:
		if n.Handler != nil && n.Handler.Statement != nil {
			f(n.Handler.Statement)
		}
	}
}

// NamedTables calls fn for the tables that a FROM names, with the name that each goes by there. Those of subqueries are left out.
func NamedTables(from sqlparser.TableExprs, fn func(t sqlparser.TableName, alias string)) {
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.Subquery:
			return false, nil
		case *sqlparser.AliasedTableExpr:
			if t, ok := n.Expr.(sqlparser.TableName); ok {
				alias := n.As.String()
				if alias == "" {
					alias = t.Name.String()
				}
				fn(t, alias)
			}
		}
		return true, nil
	}, from)
}
