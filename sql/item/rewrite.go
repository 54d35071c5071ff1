package item

import (
	"math"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	builtin "github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Expr returns what stands for e, whose children have been replaced, nil for e itself. early: plans have not been made yet, and what they use
// indexes for stays the library's where it means the same.
func (n *Env) Expr(c *sql.Context, e sql.Expression, early bool) (sql.Expression, error) {
	if _, done := e.(typed); done {
		return nil, nil
	}
	for _, ch := range e.Children() {
		if ch == nil || opaque(ch) {
			return nil, nil
		}
	}
	switch e := e.(type) {
	case *builtin.DateAdd, *builtin.DateSub, *builtin.TimestampDiff, *builtin.Extract:
		if n.Dates != nil {
			return n.Dates(c, e), nil
		}
		return nil, nil
	case *expression.Equals:
		return n.comparison(c, "=", e, e.Left(), e.Right(), early)
	case *expression.NullSafeEquals:
		return n.comparison(c, "<=>", e, e.Left(), e.Right(), early)
	case *expression.LessThan:
		return n.comparison(c, "<", e, e.Left(), e.Right(), early)
	case *expression.LessThanOrEqual:
		return n.comparison(c, "<=", e, e.Left(), e.Right(), early)
	case *expression.GreaterThan:
		return n.comparison(c, ">", e, e.Left(), e.Right(), early)
	case *expression.GreaterThanOrEqual:
		return n.comparison(c, ">=", e, e.Left(), e.Right(), early)
	case *expression.Between:
		low, high := !ofColumns(c, e.Lower), !ofColumns(c, e.Upper)
		if early && low == high && n.indexable(c, ">=", e.Val, e.Lower) && n.indexable(c, "<=", e.Val, e.Upper) {
			return nil, nil
		}
		x, err := newBetween(c, n, e.Val, e.Lower, e.Upper)
		if early && x != nil && err == nil { // both bounds are computed of each row that the one without columns leaves
			switch {
			case low && !high && n.indexable(c, ">=", e.Val, e.Lower):
				return expression.NewAnd(x, Native(">=", e.Val, e.Lower)), nil
			case high && !low && n.indexable(c, "<=", e.Val, e.Upper):
				return expression.NewAnd(x, Native("<=", e.Val, e.Upper)), nil
			}
		}
		return some(x, x != nil, err)
	case *expression.InTuple:
		return n.in(c, e.Left(), e.Right(), early)
	case *expression.HashInTuple:
		return n.in(c, e.Left(), e.Right(), early)
	case *plan.InSubquery:
		if q, ok := e.RightChild.(*plan.Subquery); ok {
			x, err := n.inSubquery(c, e.LeftChild, q, early)
			return some(x, x != nil, err)
		}
		return nil, nil
	case *expression.Arithmetic:
		if x, err := n.shifted(c, e); x != nil || err != nil {
			return x, err
		}
		return n.arithmetic(c, e.Op, e)
	case *expression.Div:
		return n.arithmetic(c, "/", e)
	case *expression.Mod:
		return n.arithmetic(c, "%", e)
	case *expression.IntDiv:
		return n.arithmetic(c, "div", e)
	case *expression.BitOp:
		if n.known(c, e) {
			return newBitwise(c, n, e.Op, e.String(), e.Children()), nil
		}
	case *expression.UnaryMinus:
		if n.known(c, e) {
			return newNegation(c, n, e.String(), e.Child), nil
		}
	case *expression.Case:
		x, err := newChoice(c, n, "case", e.String(), e.Children(), e.Expr != nil, e.Else != nil)
		return some(x, x != nil, err)
	case *expression.Convert:
		x, err := newCast(c, n, e.String(), e.Child)
		return some(x, x != nil, err)
	case *expression.Literal: // of an introducer before bytes, which have been decoded
		if b, ok := e.Value().([]byte); ok && types.IsTextOnly(e.Type(c)) {
			return expression.NewLiteral(string(b), e.Type(c)), nil
		}
	case *expression.ConvertUsing:
		if n.known(c, e) {
			return newRecoded(c, n, e.String(), e.Child, e.TargetCharSet.DefaultCollation(), 2), nil
		}
	case *expression.IsTrue:
		if n.known(c, e) {
			op := "is true"
			if strings.HasSuffix(e.String(), expression.IsFalseStr) {
				op = "is false"
			}
			return newCondition(c, n, op, e.String(), e.Children()), nil
		}
	case *expression.IsNull:
		if neverNull(e.Child) {
			return newCondition(c, n, "is null", e.String(), e.Children()), nil
		}
		// The planner takes a column of the outer query for one of the same name of a table of its own.
		if f, ok := e.Child.(*expression.GetField); early && ok && f.Id() > 0 && n.Outer.Contains(f.Id()) && n.known(c, e) {
			return newCondition(c, n, "is null", e.String(), e.Children()), nil
		}
	case *expression.Not:
		if n.known(c, e) && !(early && simple(e.Child)) {
			return newCondition(c, n, "not", e.String(), e.Children()), nil
		}
	case *expression.EnumToString:
		if _, ok := e.Enum.Type(c).(sql.EnumType); !ok { // computed of one: a text already
			return e.Enum, nil
		}
	case *expression.Xor:
		if n.known(c, e) {
			return newCondition(c, n, "xor", e.String(), e.Children()), nil
		}
	case *expression.And, *expression.Or:
		return n.conditions(c, e)
	case *expression.Like:
		l, r := Of(c, e.LeftChild), Of(c, e.RightChild)
		coll, err := compared(c, "like", &l, &r)
		if err != nil && l.Kind != Other && r.Kind != Other {
			return nil, err
		}
		changed := true
		switch {
		case err == nil && coll == sql.Collation_binary && l.text() && l.Coll != sql.Collation_binary: // the library goes by the left side
			e = expression.NewLike(newEncoded(c, n, e.LeftChild), e.RightChild, e.Escape).(*expression.Like)
		case early && e.Escape == nil && escapes(e.RightChild):
			e = expression.NewLike(e.LeftChild, e.RightChild, expression.NewLiteral(`\`, types.LongText)).(*expression.Like)
		default:
			changed = false
		}
		x, err := n.give(c, e, "ss-")
		if x == nil && changed {
			x = e
		}
		return x, err
	case sql.Aggregation:
		return n.aggregate(c, e)
	case sql.FunctionExpression:
		return n.function(c, e)
	}
	return nil, nil
}

// escapes reports whether LIKE's pattern, a parameter's value, has no wildcard or has a backslash: unless an escape character is named, the planner
// makes an = of the one and takes the backslash of the other for itself.
func escapes(pattern sql.Expression) bool {
	l, ok := pattern.(*expression.Literal)
	if !ok {
		return false
	}
	s, ok := l.Value().(string)
	return ok && s != "" && (!strings.ContainsAny(s, "%_") || strings.Contains(s, `\`))
}

// some is x if have, without a nil in an interface.
func some(x sql.Expression, have bool, err error) (sql.Expression, error) {
	if err != nil || !have {
		return nil, err
	}
	return x, nil
}

// opaque names expressions that have no type yet.
func opaque(e sql.Expression) bool {
	switch e := e.(type) {
	case *expression.DefaultColumn, *expression.BindVar, *expression.Star, *expression.Wrapper, *expression.UnresolvedColumn:
		return true
	case expression.Tuple:
		for _, x := range e {
			if x == nil || opaque(x) {
				return true
			}
		}
	}
	return !e.Resolved()
}

// simple names conditions that the planner turns around under NOT and finds indexes for.
func simple(e sql.Expression) bool {
	switch e.(type) {
	case *expression.Equals, *expression.NullSafeEquals, *expression.LessThan, *expression.LessThanOrEqual, *expression.GreaterThan, *expression.GreaterThanOrEqual,
		*expression.Between, *expression.InTuple, *plan.InSubquery, *plan.ExistsSubquery, *expression.IsNull:
		return true
	}
	return false
}

// ofColumns reports whether e may have another value for another row.
func ofColumns(c *sql.Context, e sql.Expression) bool {
	is := false
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		_, column := e.(*expression.GetField)
		is = is || column
		return !is
	})
	return is
}

// known reports whether all arguments have types that this package knows.
func (n *Env) known(c *sql.Context, e sql.Expression) bool {
	for _, x := range e.Children() {
		if _, row := x.(expression.Tuple); row {
			return false
		}
		if k := Of(c, x).Kind; k == Other {
			return false
		}
	}
	return true
}

func (n *Env) comparison(c *sql.Context, op string, _, left, right sql.Expression, early bool) (sql.Expression, error) {
	if early && n.indexable(c, op, left, right) {
		if n.Names { // a text that changed would be no column's; the planner looks into conditions only
			return nil, nil
		}
		l, same1 := hashable(c, left)
		r, same2 := hashable(c, right)
		if same1 && same2 {
			return nil, nil
		}
		return Native(op, l, r), nil
	}
	x, err := newComparison(c, n, op, left, right)
	if x == nil || err != nil {
		return nil, err
	}
	if early && !n.Names && op == "=" {
		if n.greatIntegers(c, left, right) {
			return expression.NewAnd(Native("=", left, right), x), nil
		}
		if found := n.foundBy(c, left, right); found != nil {
			return expression.NewAnd(found, x), nil
		}
		if found := n.foundAs(c, left, right); found != nil {
			return expression.NewAnd(x, found), nil // each row that is looked at warns
		}
	}
	return x, nil
}

// greatIntegers reports whether a column is compared with an integer of the other signedness and both have so many digits that floating numbers lose some: the
// library's comparison, by which indexes are looked up and joins hash, finds what is equal, and maybe more.
func (n *Env) greatIntegers(c *sql.Context, left, right sql.Expression) bool {
	l, r := newArg(c, n, left), newArg(c, n, right)
	return (n.column(left) || n.column(right)) && l.Kind == Int && r.Kind == Int && !l.Const && !r.Const && l.Unsigned != r.Unsigned
}

// foundBy is the comparison that an index finds all rows by, and maybe more, that a comparison of a column's bytes with a text's finds: the same bytes are
// the same text in each collation. nil: there is none.
func (n *Env) foundBy(c *sql.Context, left, right sql.Expression) sql.Expression {
	if !n.column(left) {
		left, right = right, left
	}
	text := underBytes(right)
	if text == nil || !n.indexable(c, "=", left, text) {
		return nil
	}
	if a, b := Of(c, left), Of(c, text); a.Coll.CharacterSet() != b.Coll.CharacterSet() && !(inUTF8(a.Coll) && inUTF8(b.Coll)) {
		return nil
	}
	return Native("=", left, text)
}

// foundAs is the comparison that an index finds the rows by whose whole number equals a literal that is none: a text that begins with it, or has no number and is 0, or
// a number with a fraction, which equals nothing. nil: there is none. As floating numbers, as they are compared, great whole numbers are no longer each its own.
func (n *Env) foundAs(c *sql.Context, left, right sql.Expression) sql.Expression {
	const distinct = 1 << 53
	if !n.column(left) {
		left, right = right, left
	}
	column, with := newArg(c, n, left), newArg(c, n, right)
	if !n.column(left) || column.Kind != Int || !with.Const || with.Hex || with.Kind != String && with.Kind != Decimal && with.Kind != Real {
		return nil
	}
	v, err := with.value(c, nil)
	if err != nil || v == nil {
		return nil
	}
	if s, ok := with.plain(c, v).(string); ok {
		v, _ = leadingFloat(s)
	}
	f, err := with.toFloat(c, v)
	if err != nil || math.Abs(f) >= distinct {
		return nil
	}
	return Native("=", left, expression.NewLiteral(int64(f), types.Int64))
}

func inUTF8(coll sql.CollationID) bool {
	return strings.HasPrefix(coll.CharacterSet().Name(), "utf8")
}

// underBytes is the text whose bytes e is, or that e gives the order of its code points.
func underBytes(e sql.Expression) sql.Expression {
	switch e := e.(type) {
	case *expression.Binary:
		return e.Child
	case *expression.Convert:
		if e.String() == expression.NewConvert(e.Child, expression.ConvertToBinary).String() {
			return e.Child
		}
	case *expression.CollatedExpression:
		if ch := e.Children(); len(ch) == 1 {
			if coll, _ := e.CollationCoercibility(nil); binaryOrder(coll) {
				return ch[0]
			}
		}
	}
	return nil
}

// indexable reports whether a comparison may be served by an index or a join by keys: one side is a column, and both mean the same to the
// library as to MySQL.
func (n *Env) indexable(c *sql.Context, op string, left, right sql.Expression) bool {
	if lt, ok := left.(expression.Tuple); ok {
		rt, ok := right.(expression.Tuple)
		if !ok || len(lt) != len(rt) {
			return false
		}
		for i := range lt {
			if !n.indexable(c, op, lt[i], rt[i]) {
				return false
			}
		}
		return true
	}
	lf, rf := n.column(left), n.column(right)
	if !lf && !rf {
		return false
	}
	l, r := newArg(c, n, left), newArg(c, n, right)
	if !lf {
		l, r = r, l
	}
	return n.alike(c, op, &l, &r)
}

// column reports whether e is a column of a table of the query itself.
func (n *Env) column(e sql.Expression) bool {
	f, ok := e.(*expression.GetField)
	return ok && !(f.Id() > 0 && n.Outer.Contains(f.Id()))
}

// alike reports whether what column is compared with keeps its value when it is converted to the column's type.
func (n *Env) alike(c *sql.Context, op string, column, with *arg) bool {
	if with.Kind == Null {
		return true
	}
	if with.Const && (with.Kind == String && column.Kind != String || with.Kind == Decimal || with.Kind == Real) {
		return n.literalAlike(c, op, column, with)
	}
	switch column.Kind {
	case Int:
		if with.Kind == Int && !with.Const && op == "<=>" && with.Prec != column.Prec {
			return false
		}
		return with.Kind == Int && (with.Const || with.Unsigned == column.Unsigned || op == "=" && doubles(column, with))
	case String:
		if with.Kind != String || with.Hex && column.Coll != sql.Collation_binary {
			return false
		}
		coll, err := compared(c, op, &column.Attr, &with.Attr)
		if err != nil || coll != column.Coll || !with.Const && with.Coll != column.Coll {
			return false
		}
		if with.Const || op != "<=>" {
			return true
		}
		// A lookup with a longer text finds nothing (lookupKey), which NULL does under <=>.
		a, ok1 := column.typ.(sql.StringType)
		b, ok2 := with.typ.(sql.StringType)
		return ok1 && ok2 && a.MaxCharacterLength() == b.MaxCharacterLength()
	case Decimal:
		if with.Kind == Int && with.Const { // one that the type has no room for is an error to the library
			n, null, err := with.whole(c, nil)
			d := n.decimal()
			return err == nil && !null && (d.IsZero() || d.NumDigits() <= int64(column.Prec-column.Dec))
		}
		return with.Kind == Decimal && with.Dec == column.Dec && with.Prec == column.Prec
	case Real:
		return with.Kind == Real && column.typ == with.typ || with.Kind == Int && with.Const
	case Date, Datetime:
		return with.Kind == column.Kind && with.Dec <= column.Dec
	case Time:
		return with.Kind == Time
	case Bit:
		if !with.Const || with.Kind != Int {
			return false
		}
		n, null, err := with.whole(c, nil) // one that the column has no room for is an error to the library
		t, ok := column.typ.(types.BitType)
		return ok && err == nil && !null && (n.unsigned || n.bits >= 0) && uint64(n.bits)>>(t.NumberOfBits()-1)>>1 == 0
	case Year:
		if with.Const && with.Kind == Int {
			v, null, err := with.whole(c, nil)
			return err == nil && !null && !v.unsigned && v.bits >= 1901 && v.bits <= 2155
		}
		return with.Kind == Year
	}
	return false
}

// doubles reports whether two integers of which one is unsigned are equal where they are so as floating numbers, as the library compares them: one of them has
// fewer digits than those lose.
func doubles(a, b *arg) bool { return min(a.Prec, b.Prec) <= 15 }

// literalAlike is alike for a literal of another kind.
func (n *Env) literalAlike(c *sql.Context, op string, column, with *arg) bool {
	v, err := with.value(c, nil)
	if err != nil || v == nil {
		return false
	}
	s, err := with.toText(c, v)
	if err != nil {
		return false
	}
	switch column.Kind {
	case Decimal:
		return with.Kind == Decimal && with.Dec <= column.Dec && with.Prec-with.Dec <= column.Prec-column.Dec
	case Real:
		return with.Kind != String && column.typ == types.Float64
	case Int:
		return wholeLiteral(c, with)
	case Date, Datetime:
		t, ok := ParseMoment(c, s)
		if !ok || with.Kind != String || len(s) < 10 || op == "in" && (temporal.Odd(t) || t.Year() < 0) { // the library hashes lists of its own dates
			return false
		}
		_, frac, _ := strings.Cut(s, ".")
		return column.Kind == Datetime && len(frac) <= column.Dec || t.Hour()+t.Minute()+t.Second()+t.Nanosecond() == 0 && frac == ""
	case Time:
		_, res := datum.ReadSpan(s)
		return res == temporal.OK && with.Kind == String
	case Enum:
		if e, ok := column.typ.(sql.EnumType); ok && (op == "=" || op == "in" || op == "<=>") {
			return e.IndexOf(s) > 0
		}
	}
	return false
}

func (n *Env) in(c *sql.Context, left, right sql.Expression, early bool) (sql.Expression, error) {
	if list, ok := right.(expression.Tuple); early && ok {
		all := true
		for _, e := range list {
			all = all && n.indexable(c, "in", left, e)
		}
		if all {
			if list, same := hashable(c, right); !same && !n.Names {
				return expression.NewInTuple(left, list), nil
			}
			return nil, nil
		}
	}
	x, err := newInList(c, n, left, right)
	return some(x, x != nil, err)
}

// shifted is a time + or - INTERVAL, or INTERVAL + a time, as the call that MySQL makes of it: the library's operator gives a DATE a time of day.
func (n *Env) shifted(c *sql.Context, e *expression.Arithmetic) (sql.Expression, error) {
	by, at := e.RightChild, e.LeftChild
	if _, left := at.(*expression.Interval); left && e.Op == "+" {
		by, at = at, by
	}
	if _, ok := by.(*expression.Interval); !ok {
		return nil, nil
	}
	make := builtin.NewDateAdd
	if e.Op == "-" {
		make = builtin.NewDateSub
	}
	x, err := make(c, at, by)
	if err != nil || n.Dates == nil {
		return x, err
	}
	out := n.Dates(c, x)
	if s, ok := out.(interface{ ShownAs(string) sql.Expression }); ok {
		out = s.ShownAs(e.String())
	}
	return out, nil
}

func (n *Env) arithmetic(c *sql.Context, op string, e sql.Expression) (sql.Expression, error) {
	if !n.known(c, e) {
		return nil, nil
	}
	return newArithmetic(c, n, op, e.String(), e.Children()), nil
}

// conditions makes conditions of the operands of AND and OR.
func (n *Env) conditions(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	ch := e.Children()
	out := append([]sql.Expression(nil), ch...)
	changed := false
	for i := range ch {
		if x := n.Condition(c, ch[i]); x != nil {
			out[i], changed = x, true
		}
	}
	if !changed {
		return nil, nil
	}
	return e.WithChildren(c, out...)
}

// Condition makes a condition of a value that stands where one is wanted; nil: it is one.
func (n *Env) Condition(c *sql.Context, e sql.Expression) sql.Expression {
	if e == nil || opaque(e) {
		return nil
	}
	if _, row := e.(expression.Tuple); row {
		return nil
	}
	if a := Of(c, e); a.Bool || a.Kind == Other || a.Kind == JSON {
		if _, field := e.(*expression.GetField); !field {
			return nil
		}
	}
	return newCondition(c, n, "is", e.String(), []sql.Expression{e})
}

// IsTrue is e IS TRUE.
func (n *Env) IsTrue(c *sql.Context, e sql.Expression) sql.Expression {
	return newCondition(c, n, "is true", e.String(), []sql.Expression{e})
}

func (n *Env) function(c *sql.Context, e sql.FunctionExpression) (sql.Expression, error) {
	name := strings.ToLower(e.FunctionName())
	if _, ok := e.(sql.WindowAdaptableExpression); ok {
		return nil, nil
	}
	if !n.known(c, e) {
		return nil, nil
	}
	shown, ch := e.String(), e.Children()
	switch name {
	case "isnull":
		if neverNull(ch[0]) {
			return newCondition(c, n, "is null", shown, ch), nil
		}
	case "if", "ifnull", "coalesce", "nullif":
		x, err := newChoice(c, n, name, shown, ch, false, false)
		return some(x, x != nil, err)
	case "greatest", "least":
		sign := 1
		if name == "least" {
			sign = -1
		}
		x, err := newExtreme(c, n, sign, shown, ch)
		return some(x, x != nil, err)
	case "abs", "sign", "floor", "round", "truncate":
		return newRounding(c, n, name, shown, ch), nil
	case "ceil", "ceiling":
		return newRounding(c, n, "ceil", shown, ch), nil
	case "exp", "pow", "power", "cot":
		if len(ch) == 1 || len(ch) == 2 {
			return newFinite(c, n, name, shown, ch), nil
		}
	case "mod":
		return n.arithmetic(c, "%", e)
	case "char":
		if x, ok := e.(*builtin.Char); ok && x.Collation != sql.Collation_binary && x.Collation != sql.Collation_Unspecified {
			return charUsing(c, n, x), nil
		}
	case "ord", "ascii":
		if a := Of(c, ch[0]); a.text() && foreign(a.Coll) {
			return newOrdinal(c, n, shown, ch[0], name == "ascii"), nil
		}
	case "locate", "position", "instr", "find_in_set", "replace":
		x, err := newSearching(c, n, name, shown, ch)
		return some(x, x != nil, err)
	case "trim":
		// What is trimmed stands before what it is trimmed of; the blank that TRIM(x) trims is of x's collation.
		if blank, ok := ch[len(ch)-1].(*expression.Literal); len(ch) == 2 && !(ok && blank.Value() == " ") {
			texts := []Attr{Of(c, ch[1]), Of(c, ch[0])}
			if _, err := compared(c, name, &texts[0], &texts[1]); err != nil {
				return nil, err
			}
		}
	case "lpad", "rpad", "repeat", "space", "strcmp", "field", "substring_index", "quote":
		x, err := newTextual(c, n, name, shown, ch)
		return some(x, x != nil, err)
	}
	var out sql.Expression
	if spec := specOf(name); spec != "" {
		var err error
		if out, err = n.give(c, e, spec); err != nil {
			return nil, err
		}
	}
	if given, ok := out.(sql.FunctionExpression); ok {
		e = given
	}
	if typed := asConnection(c, e); typed != nil {
		return typed, nil
	}
	return n.collated(c, e, out)
}

// collatedCall is a function of the library's whose text has another collation than the library's type says. Its type says so, as sorts, groups and
// DISTINCT go by the type, and constants are folded into literals of that type.
type collatedCall struct {
	sql.FunctionExpression
	typ   sql.Type
	coll  sql.CollationID
	coerc byte
}

// asConnection gives a function whose text has the connection's collation its type; nil: it has that.
func asConnection(c *sql.Context, e sql.FunctionExpression) sql.Expression {
	if _, done := e.(*collatedCall); done || !ofConnection[strings.ToLower(e.FunctionName())] {
		return nil
	}
	return newCollatedCall(c, e, c.GetCollation(), 4)
}

// newCollatedCall returns nil if the function's type has the collation, or is no text.
func newCollatedCall(c *sql.Context, e sql.FunctionExpression, coll sql.CollationID, coerc byte) sql.Expression {
	t, ok := e.Type(c).(sql.StringType)
	if !ok || t.Collation() == coll || !types.IsTextOnly(t) {
		return nil
	}
	typ, err := types.CreateString(t.Type(), t.Length(), coll)
	if err != nil {
		return nil
	}
	return &collatedCall{e, typ, coll, coerc}
}

func (f *collatedCall) Type(*sql.Context) sql.Type { return f.typ }

// IsNonDeterministic implements sql.NonDeterministicExpression.
func (f *collatedCall) IsNonDeterministic() bool {
	n, ok := f.FunctionExpression.(sql.NonDeterministicExpression)
	return ok && n.IsNonDeterministic()
}

// Called is the function itself.
func Called(e sql.Expression) sql.Expression {
	if f, ok := e.(*collatedCall); ok {
		return f.FunctionExpression
	}
	return e
}

// CollationCoercibility implements sql.CollationCoercible.
func (f *collatedCall) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return f.coll, f.coerc
}

// WithChildren implements sql.Expression.
func (f *collatedCall) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	e, err := f.FunctionExpression.WithChildren(c, ch...)
	if in, ok := e.(sql.FunctionExpression); ok && err == nil {
		return &collatedCall{in, f.typ, f.coll, f.coerc}, nil
	}
	return e, err
}

// collated gives a function's text a type with its collation: sorts, groups and DISTINCT go by the type, and so does the literal that the planner
// makes of a text of constants alone.
func (n *Env) collated(c *sql.Context, e sql.FunctionExpression, given sql.Expression) (sql.Expression, error) {
	x := given
	if x == nil {
		x = e
	}
	a := Of(c, x)
	if a.Kind != String || a.Coll == sql.Collation_binary || e.FunctionName() == "json_unquote" { // indexes know the library's JSON_UNQUOTE
		return given, nil
	}
	if t, ok := x.Type(c).(sql.StringType); ok && t.Collation() == a.Coll {
		return given, nil
	}
	if constant(c, x) {
		a.typ = typeOf(&a)
		return newMerged(c, n, x, a), nil
	}
	if f, ok := x.(sql.FunctionExpression); ok {
		if call := newCollatedCall(c, f, a.Coll, a.Coerc); call != nil {
			return call, nil
		}
	}
	return given, nil
}
