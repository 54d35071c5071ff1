package general

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/multi"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Multi-valued indexes as they are defined: KEY ((CAST(json AS type ARRAY))) is a functional key part whose hidden column lists the keys of the array's elements
// (package multi). The library's grammar lacks the cast; it is a function here, which gets the type's and the index's names.

// (json, type, index)

func init() {
	ownFunctions[grammar.ArrayFunction] = func(*Engine) sql.Function {
		return sql.FunctionN{Name: grammar.ArrayFunction, Fn: newArrayCast}
	}
}

// arrayOfIndex tells a cast to an array which index it is of. Other expressions stay; a cast elsewhere is refused when it is bound.
func arrayOfIndex(e sqlparser.Expr, index string) sqlparser.Expr {
	f, ok := tabledef.Unparenthesized(e).(*sqlparser.FuncExpr)
	if !ok || !f.Name.EqualString(grammar.ArrayFunction) || len(f.Exprs) != 2 {
		return e
	}
	n := *f
	n.Exprs = append(f.Exprs[:2:2], &sqlparser.AliasedExpr{Expr: sqlparser.NewStrVal([]byte(index))})
	return &n
}

func arrayColumn(col *table.Column) bool {
	var a tabledef.Column
	return sql.IsHiddenSystemColumn(col.Name) && tabledef.Decode(col.Attrs, &a) == nil && strings.HasPrefix(tabledef.Bare(a.Generated), grammar.ArrayFunction+"(")
}

func isArray(e sql.Expression) bool {
	_, ok := e.(*arrayCast)
	return ok
}

// arrayCast lists the keys of an array's elements, cast to a type.
type arrayCast struct {
	expression.NaryExpression // json, type, index
	of                        elementType
	index                     string
}

func newArrayCast(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	if len(args) != 3 {
		return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "Use of CAST( .. AS .. ARRAY) outside of functional index in CREATE(non-SELECT)/ALTER TABLE or in general expressions")
	}
	a := &arrayCast{NaryExpression: expression.NaryExpression{ChildExpressions: args}}
	var text [2]string
	for i := range text {
		v, err := args[i+1].Eval(c, nil)
		if err != nil {
			return nil, err
		}
		s, ok := v.(string)
		if !ok {
			return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, grammar.ArrayFunction)
		}
		text[i] = s
	}
	a.index = text[1]
	var err error
	a.of, err = readElementType(text[0], a.index)
	return a, err
}

func (a *arrayCast) Type(*sql.Context) sql.Type   { return types.LongBlob }
func (a *arrayCast) IsNullable(*sql.Context) bool { return true }
func (a *arrayCast) String() string {
	ch := a.ChildExpressions
	return fmt.Sprintf("%s(%s,%s,%s)", grammar.ArrayFunction, ch[0], ch[1], ch[2])
}

func (a *arrayCast) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(a.ChildExpressions) {
		return nil, sql.ErrInvalidChildrenNumber.New(a, len(ch), len(a.ChildExpressions))
	}
	n := *a
	n.ChildExpressions = ch
	return &n, nil
}

// Eval implements sql.Expression. A single value is an array of one.
func (a *arrayCast) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, null, err := jsonValue(c, a.ChildExpressions[0], r)
	if err != nil || null {
		return nil, err
	}
	elements, ok := v.([]any)
	if !ok {
		elements = []any{v}
	}
	list, seen, size := []byte{}, map[string]bool{}, 0
	for _, v := range elements {
		key, err := a.of.key(c, v)
		if err != nil {
			return nil, mysqlerr.New(elementErrors[err], a.index).Because(err)
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			size += len(key)
			list = multi.Append(list, key)
		}
	}
	if len(seen) > multi.Most {
		return nil, mysqlerr.New(mysqlerr.ER_EXCEEDED_MV_KEYS_NUM, a.index, len(seen)-multi.Most)
	}
	if size > multi.MostBytes {
		return nil, mysqlerr.New(mysqlerr.ER_EXCEEDED_MV_KEYS_SPACE, a.index, size-multi.MostBytes)
	}
	return list, nil
}

// jsonValue is what an expression gives, as JSON: a text is read.
func jsonValue(c *sql.Context, e sql.Expression, r sql.Row) (v any, null bool, err error) {
	if v, err = e.Eval(c, r); err != nil || v == nil {
		return nil, true, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, false, err
	}
	return plainJSON(c, v)
}

// elementError is why a JSON value is no element of an array of some type.
type elementError string

func (e elementError) Error() string { return string(e) }

const (
	errNoElement  = elementError("the value is of another type")
	errOutOfRange = elementError("the value is out of range")
	errTooLong    = elementError("the value is too long")
)

var elementErrors = map[error]mysqlerr.Code{errNoElement: mysqlerr.ER_INVALID_JSON_VALUE_FOR_FUNC_INDEX,
	errOutOfRange: mysqlerr.ER_JSON_VALUE_OUT_OF_RANGE_FOR_FUNC_INDEX, errTooLong: mysqlerr.ER_FUNCTIONAL_INDEX_DATA_IS_TOO_LONG}

// elementType is the type of an array's elements.
type elementType struct {
	name     string // char, binary, signed, unsigned, decimal, date, time, datetime
	n, scale int    // characters, bytes or digits; digits of a fraction
}

// maxElement is how many bytes an element has at most: InnoDB's longest key.
const maxElement = 3072

