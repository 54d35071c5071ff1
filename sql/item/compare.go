package item

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/row"
	weights "github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

// way is what two values are compared as.
type way uint8

const (
	asNothing way = iota // the library knows
	asInt
	asDecimal
	asReal
	asText
	asMoment
	asSpan
	asJSON // as documents: numbers exactly, what is of another kind never
)

// comparator compares values of two static types.
type comparator struct {
	way
	coll row.Collator
	year bool // a column of type YEAR with a constant: 5 is 2005
}

// wayOf is MySQL's choice of what two types are compared as.
func wayOf(a, b *Attr) way {
	switch {
	case a.Kind == Other || b.Kind == Other || a.Kind == JSON || b.Kind == JSON:
		return asNothing
	case a.Kind == Null && b.Kind == Null:
		return asText
	case a.Kind == Null:
		return wayOf(b, b)
	case b.Kind == Null:
		return wayOf(a, a)
	case a.dated() && (b.temporal() || b.text()) || b.dated() && (a.temporal() || a.text()):
		return asMoment
	case a.Kind == Time && b.Kind == Time, a.Kind == Time && b.text() && b.Const, b.Kind == Time && a.text() && a.Const:
		return asSpan
	case a.dated() && b.Const || b.dated() && a.Const:
		return asMoment
	case a.temporal() != b.temporal() && !a.text() && !b.text():
		return asReal
	case a.Kind == Time && b.text() || b.Kind == Time && a.text():
		return asText
	case a.text() && b.text():
		return asText
	case a.exactNumber() && b.exactNumber():
		if a.integer() && b.integer() {
			return asInt
		}
		return asDecimal
	}
	return asReal
}

// exactNumber reports whether the type is an exact number.
func (a *Attr) exactNumber() bool { return a.integer() || a.Kind == Decimal }

// newComparator compares l with r, texts in the collation of all that the operation compares: those two where nothing else is said.
func newComparator(c *sql.Context, l, r *arg, op string, all ...*Attr) (comparator, error) {
	k := comparator{way: wayOf(&l.Attr, &r.Attr)}
	switch k.way {
	case asText:
		if all == nil {
			all = []*Attr{&l.Attr, &r.Attr}
		}
		coll, err := compared(c, op, all...)
		if err != nil {
			return k, err
		}
		k.setCollation(coll)
	case asInt, asDecimal:
		k.year = l.yearWith(c, r) || r.yearWith(c, l)
	case asReal:
		// A whole number in quotes is compared as what it is.
		if l.integer() && wholeLiteral(c, r) || r.integer() && wholeLiteral(c, l) {
			k.way = asInt
			k.year = l.yearWith(c, r) || r.yearWith(c, l)
		}
	case asMoment:
		for _, p := range [2][2]*arg{{l, r}, {r, l}} {
			if err := p[0].checkDate(c, p[1]); err != nil {
				return k, err
			}
		}
		if err := k.noMoment(c, l, r); err != nil {
			return k, err
		}
	}
	return k, nil
}

// noMoment makes a comparison of numbers of one between a time and a constant number that is no date.
func (k *comparator) noMoment(c *sql.Context, list ...*arg) error {
	for _, a := range list {
		if k.way != asMoment || !a.numeric() {
			continue
		}
		v, err := a.value(c, nil)
		if err != nil {
			return err
		}
		if s, err := a.toText(c, v); err == nil && v != nil {
			if _, ok := numberMoment(s); !ok {
				k.way = asReal
			}
		}
	}
	return nil
}

func (a *Attr) numeric() bool { return a.exactNumber() || a.Kind == Real }

func (k *comparator) setCollation(coll sql.CollationID) {
	if coll != sql.Collation_binary {
		k.coll = weights.For(uint16(coll))
	}
}

// checkDate refuses a constant text that is no date where it is compared with one (1525).
func (a *arg) checkDate(c *sql.Context, text *arg) error {
	if !a.dated() || text.Kind != String || !text.Const {
		return nil
	}
	v, err := text.value(c, nil)
	if err != nil || v == nil {
		return err
	}
	s, err := text.toText(c, v)
	if err != nil {
		return err
	}
	if _, ok := ParseMoment(c, s); ok {
		return nil
	}
	what := "DATETIME"
	switch {
	case a.Kind == Date:
		what = "DATE"
	case strings.HasPrefix(strings.ToLower(a.typ.String()), "timestamp"):
		what = "TIMESTAMP"
	}
	return mysqlerr.New(mysqlerr.ER_WRONG_VALUE, what, s)
}

// wholeLiteral reports whether a is a literal text that holds an integer and nothing else.
func wholeLiteral(c *sql.Context, a *arg) bool {
	if !a.Const || a.Kind != String || a.Hex {
		return false
	}
	v, err := a.value(c, nil)
	if err != nil || v == nil {
		return false
	}
	s, err := a.toText(c, v)
	if err != nil {
		return false
	}
	t := strings.TrimPrefix(s, "-")
	return t != "" && len(t) < 20 && strings.Trim(t, "0123456789") == ""
}

