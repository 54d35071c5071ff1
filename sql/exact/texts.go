package exact

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Texts that are compared, hashed and told apart by their collation.

// trimPadded wraps an expression whose collation ignores trailing blanks.
func trimPadded(c *sql.Context, e sql.Expression) (out sql.Expression, changed bool) {
	if _, done := e.(*Trimmed); done {
		return e, false
	}
	if t, ok := e.Type(c).(sql.StringType); ok && types.IsTextOnly(t) && Padded(t.Collation()) {
		return &Trimmed{expression.UnaryExpressionStub{Child: e}}, true
	}
	return e, false
}

// Padded reports whether a collation ignores trailing blanks.
func Padded(c sql.CollationID) bool {
	return c != sql.Collation_binary && c.PadAttribute() == "PAD SPACE"
}

// ComparesPadded reports whether texts are compared and the collation of their comparison ignores trailing blanks.
func ComparesPadded(c *sql.Context, left, right sql.Expression) bool {
	if tuple, ok := right.(expression.Tuple); ok {
		if inner, ok := left.(expression.Tuple); ok {
			for i := range inner {
				if ComparesPadded(c, inner[i], inner[i]) {
					return true
				}
			}
			return false
		}
		for _, r := range tuple {
			if ComparesPadded(c, left, r) {
				return true
			}
		}
		return false
	}
	lt, rt := left.Type(c), right.Type(c)
	if !types.IsTextOnly(lt) || !types.IsTextOnly(rt) {
		return false
	}
	lc, ls := sql.GetCoercibility(c, left)
	rc, rs := sql.GetCoercibility(c, right)
	coll, _ := sql.ResolveCoercibility(lc, ls, rc, rs)
	return Padded(coll)
}

// textIn is IN over a list of texts, compared as the collation of all of them says: the library forgets it.
type textIn struct {
	expression.NaryExpression // what is sought, then the list
	coll                      sql.CollationID
	known                     map[string]struct{} // keys of the list if it is all literals; nil: not made yet
	null                      bool
}

// NewTextIn returns nil where not everything is text.
func NewTextIn(c *sql.Context, left, right sql.Expression) *textIn {
	list, ok := right.(expression.Tuple)
	if !ok || !types.IsTextOnly(left.Type(c)) {
		return nil
	}
	coll, strength := sql.GetCoercibility(c, left)
	for _, e := range list {
		if t := e.Type(c); t != types.Null && !types.IsTextOnly(t) {
			return nil
		}
		rc, rs := sql.GetCoercibility(c, e)
		coll, strength = sql.ResolveCoercibility(coll, strength, rc, rs)
	}
	return &textIn{NaryExpression: expression.NaryExpression{ChildExpressions: append([]sql.Expression{left}, list...)}, coll: coll}
}

func (t *textIn) Type(*sql.Context) sql.Type { return types.Boolean }

func (t *textIn) String() string {
	list := make([]string, len(t.ChildExpressions)-1)
	for i, e := range t.ChildExpressions[1:] {
		list[i] = e.String()
	}
	return fmt.Sprintf("(%s IN (%s))", t.ChildExpressions[0], strings.Join(list, ", "))
}

func (t *textIn) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (t *textIn) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return &textIn{NaryExpression: expression.NaryExpression{ChildExpressions: ch}, coll: t.coll}, nil
}

// key returns an expression's sort key; ok is false for NULL.
func (t *textIn) key(c *sql.Context, e sql.Expression, r sql.Row) (key string, ok bool, err error) {
	v, err := e.Eval(c, r)
	if err != nil || v == nil {
		return "", false, err
	}
	k, err := AppendSortKey(c, nil, t.coll, nil, v)
	if err != nil {
		return "", false, err
	}
	return string(k), true, nil
}