// readElementType reads a type as it is written between AS and ARRAY.
func readElementType(text, index string) (t elementType, err error) {
	name, args, sized := strings.Cut(strings.TrimSpace(text), "(")
	words := strings.Fields(name)
	if len(words) == 2 && words[1] == "integer" {
		words = words[:1]
	}
	if len(words) != 1 {
		return t, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "CAST-ing data to array of "+strings.ToUpper(text))
	}
	t.name = words[0]
	if sized {
		n, scale, two := strings.Cut(strings.TrimSuffix(strings.TrimSpace(args), ")"), ",")
		if t.n, err = strconv.Atoi(strings.TrimSpace(n)); err == nil && two {
			t.scale, err = strconv.Atoi(strings.TrimSpace(scale))
		}
		if err != nil {
			return t, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "CAST").Because(err)
		}
	}
	switch t.name {
	case "char", "binary":
		if !sized {
			return t, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "CAST-ing data to array of char/binary BLOBs")
		}
		if width := t.bytes(); width > maxElement {
			return t, mysqlerr.New(mysqlerr.ER_TOO_LONG_KEY, maxElement)
		}
	case "decimal":
		if !sized {
			t.n = 10
		}
		if t.scale > t.n || t.n > 65 || t.scale > 30 {
			return t, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "CAST")
		}
	case "time", "datetime":
		if t.n > datum.Fraction {
			return t, mysqlerr.NewMessage(mysqlerr.ER_TOO_BIG_PRECISION, "Too-big precision %d specified for '%s'. Maximum is %d.", t.n, index, datum.Fraction)
		}
	case "signed", "unsigned", "date":
	default:
		return t, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "CAST-ing data to array of "+strings.ToUpper(t.name))
	}
	return t, nil
}

// bytes is how many bytes a text has at most.
func (t elementType) bytes() int {
	if t.name == "char" {
		return 4 * t.n
	}
	return t.n
}

// keyLen is what EXPLAIN says of an element.
func (t elementType) keyLen() int {
	switch t.name {
	case "char", "binary":
		return t.bytes() + 3
	case "decimal":
		digits := [10]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}
		whole := t.n - t.scale
		return whole/9*4 + digits[whole%9] + t.scale/9*4 + digits[t.scale%9] + 1
	case "date":
		return 4
	case "time":
		return 3 + (t.n+1)/2 + 1
	case "datetime":
		return 5 + (t.n+1)/2 + 1
	}
	return 9
}

// key is what a JSON value is known by among elements of the type: values that JSON calls equal have equal keys. The error is an elementError.
func (t elementType) key(c *sql.Context, v any) ([]byte, error) {
	switch t.name {
	case "char", "binary":
		s, ok := v.(string)
		if !ok {
			n := decimalOfJSON(v)
			if n == nil {
				return nil, errNoElement
			}
			n.Reduce(n)
			s = n.Text('f')
		}
		if t.name == "char" && len([]rune(s)) > t.n || len(s) > t.bytes() {
			return nil, errTooLong
		}
		return []byte(s), nil
	case "signed", "unsigned", "decimal":
		return t.numberKey(v)
	}
	return t.timeKey(c, v)
}

// decimalOfJSON is a JSON number or a boolean; nil: it is none.
func decimalOfJSON(v any) *apd.Decimal {
	d := new(apd.Decimal)
	switch v := v.(type) {
	case bool:
		if v {
			d.SetInt64(1)
		}
	case *apd.Decimal:
		d.Set(v)
	case float64:
		if _, err := d.SetFloat64(v); err != nil {
			return nil
		}
	case string, nil, []any, map[string]any:
		return nil
	default:
		if _, _, err := d.SetString(fmt.Sprint(v)); err != nil {
			return nil
		}
	}
	if d.Form != apd.Finite {
		return nil
	}
	return d
}

var numberContext = apd.BaseContext.WithPrecision(400)

func (t elementType) numberKey(v any) ([]byte, error) {
	d := decimalOfJSON(v)
	if s, text := v.(string); text && d == nil {
		d = new(apd.Decimal)
		if _, _, err := d.SetString(strings.TrimSpace(s)); err != nil || d.Form != apd.Finite {
			return nil, errNoElement
		}
	}
	if d == nil {
		return nil, errNoElement
	}
	if d.Exponent > 100 || int64(d.Exponent)+d.NumDigits() > 100 {
		return nil, errOutOfRange
	}
	if _, err := numberContext.WithPrecision(400).Quantize(d, d, -int32(t.scale)); err != nil {
		return nil, errOutOfRange
	}
	if d.IsZero() {
		d.Negative = false
	}
	if t.name == "decimal" {
		if d.NumDigits() > int64(t.n) {
			return nil, errOutOfRange
		}
		return []byte(d.Text('f')), nil
	}
	var n uint64
	if t.name == "unsigned" {
		u, err := strconv.ParseUint(d.Text('f'), 10, 64)
		if err != nil {
			return nil, errOutOfRange
		}
		n = u
	} else {
		i, err := d.Int64()
		if err != nil {
			return nil, errOutOfRange
		}
		n = uint64(i)
	}
	return binary.BigEndian.AppendUint64(nil, n), nil
}

func (t elementType) timeKey(c *sql.Context, v any) ([]byte, error) {
	var of sql.Type
	switch t.name {
	case "date":
		of = types.Date
	case "time":
		of = types.Time
	default:
		of = types.MustCreateDatetimeType(sqltypes.Datetime, t.n)
	}
	switch v.(type) {
	case nil, bool, []any, map[string]any, float64, int64, uint64, *apd.Decimal:
		return nil, errNoElement
	}
	cv, in, err := datum.Ordered(of).Convert(c, v)
	if err != nil || cv == nil {
		return nil, errNoElement
	}
	if in != sql.InRange {
		return nil, errOutOfRange
	}
	out, err := datum.Ordered(of).SQL(c, nil, cv)
	if err != nil {
		return nil, errNoElement
	}
	return out.Raw(), nil
}