// compare compares two values that are not NULL; ok is false if one has no value in this way, which makes the result NULL.
func (k *comparator) compare(c *sql.Context, l, r *arg, lv, rv any) (cmp int, ok bool, err error) {
	switch k.way {
	case asInt:
		x, err := l.toInteger(c, lv)
		if err != nil {
			return 0, false, err
		}
		y, err := r.toInteger(c, rv)
		if err != nil {
			return 0, false, err
		}
		if k.year {
			x, y = l.yearOf(x), r.yearOf(y)
		}
		return x.cmp(y), true, nil
	case asDecimal:
		x, err := l.toDecimal(c, lv)
		if err != nil {
			return 0, false, err
		}
		y, err := r.toDecimal(c, rv)
		if err != nil {
			return 0, false, err
		}
		if k.year {
			x, y = l.yearOfDecimal(x), r.yearOfDecimal(y)
		}
		return x.Cmp(y), true, nil
	case asReal:
		x, err := l.toFloat(c, lv)
		if err != nil {
			return 0, false, err
		}
		y, err := r.toFloat(c, rv)
		if err != nil {
			return 0, false, err
		}
		return compare(x, y), true, nil
	case asMoment:
		x, okX, err := l.comparedMoment(c, lv)
		if err != nil {
			return 0, false, err
		}
		y, okY, err := r.comparedMoment(c, rv)
		if err != nil {
			return 0, false, err
		}
		return temporal.Compare(x, y), okX && okY, nil
	case asSpan:
		x, okX, err := l.span(c, lv)
		if err != nil {
			return 0, false, err
		}
		y, okY, err := r.span(c, rv)
		if err != nil {
			return 0, false, err
		}
		return x.Compare(y), okX && okY, nil
	case asJSON:
		n, err := jsondoc.Compare(l.document(lv), r.document(rv))
		return n, true, err
	}
	x, err := l.toText(c, lv)
	if err != nil {
		return 0, false, err
	}
	y, err := r.toText(c, rv)
	if err != nil {
		return 0, false, err
	}
	return k.texts(x, y), true, nil
}

// comparesDocuments reports whether a document is compared with another or with a number or text.
func comparesDocuments(a, b *Attr) bool {
	plain := func(a *Attr) bool {
		return a.Kind == JSON || a.numeric() || a.Kind == String && a.Coll != sql.Collation_binary
	}
	return (a.Kind == JSON || b.Kind == JSON) && plain(a) && plain(b)
}

// document is a value as one of documents: a text is a string.
func (a *arg) document(v any) any {
	switch x := v.(type) {
	case []byte:
		return string(x)
	case int8:
		if a.Bool {
			return x != 0
		}
	}
	return v
}

// comparedMoment is moment for a comparison: a text that is no date counts as 0000-00-00 there, not as NULL (get_datetime_value).
func (a *arg) comparedMoment(c *sql.Context, v any) (time.Time, bool, error) {
	t, ok, err := a.moment(c, v)
	if err == nil && !ok && a.text() {
		return types.ZeroTime, true, nil
	}
	return t, ok, err
}

func (k *comparator) texts(x, y string) int {
	if x == y {
		return 0
	}
	if k.coll == nil {
		return compare(x, y)
	}
	var b1, b2 [128]byte
	return bytes.Compare(k.coll.AppendWeights(b1[:0], []byte(x)), k.coll.AppendWeights(b2[:0], []byte(y)))
}

// yearWith reports whether a is a column of type YEAR that is compared with a constant: MySQL stores that into the column's type first
// (convert_constant_item). What is computed of a YEAR is a number.
func (a *arg) yearWith(c *sql.Context, with *arg) bool {
	f, ok := a.Expression.(*expression.GetField)
	if !ok || a.Kind != Year || f.Table() == "" || with.Kind == Year {
		return false
	}
	kept, ok := with.Expression.(*held)
	return ok && kept.once || constant(c, with.Expression)
}

// yearOf makes a year of a constant of one or two digits.
func (a *arg) yearOf(n integer) integer {
	if a.Kind != Year && !n.unsigned && n.bits > 0 && n.bits < 100 {
		if n.bits < 70 {
			n.bits += 2000
		} else {
			n.bits += 1900
		}
	}
	return n
}

// yearOfDecimal is yearOf, of a constant that is rounded: storing a DECIMAL into a YEAR is no error (Field_num::store_decimal), so that 2003 = 2.9.
func (a *arg) yearOfDecimal(d *apd.Decimal) *apd.Decimal {
	n, fits := decimalInteger(d)
	if !fits || n.unsigned || n.bits < 0 || n.bits >= 100 && n.bits <= 1900 || n.bits > 2155 {
		return d
	}
	return a.yearOf(n).decimal()
}

// comparison is one of = <=> < <= > >=, of single values or rows.
type comparison struct {
	op   string
	l, r []arg
	ways []comparator
}

