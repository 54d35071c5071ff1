package general

import (
	"reflect"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/multi"
)

// Multi-valued indexes as they narrow tables: value MEMBER OF (array), JSON_CONTAINS(array, value), JSON_OVERLAPS(array, value), where the array is the
// expression that an index casts and the value is known. The condition is asked again of each row found.

// multiSearch narrows a table to rows whose array holds values.
type multiSearch struct {
	index    int // in the definition
	of       elementType
	function string // grammar.MemberFunction, json_contains, json_overlaps
	value    sql.Expression
}

// multiNarrows is narrowBy for what is asked of arrays.
func multiNarrows(c *sql.Context, b *base, alias string, e sql.Expression) narrowing {
	if !b.hasArrays() {
		return nil
	}
	f, ok := item.Plain(asked(c, e)).(sql.FunctionExpression)
	if !ok {
		return nil
	}
	n := &multiSearch{function: strings.ToLower(f.FunctionName())}
	args := slices.DeleteFunc(slices.Clone(f.Children()), func(x sql.Expression) bool { return x == nil })
	if len(args) != 2 {
		return nil
	}
	of, value := args[0], args[1]
	switch n.function {
	case grammar.MemberFunction:
		of, value = value, of
	case "json_contains":
	case "json_overlaps":
		if some, _ := ofTable(c, alias, of); !some {
			of, value = value, of
		}
	default:
		return nil
	}
	if some, only := ofTable(c, alias, of); !some || !only || !settled(c, value) {
		return nil
	}
	exprs, err := b.generated(c)
	if err != nil {
		return nil
	}
	for i := range b.m.Def.Indexes {
		ix := &b.m.Def.Indexes[i]
		at, ok := multi.ParseKind(ix.Kind)
		if !ok || b.m.Indexes[i].Invisible || slices.ContainsFunc(b.keeps, func(keep func(string) bool) bool { return !keep(ix.Name) }) {
			continue
		}
		x := exprs[ix.Parts[at].Column]
		if v, ok := x.(*sql.ColumnDefaultValue); ok {
			x = v.Expr
		}
		a, ok := x.(*arrayCast)
		if ok && sameOfRow(c, alias, a.ChildExpressions[0], of) {
			n.index, n.of, n.value = i, a.of, value
			return n
		}
	}
	return nil
}

// asked is what an expression compares with true, as in e = 1; e itself otherwise.
func asked(c *sql.Context, e sql.Expression) sql.Expression {
	e = item.Plain(e)
	if op, l, r, ok := item.Compared(e); ok && op == "=" {
		if literalIs(c, item.Plain(r), 1) {
			return l
		}
		if literalIs(c, item.Plain(l), 1) {
			return r
		}
	}
	return e
}

// hasArrays reports whether some index of the table is multi-valued.
func (b *base) hasArrays() bool {
	return slices.ContainsFunc(b.m.Def.Indexes, func(ix table.Index) bool { _, ok := multi.ParseKind(ix.Kind); return ok })
}

// sameOfRow reports whether e, of a statement, is the expression of, of the table called alias: functions of the same names over the same columns and literals.
func sameOfRow(c *sql.Context, alias string, of, e sql.Expression) bool {
	of, e = bareOperand(item.Given(of)), bareOperand(item.Given(e))
	switch x := of.(type) {
	case *expression.GetField:
		gf, ok := e.(*expression.GetField)
		return ok && strings.EqualFold(gf.Table(), alias) && strings.EqualFold(gf.Name(), x.Name())
	case *expression.Literal:
		l, ok := e.(*expression.Literal)
		return ok && types.IsText(x.Type(c)) == types.IsText(l.Type(c)) && reflect.DeepEqual(x.Value(), l.Value())
	}
	a, b := of.Children(), e.Children()
	if len(a) != len(b) {
		return false
	}
	f, ok1 := of.(sql.FunctionExpression)
	g, ok2 := e.(sql.FunctionExpression)
	switch {
	case ok1 != ok2:
		return false
	case ok1:
		if !strings.EqualFold(f.FunctionName(), g.FunctionName()) {
			return false
		}
	case reflect.TypeOf(of) != reflect.TypeOf(e) || !strings.EqualFold(ownText(c, of), ownText(c, e)):
		return false
	}
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) || a[i] != nil && !sameOfRow(c, alias, a[i], b[i]) {
			return false
		}
	}
	return true
}

func (n *multiSearch) explain(c *sql.Context, b *base, a *access) {
	a.key = b.m.Def.Indexes[n.index].Name
	a.kind, a.possible, a.keyLen, a.ref, a.rows = "range", []string{a.key}, n.of.keyLen(), nil, 1
	if n.function == grammar.MemberFunction {
		a.kind, a.ref = "ref", []string{"const"}
	}
	if rows, err := n.refs(c, b, grammar.LockMode{}); err == nil && len(rows) > 0 {
		a.rows = uint64(len(rows))
	}
}

// keys are those of the values; ok is false if the index cannot tell: a value that no element may have, or none.
func (n *multiSearch) keys(c *sql.Context) (keys [][]byte, ok bool, err error) {
	value := jsonValue
	if n.function == grammar.MemberFunction {
		value = memberValue
	}
	v, null, err := value(c, n.value, nil)
	if err != nil || null {
		return nil, false, nil // the condition says so of the first row
	}
	list, array := v.([]any)
	if !array || n.function == grammar.MemberFunction {
		list = []any{v}
	}
	for _, v := range list {
		key, err := n.of.key(c, v)
		if err != nil {
			return nil, false, nil
		}
		keys = append(keys, key)
	}
	return keys, len(keys) > 0, nil
}

// refs implements narrowing. All values of JSON_CONTAINS are in a row's array: the one that the fewest rows have is enough.
func (n *multiSearch) refs(c *sql.Context, b *base, mode grammar.LockMode) ([]foundRow, error) {
	keys, ok, err := n.keys(c)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errMostRows
	}
	t, err := b.ensure(c)
	if err != nil {
		return nil, err
	}
	limit := stopAfter
	if rows, err := t.Count(c); err != nil {
		return nil, err
	} else if mode.Lock == table.LockNone {
		limit = max(fewRows, int(rows)/mostRows)
	}
	if n.function == "json_overlaps" {
		return n.find(c, t, mode, keys, limit)
	}
	var best []foundRow
	if mode.Lock != table.LockNone {
		keys = keys[:1] // no more is locked than is needed
	}
	found := false
	for _, key := range keys {
		rows, err := n.find(c, t, mode, [][]byte{key}, limit)
		if err == errMostRows {
			continue
		}
		if err != nil {
			return nil, err
		}
		best, limit, found = rows, len(rows), true
	}
	if !found {
		return nil, errMostRows
	}
	return best, nil
}

// find gives the rows that have an entry of one of the keys, limit at most.
func (n *multiSearch) find(c *sql.Context, t table.Table, mode grammar.LockMode, keys [][]byte, limit int) ([]foundRow, error) {
	found := newEntryRows(limit)
	o := table.ScanOptions{Index: n.index, Columns: []int{}, Lock: mode.Lock, Policy: mode.Policy}
	for _, key := range keys {
		at := []row.Datum{row.FromBytes(key)}
		o.Range = table.Range{Low: at, High: at}
		if err := eachEntry(c, t, o, found.add); err != nil {
			return nil, err
		}
	}
	return found.sorted(), nil
}
