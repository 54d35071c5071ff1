package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
)

// The library's TIME always has six digits of a second. Columns keep how many they were declared with; in a result a TIME shows as
// many as the column, or the expression over columns, has.

// spanType is TIME in a result. Its digits may be unknown: then a fraction is shown if there is one.
type spanType struct {
	types.TimespanType_
	digits int // -1: unknown
}

func (t spanType) SQL(c *sql.Context, dest []byte, v any) (sqltypes.Value, error) {
	if v == nil {
		return sqltypes.NULL, nil
	}
	at, err := t.ConvertToTimespan(v)
	if err != nil {
		return sqltypes.Value{}, err
	}
	return sqltypes.MakeTrusted(sqltypes.Time, appendSpan(dest, at, t.digits)), nil
}

func (t spanType) String() string { return spanText(t.digits) }

func spanText(digits int) string {
	if digits <= 0 {
		return "time"
	}
	return "time(" + string(rune('0'+digits)) + ")"
}

// appendSpan writes a TIME with digits of a second; -1: as many as it needs, none or six.
func appendSpan(dest []byte, at types.Timespan, digits int) []byte {
	n := int64(at)
	if digits < 0 {
		digits = datum.Fraction
		if n%1e6 == 0 {
			digits = 0
		}
	}
	if n < 0 {
		dest, n = append(dest, '-'), -n
	}
	seconds, micro := n/1e6, n%1e6
	pad := func(v int64, width int) {
		var b [20]byte
		i := len(b)
		for ; v > 0 || width > 0; width-- {
			i--
			b[i] = byte('0' + v%10)
			v /= 10
		}
		dest = append(dest, b[i:]...)
	}
	pad(seconds/3600, 2)
	dest = append(dest, ':')
	pad(seconds/60%60, 2)
	dest = append(dest, ':')
	pad(seconds%60, 2)
	if digits > 0 {
		dest = append(dest, '.')
		for i := digits; i < datum.Fraction; i++ {
			micro /= 10
		}
		pad(micro, digits)
	}
	return dest
}

// resultColumns is a result's schema with the types that MySQL gives it where the library's are less exact.
func resultColumns(c *sql.Context, node sql.Node, schema sql.Schema) sql.Schema {
	return spanColumns(c, node, exactColumns(c, node, schema))
}

// spanColumns gives the TIME columns of a result their digits.
func spanColumns(c *sql.Context, node sql.Node, schema sql.Schema) sql.Schema {
	var out sql.Schema
	var s *spans
	var exprs []sql.Expression
	for i, col := range schema {
		if col.Type != types.Time {
			continue
		}
		if s == nil {
			out = append(sql.Schema(nil), schema...)
			s = newSpans(c, node)
			exprs = projections(node)
		}
		digits := -1
		if i < len(exprs) {
			digits = s.of(exprs[i], 0)
		} else {
			digits = s.named(col.Name, 0)
		}
		n := *col
		n.Type = spanType{digits: digits}
		out[i] = &n
	}
	if out == nil {
		return schema
	}
	return out
}

// spans finds digits by the names of columns: of the plan's tables, and of inner results.
type spans struct {
	scales
	columns map[string]int
}

func newSpans(c *sql.Context, node sql.Node) *spans {
	s := &spans{scales: scales{c: c, named: map[string]sql.Expression{}}, columns: map[string]int{}}
	s.add(node)
	return s
}

// add looks at a plan, what an INSERT reads, and subqueries.
func (s *spans) add(node sql.Node) {
	s.collect(node)
	transform.InspectWithOpaque(s.c, node, func(_ *sql.Context, n sql.Node) bool {
		switch n := n.(type) {
		case *plan.ResolvedTable:
			s.table(n.Table)
		case *plan.IndexedTableAccess:
			s.table(n.Table)
		case *plan.InsertInto:
			s.add(n.Source)
		}
		if x, ok := n.(sql.Expressioner); ok {
			for _, e := range x.Expressions() {
				s.subqueries(e)
			}
		}
		return true
	})
}

func (s *spans) subqueries(e sql.Expression) {
	if e == nil {
		return
	}
	sql.Inspect(s.c, e, func(_ *sql.Context, e sql.Expression) bool {
		if q, ok := e.(*plan.Subquery); ok {
			s.add(q.Query)
		}
		return true
	})
}

// SpanDigits is how many digits of a second a TIME column or a program's variable has, -1 if that cannot be told.
func (g *gmsSession) SpanDigits(c *sql.Context, e sql.Expression) int {
	x := executionOf(c)
	column, ok := e.(*expression.GetField)
	if !ok {
		if l, ok := e.(*expression.Literal); ok && x != nil {
			if t, ok := x.variables[l].(spanType); ok {
				return t.digits
			}
		}
		return -1
	}
	if x == nil || x.planned == nil {
		return -1
	}
	if x.spans == nil {
		x.spans = newSpans(c, x.planned)
	}
	return x.spans.named(column.Name(), 0)
}

// IsVariable tells the value of a program's variable, or of a column of NEW or OLD, from a literal.
func (g *gmsSession) IsVariable(c *sql.Context, l *expression.Literal) bool {
	x := executionOf(c)
	return x != nil && x.variables[l] != nil
}

func (s *spans) table(t sql.Table) {
	b := tableBase(t)
	if b == nil {
		return
	}
	for i, col := range b.m.Schema {
		if types.IsTimespan(col.Type) {
			name := strings.ToLower(col.Name)
			s.columns[name] = max(s.columns[name], b.m.Columns[i].Fraction)
		}
	}
}

func (s *spans) named(name string, depth int) int {
	name = strings.ToLower(name)
	if n, ok := s.columns[name]; ok {
		return n
	}
	if x := s.scales.named[name]; x != nil {
		return s.of(x, depth+1)
	}
	return -1
}

// of returns the digits of an expression, -1 if they cannot be told.
func (s *spans) of(x sql.Expression, depth int) int {
	if depth > maxScaleDepth {
		return -1
	}
	switch e := x.(type) {
	case *expression.Alias:
		return s.of(e.Child, depth+1)
	case *expression.GetField:
		return s.named(e.Name(), depth+1)
	case *aggregation.Min:
		return s.of(e.Child, depth+1)
	case *aggregation.Max:
		return s.of(e.Child, depth+1)
	case *function.Coalesce, *function.IfNull:
		return s.most(x.Children(), depth)
	case *function.If:
		return s.most(e.Children()[1:], depth)
	case *expression.Literal:
		if t, ok := e.Value().(string); ok {
			_, digits, _ := strings.Cut(t, ".")
			return min(len(digits), datum.Fraction)
		}
		if a := item.Of(s.c, x); a.Kind == item.Time {
			return a.Dec
		}
	default:
		if a := item.Of(s.c, x); a.Kind == item.Time {
			return a.Dec
		}
	}
	return -1
}

func (s *spans) most(args []sql.Expression, depth int) int {
	n := 0
	for _, a := range args {
		m := s.of(a, depth+1)
		if m < 0 {
			return -1
		}
		n = max(n, m)
	}
	return n
}