// newComparison returns nil where the library compares better.
func newComparison(c *sql.Context, env *Env, op string, left, right sql.Expression) (*comparison, error) {
	x := &comparison{op: op}
	l, r := unrow(left), unrow(right)
	if len(l) != len(r) {
		return nil, nil
	}
	x.l, x.r = newArgs(c, env, l), newArgs(c, env, r)
	for i := range x.l {
		if isRow(l[i]) || isRow(r[i]) {
			return nil, nil
		}
		k, err := newComparator(c, &x.l[i], &x.r[i], op)
		if err == nil && k.way == asNothing && comparesDocuments(&x.l[i].Attr, &x.r[i].Attr) {
			k.way = asJSON
		}
		if err != nil || k.way == asNothing {
			return nil, err
		}
		k.year = k.year && len(x.l) == 1 // rows compare without looking at constants
		x.ways = append(x.ways, k)
	}
	return x, nil
}

// rowOf is one expression of several.
func rowOf(list []sql.Expression) sql.Expression {
	if len(list) == 1 {
		return list[0]
	}
	return expression.Tuple(list)
}

// Children are the elements of both rows.
func (x *comparison) Children() []sql.Expression { return append(exprs(x.l), exprs(x.r)...) }

func (x *comparison) Resolved() bool { return expression.ExpressionsResolved(x.Children()...) }

func isRow(e sql.Expression) bool {
	t, ok := e.(expression.Tuple)
	return ok && len(t) > 1
}

// unrow is the elements of a row, or e alone.
func unrow(e sql.Expression) []sql.Expression {
	if t, ok := e.(expression.Tuple); ok {
		if len(t) == 1 {
			return unrow(t[0])
		}
		return t
	}
	return []sql.Expression{e}
}

func (x *comparison) attr() Attr { return boolean }

// boolean is the static type of a condition.
var boolean = Attr{Kind: Int, Prec: 1, Bool: true, Coerc: 5, typ: types.Boolean}

func (x *comparison) Type(*sql.Context) sql.Type { return types.Boolean }
func (x *comparison) IsNullable(c *sql.Context) bool {
	if x.op == "<=>" {
		return false
	}
	for i := range x.ways {
		if x.ways[i].way == asMoment || x.ways[i].way == asSpan || x.l[i].IsNullable(c) || x.r[i].IsNullable(c) {
			return true
		}
	}
	return false
}

func (x *comparison) String() string {
	return fmt.Sprintf("(%s %s %s)", rowOf(exprs(x.l)), x.op, rowOf(exprs(x.r)))
}

func (x *comparison) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (x *comparison) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	n := len(x.l)
	if len(ch) != 2*n {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), 2*n)
	}
	ch = unfolded(c, append(x.l[:n:n], x.r...), ch)
	l, r := rowOf(ch[:n:n]), rowOf(ch[n:])
	out, err := newComparison(c, x.l[0].env, x.op, l, r)
	if err != nil {
		return nil, err
	}
	if out == nil {
		return Native(x.op, l, r), nil
	}
	return out, nil
}

// Native is the library's comparison by an operator.
func Native(op string, l, r sql.Expression) sql.Expression {
	switch op {
	case "=":
		return expression.NewEquals(l, r)
	case "<=>":
		return expression.NewNullSafeEquals(l, r)
	case "<":
		return expression.NewLessThan(l, r)
	case "<=":
		return expression.NewLessThanOrEqual(l, r)
	case ">":
		return expression.NewGreaterThan(l, r)
	case ">=":
		return expression.NewGreaterThanOrEqual(l, r)
	}
	return expression.NewNot(expression.NewEquals(l, r))
}

func (x *comparison) Eval(c *sql.Context, r sql.Row) (any, error) {
	null := false
	for i := range x.l {
		lv, err := x.l[i].value(c, r)
		if err != nil {
			return nil, err
		}
		if lv == nil && len(x.l) == 1 && x.op != "<=>" {
			return nil, nil
		}
		rv, err := x.r[i].value(c, r)
		if err != nil {
			return nil, err
		}
		cmp, ok := 0, lv != nil && rv != nil
		if ok {
			if cmp, ok, err = x.ways[i].compare(c, &x.l[i], &x.r[i], lv, rv); err != nil {
				return nil, err
			}
		} else if x.op == "<=>" {
			if lv != nil || rv != nil {
				return false, nil
			}
			continue
		}
		switch {
		case !ok:
			if x.op != "=" && x.op != "<=>" {
				return nil, nil
			}
			null = null || x.op == "="
			if x.op == "<=>" {
				return false, nil
			}
		case cmp == 0:
		case x.op == "=" || x.op == "<=>":
			return false, nil
		default:
			return cmp < 0 == (x.op[0] == '<'), nil
		}
	}
	if null {
		return nil, nil
	}
	return len(x.op) > 1 || x.op == "=", nil
}