func (t *textIn) Eval(c *sql.Context, r sql.Row) (any, error) {
	sought, ok, err := t.key(c, t.ChildExpressions[0], r)
	if err != nil || !ok {
		return nil, err
	}
	list := t.ChildExpressions[1:]
	if t.known == nil {
		fixed := true
		for _, e := range list {
			_, literal := e.(*expression.Literal)
			fixed = fixed && literal
		}
		if !fixed {
			return t.among(c, r, sought)
		}
		t.known = make(map[string]struct{}, len(list))
		for _, e := range list {
			k, ok, err := t.key(c, e, r)
			if err != nil {
				return nil, err
			}
			if ok {
				t.known[k] = struct{}{}
			}
			t.null = t.null || !ok
		}
	}
	if _, hit := t.known[sought]; hit {
		return true, nil
	}
	if t.null {
		return nil, nil
	}
	return false, nil
}

// among evaluates the list for one row.
func (t *textIn) among(c *sql.Context, r sql.Row, sought string) (any, error) {
	null := false
	for _, e := range t.ChildExpressions[1:] {
		k, ok, err := t.key(c, e, r)
		if err != nil {
			return nil, err
		}
		if ok && k == sought {
			return true, nil
		}
		null = null || !ok
	}
	if null {
		return nil, nil
	}
	return false, nil
}

// TrimAny wraps every text, whatever its own collation: that of the comparison decided.
func TrimAny(c *sql.Context, e sql.Expression) sql.Expression {
	if t, ok := e.(expression.Tuple); ok {
		out := make(expression.Tuple, len(t))
		for i := range t {
			out[i] = TrimAny(c, t[i])
		}
		return out
	}
	if _, done := e.(*Trimmed); done || !types.IsTextOnly(e.Type(c)) {
		return e
	}
	return &Trimmed{expression.UnaryExpressionStub{Child: e}}
}

func TrimOperands(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	ch := e.Children()
	if len(ch) == 0 {
		return nil, nil
	}
	hit := false
	for _, r := range ch[1:] {
		hit = hit || ComparesPadded(c, ch[0], r)
	}
	if !hit {
		return nil, nil
	}
	out := make([]sql.Expression, len(ch))
	for i := range ch {
		out[i] = TrimAny(c, ch[i])
	}
	return e.WithChildren(c, out...)
}

// Trimmed is a string without the blanks at its end.
type Trimmed struct{ expression.UnaryExpressionStub }

func (t *Trimmed) Type(c *sql.Context) sql.Type { return t.Child.Type(c) }

func (t *Trimmed) String() string { return t.Child.String() }

func (t *Trimmed) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, t.Child)
}

func (t *Trimmed) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(t, len(ch), 1)
	}
	return &Trimmed{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (t *Trimmed) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := t.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, err
	}
	switch s := v.(type) {
	case string:
		return strings.TrimRight(s, " "), nil
	case []byte:
		return strings.TrimRight(string(s), " "), nil
	}
	return v, nil
}

// weighed is a string's sort key in hexadecimal: equal for strings that the collation holds equal, and for no others.
type weighed struct{ expression.UnaryExpressionStub }

func WeighChildren(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	ch := e.Children()
	out := make([]sql.Expression, len(ch))
	changed := false
	for i, x := range ch {
		out[i] = x
		if _, star := x.(*expression.Star); star {
			continue
		}
		if _, done := x.(*weighed); !done && types.IsText(x.Type(c)) {
			out[i], changed = &weighed{expression.UnaryExpressionStub{Child: x}}, true
		}
	}
	if !changed {
		return nil, nil
	}
	return e.WithChildren(c, out...)
}

func (w *weighed) Type(*sql.Context) sql.Type { return types.LongText }

func (w *weighed) String() string { return w.Child.String() }

func (w *weighed) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(w, len(ch), 1)
	}
	return &weighed{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (w *weighed) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := w.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	key, err := AppendDistinct(c, nil, w.Child.Type(c), v)
	return hex.EncodeToString(key), err
}

// AppendDistinct appends bytes that are equal for values of one type that MySQL holds equal, and for no others.
func AppendDistinct(c *sql.Context, dst []byte, t sql.Type, v any) ([]byte, error) {
	v, err := sql.UnwrapAny(c, v)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return append(dst, 0), nil
	}
	dst = append(dst, 1)
	st, text := t.(sql.StringType)
	switch x := v.(type) {
	case string:
		return appendText(dst, st, text, []byte(x)), nil
	case []byte:
		return appendText(dst, st, text, x), nil
	}
	if text {
		s, err := types.ConvertToString(c, v, st, nil)
		return appendText(dst, st, text, []byte(s)), err
	}
	return appendPlain(dst, v), nil
}

