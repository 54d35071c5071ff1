package general

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

func init() {
	ownFunctions[grammar.QuantifiedFunction] = func(*Engine) sql.Function {
		return sql.FunctionN{Name: grammar.QuantifiedFunction, Fn: newQuantified}
	}
	ownFunctions[grammar.IntervalFunction] = func(*Engine) sql.Function {
		return sql.Function2{Name: grammar.IntervalFunction, Fn: func(_ *sql.Context, value, unit sql.Expression) sql.Expression {
			return &composite{expression.BinaryExpressionStub{LeftChild: value, RightChild: unit}}
		}}
	}
	ownFunctions[grammar.DefaultFunction] = func(*Engine) sql.Function {
		return sql.Function1{Name: grammar.DefaultFunction, Fn: func(_ *sql.Context, col sql.Expression) sql.Expression {
			return &defaultOf{UnaryExpressionStub: expression.UnaryExpressionStub{Child: col}}
		}}
	}
}

// quantified is value op ANY (subquery) or value op ALL (subquery).
type quantified struct {
	expression.NaryExpression // op, word, value, subquery
	kept                      *atomic.Pointer[deciders]
	compare                   *atomic.Pointer[sql.Expression]
}

func newQuantified(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	if len(args) != 4 {
		return nil, mysqlerr.New(mysqlerr.ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, grammar.QuantifiedFunction)
	}
	if _, ok := args[3].(*plan.Subquery); !ok {
		return nil, fmt.Errorf("%s: a subquery was expected, not %T", grammar.QuantifiedFunction, args[3])
	}
	return &quantified{expression.NaryExpression{ChildExpressions: args}, new(atomic.Pointer[deciders]), new(atomic.Pointer[sql.Expression])}, nil
}

func (q *quantified) Type(*sql.Context) sql.Type   { return types.Boolean }
func (q *quantified) IsNullable(*sql.Context) bool { return true }
func (q *quantified) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (q *quantified) String() string {
	ch := q.ChildExpressions
	return fmt.Sprintf("%s %s %s %s", ch[2], strings.Trim(ch[0].String(), "'"), strings.Trim(ch[1].String(), "'"), ch[3])
}

func (q *quantified) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return newQuantified(c, ch...)
}

func (q *quantified) Eval(c *sql.Context, r sql.Row) (any, error) {
	ch := q.ChildExpressions
	op, err := ch[0].Eval(c, r)
	if err != nil {
		return nil, err
	}
	word, err := ch[1].Eval(c, r)
	if err != nil {
		return nil, err
	}
	left, err := ch[2].Eval(c, r)
	if err != nil {
		return nil, err
	}
	sub := ch[3].(*plan.Subquery)
	list, err := sub.EvalMultiple(c, r)
	if err != nil {
		return nil, err
	}
	if list, err = q.decisive(c, op.(string), word == "ANY", sub, list); err != nil {
		return nil, err
	}
	compare, err := q.comparison(c, op.(string), sub)
	if err != nil {
		return nil, err
	}
	// ANY looks for a comparison that holds, ALL for one that does not.
	any, null := word == "ANY", false
	for _, v := range list {
		if v == nil || left == nil {
			null = true
			continue
		}
		res, err := compare(left, v)
		if err != nil {
			return nil, err
		}
		if res == nil {
			null = true
		} else if sql.IsTrue(res) == any {
			return any, nil
		}
	}
	if null {
		return nil, nil
	}
	return !any, nil
}

// comparison compares a value with one of the subquery's. Where both have types that compare without a look at constants one expression serves all values.
func (q *quantified) comparison(c *sql.Context, op string, sub *plan.Subquery) (func(left, right any) (any, error), error) {
	if kept := q.compare.Load(); kept != nil {
		return func(left, right any) (any, error) { return (*kept).Eval(c, sql.Row{left, right}) }, nil
	}
	value := q.ChildExpressions[2]
	lt, rt := value.Type(c), sub.Type(c)
	if types.IsTextOnly(lt) && types.IsTextOnly(rt) {
		coll, strength := sql.GetCoercibility(c, value)
		sc, ss := sql.GetCoercibility(c, sub)
		both, _ := sql.ResolveCoercibility(coll, strength, sc, ss)
		t := types.CreateLongText(both)
		lt, rt = t, t
	}
	of := func(left, right sql.Expression) (sql.Expression, error) {
		cmp, err := (finisher{env: &item.Env{}}).finished(c, item.Native(op, left, right))
		if cmp == nil && err == nil {
			cmp = item.Native(op, left, right)
		}
		return cmp, err
	}
	if types.IsNumber(lt) && types.IsNumber(rt) || lt.Equals(rt) && (types.IsTextOnly(lt) || types.IsTime(lt)) {
		cmp, err := of(expression.NewGetField(0, lt, "", true), expression.NewGetField(1, rt, "", true))
		if err != nil {
			return nil, err
		}
		q.compare.Store(&cmp)
		return func(left, right any) (any, error) { return cmp.Eval(c, sql.Row{left, right}) }, nil
	}
	return func(left, right any) (any, error) {
		cmp, err := of(expression.NewLiteral(left, lt), expression.NewLiteral(right, rt))
		if err != nil {
			return nil, err
		}
		return cmp.Eval(c, nil)
	}, nil
}