func appendText(dst []byte, t sql.StringType, text bool, s []byte) []byte {
	if text && types.IsTextOnly(t) {
		if w := collate.For(uint16(t.Collation())); w != nil {
			return w.AppendWeights(dst, s)
		}
	}
	return append(dst, s...)
}

// ConcatDistinct is GROUP_CONCAT(DISTINCT ...), telling values by their collation.
type ConcatDistinct struct{ *aggregation.GroupConcat }

func (g *ConcatDistinct) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	in, err := g.GroupConcat.WithChildren(c, ch...)
	if err != nil {
		return nil, err
	}
	return &ConcatDistinct{in.(*aggregation.GroupConcat)}, nil
}

func (g *ConcatDistinct) NewBuffer(c *sql.Context) (sql.AggregationBuffer, error) {
	b, err := g.GroupConcat.NewBuffer(c)
	if err != nil {
		return nil, err
	}
	return &distinctBuffer{AggregationBuffer: b, exprs: g.OutputExpressions(), seen: map[string]struct{}{}}, nil
}

// distinctBuffer lets rows through whose values it has not seen.
type distinctBuffer struct {
	sql.AggregationBuffer
	exprs []sql.Expression
	seen  map[string]struct{}
}

func (b *distinctBuffer) Update(c *sql.Context, r sql.Row) error {
	var key []byte
	for _, e := range b.exprs {
		v, err := e.Eval(c, r)
		if err != nil {
			return err
		}
		if v == nil {
			return b.AggregationBuffer.Update(c, r)
		}
		one, err := AppendDistinct(c, nil, e.Type(c), v)
		if err != nil {
			return err
		}
		key = fmt.Appendf(key, "%d:", len(one))
		key = append(key, one...)
	}
	if _, have := b.seen[string(key)]; have {
		return nil
	}
	b.seen[string(key)] = struct{}{}
	return b.AggregationBuffer.Update(c, r)
}

func SameExpression(a, b sql.Expression) bool {
	for {
		if t, ok := a.(*Trimmed); ok {
			a = t.Child
			continue
		}
		if t, ok := b.(*Trimmed); ok {
			b = t.Child
			continue
		}
		break
	}
	if x, ok := a.(*expression.GetField); ok {
		y, ok := b.(*expression.GetField)
		return ok && x.Id() == y.Id() && x.Index() == y.Index()
	}
	return a.String() == b.String()
}

// appendPlain writes a value that is no string: numbers by what they amount to, whatever their Go type.
func appendPlain(dst []byte, v any) []byte {
	switch x := v.(type) {
	case int64:
		return strconv.AppendInt(dst, x, 10)
	case int32:
		return strconv.AppendInt(dst, int64(x), 10)
	case int16:
		return strconv.AppendInt(dst, int64(x), 10)
	case int8:
		return strconv.AppendInt(dst, int64(x), 10)
	case int:
		return strconv.AppendInt(dst, int64(x), 10)
	case uint64:
		return strconv.AppendUint(dst, x, 10)
	case uint32:
		return strconv.AppendUint(dst, uint64(x), 10)
	case uint16:
		return strconv.AppendUint(dst, uint64(x), 10)
	case uint8:
		return strconv.AppendUint(dst, uint64(x), 10)
	case bool:
		if x {
			return append(dst, '1')
		}
		return append(dst, '0')
	case float32:
		return appendPlain(dst, float64(x))
	case float64:
		if x == 0 {
			x = 0 // -0
		}
		return strconv.AppendFloat(dst, x, 'f', -1, 64)
	case *apd.Decimal:
		var d apd.Decimal
		d.Reduce(x)
		if d.IsZero() {
			d.Negative = false
		}
		return append(dst, d.Text('f')...)
	case sql.JSONWrapper:
		if text, err := types.JsonToMySqlString(context.Background(), x); err == nil {
			return append(dst, text...)
		}
	case time.Time:
		return strconv.AppendInt(dst, temporal.OfHeld(x.UTC()).Packed(), 10)
	}
	return fmt.Appendf(dst, "%v", v)
}