// decisive leaves of what a value is compared with by < <= > >= only what decides: the least or the greatest, and NULL if there is one.
func (q *quantified) decisive(c *sql.Context, op string, anyOf bool, sub *plan.Subquery, list []any) ([]any, error) {
	if len(list) < 3 || op != "<" && op != "<=" && op != ">" && op != ">=" {
		return list, nil
	}
	if kept := q.kept.Load(); kept != nil && len(kept.of) == len(list) && &kept.of[0] == &list[0] { // the subquery keeps a result that does not depend on the row
		return kept.rest, nil
	}
	value, member := q.ChildExpressions[2], expression.NewGetField(0, sub.Type(c), "", true)
	orders, err := (&item.Env{}).Orders(c, item.Native(op, value, member))
	if err != nil || len(orders) != 1 {
		return list, err
	}
	least := anyOf == (op == ">" || op == ">=") // what is the easiest for ANY, the hardest for ALL
	var best, null []any
	for _, v := range list {
		if v == nil {
			null = []any{nil}
			continue
		}
		if best == nil {
			best = []any{v}
			continue
		}
		cmp, ok, err := orders[0].Right.Compare(c, v, best[0])
		if err != nil {
			return nil, err
		}
		if !ok { // no order among them
			return list, nil
		}
		if cmp != 0 && (cmp < 0) == least {
			best[0] = v
		}
	}
	kept := &deciders{list, append(best, null...)}
	q.kept.Store(kept)
	return kept.rest, nil
}

// deciders is a list and what of it decides.
type deciders struct{ of, rest []any }

// composite is the number of months, seconds or microseconds that a composite interval amounts to.
type composite struct {
	expression.BinaryExpressionStub
}

func (i *composite) Type(*sql.Context) sql.Type   { return types.Int64 }
func (i *composite) IsNullable(*sql.Context) bool { return true }
func (i *composite) String() string {
	return fmt.Sprintf("%s(%s,%s)", grammar.IntervalFunction, i.LeftChild, i.RightChild)
}

func (i *composite) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(i, len(ch), 2)
	}
	return &composite{expression.BinaryExpressionStub{LeftChild: ch[0], RightChild: ch[1]}}, nil
}

func (i *composite) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := i.LeftChild.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	unit, err := i.RightChild.Eval(c, r)
	if err != nil {
		return nil, err
	}
	iv, ok := grammar.ParseInterval(displayAny(c, v), fmt.Sprint(unit))
	switch {
	case !ok:
		return nil, nil
	case unit == "YEAR_MONTH":
		return iv.Months, nil
	case strings.HasSuffix(fmt.Sprint(unit), "MICROSECOND"):
		return iv.Micros, nil
	}
	return iv.Micros / 1e6, nil
}

// defaultOf is DEFAULT(column).
type defaultOf struct {
	expression.UnaryExpressionStub
	known bool
	value any
}

func (d *defaultOf) Type(c *sql.Context) sql.Type { return d.Child.Type(c) }
func (d *defaultOf) IsNullable(*sql.Context) bool { return true }
func (d *defaultOf) String() string               { return fmt.Sprintf("default(%s)", d.Child) }
func (d *defaultOf) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, d.Child)
}

func (d *defaultOf) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(d, len(ch), 1)
	}
	return &defaultOf{UnaryExpressionStub: expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (d *defaultOf) Eval(c *sql.Context, _ sql.Row) (any, error) {
	if d.known {
		return d.value, nil
	}
	s := sessionOf(c)
	if row, ok := d.Child.(*assigned); ok && s != nil && s.cur != nil && s.cur.assigned != nil {
		return d.ofColumn(c, s, s.cur.assigned.m, row.column)
	}
	gf, ok := d.Child.(*expression.GetField)
	if !ok || s == nil || s.cur == nil {
		return nil, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, d.Child.String(), "field list")
	}
	schema := gf.Database()
	if schema == "" {
		schema = c.GetCurrentDatabase()
	}
	def, err := s.definition(c, schema, gf.Table())
	if err != nil {
		return nil, err
	}
	m, err := s.e.metas.Get(c, def)
	if err != nil {
		return nil, err
	}
	if i := m.Schema.IndexOfColName(gf.Name()); i >= 0 {
		return d.ofColumn(c, s, m, i)
	}
	return nil, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, gf.Name(), "field list")
}

// ofColumn is the default of a table's column, computed once.
func (d *defaultOf) ofColumn(c *sql.Context, s *Session, m *tabledef.Table, i int) (any, error) {
	col, a := m.Schema[i], &m.Columns[i]
	switch {
	case a.Default != "" && !a.Literal: // an expression, for which MySQL has no DEFAULT()
		return nil, mysqlerr.NewMessage(3771, "DEFAULT function cannot be used with default value expressions")
	case a.Default != "":
		_, rows, err := s.query(c, s.cur, "SELECT "+a.Default)
		if err != nil {
			return nil, err
		}
		if len(rows) == 1 && len(rows[0]) == 1 && rows[0][0] != nil {
			if d.value, _, err = datum.Round(c, col.Type, rows[0][0]); err != nil {
				return nil, err
			}
		}
	case !col.Nullable:
		return nil, mysqlerr.New(mysqlerr.ER_NO_DEFAULT_FOR_FIELD, col.Name)
	}
	d.known = true
	return d.value, nil
}
