// Package partition owns what partitions mean: in which one a row of a partitioned table is, and which ones a condition leaves. It knows no trees.
package partition

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Function is a partitioning function: which partition a row belongs to, and which partitions rows with given columns can be in. It is immutable.
type Function struct {
	catalog sql.Catalog
	m       *tabledef.Table
	p       *grammar.Partitioning
	kind    string         // RANGE, LIST, HASH, KEY
	list    bool           // COLUMNS: values are compared column by column
	Cols    []int          // of the function
	expr    sql.Expression // nil: COLUMNS and KEY
	mono    bool           // expr grows with its only column
	Parts   []grammar.PartitionDef
	Less    []Tuple   // RANGE: bounds
	in      [][]Tuple // LIST: members
}

// Tuple is a value of the function: one number, or one value for each column. A nil element is NULL, maxValue is above all.
type Tuple []any

type maxValueType struct{}

var maxValue = maxValueType{}

// monotonic are functions of one column that grow with it. YEAR and the like of NULL are NULL, which is below all.
var monotonic = map[string]bool{"year": true, "to_days": true, "to_seconds": true, "unix_timestamp": true}

// New compiles a table's partitioning; nil when the table has none.
func New(c *sql.Context, catalog sql.Catalog, m *tabledef.Table) (*Function, error) {
	if m.Attrs.PartSQL == "" {
		return nil, nil
	}
	p := grammar.ParsePartitioning(m.Attrs.PartSQL)
	if p == nil {
		return nil, fmt.Errorf("partitioning of %s.%s: %q cannot be read", m.Def.Schema, m.Def.Name, m.Attrs.PartSQL)
	}
	f := &Function{catalog: catalog, m: m, p: p, Parts: p.Names()}
	f.kind = strings.Fields(strings.TrimPrefix(p.Method, "LINEAR "))[0]
	f.list = strings.Contains(p.Method, "COLUMNS") || f.kind == "KEY"
	if err := f.bindFunction(c); err != nil {
		return nil, err
	}
	return f, f.bindValues(c)
}

// bindFunction resolves the columns or the expression.
func (f *Function) bindFunction(c *sql.Context) error {
	if !f.list {
		xs, err := f.bind(c, []string{f.p.ShownExpr()})
		if err != nil {
			return err
		}
		f.expr = xs[0]
		sql.Inspect(c, f.expr, func(_ *sql.Context, e sql.Expression) bool {
			if g, ok := e.(*expression.GetField); ok && !slices.Contains(f.Cols, g.Index()) {
				f.Cols = append(f.Cols, g.Index())
			}
			return true
		})
		if len(f.Cols) == 0 {
			return mysqlerr.NewMessage(1486, "Constant, random or timezone-dependent expressions in (sub)partitioning function are not allowed")
		}
		if t := f.expr.Type(c); !types.IsInteger(t) && !types.IsBoolean(t) && !(types.IsNumber(t) && len(f.expr.Children()) > 0 && !divides(f.expr)) {
			if g, ok := f.expr.(*expression.GetField); ok {
				return mysqlerr.New(mysqlerr.ER_FIELD_TYPE_NOT_ALLOWED_AS_PARTITION_FIELD, g.Name())
			}
			return mysqlerr.NewMessage(1491, "The PARTITION function returns the wrong type")
		}
		switch e := f.expr.(type) {
		case *expression.GetField:
			f.mono = true
		case sql.FunctionExpression:
			if ch := e.Children(); len(ch) == 1 && monotonic[strings.ToLower(e.FunctionName())] {
				_, f.mono = ch[0].(*expression.GetField)
			}
		}
		return nil
	}
	for t := lexer.NewCursor(f.p.Expr, 0, grammar.MaxTokens); !t.End(); t.Accept(",") {
		name, ok := t.Name()
		at := tabledef.Position(f.m.Def, name)
		if !ok || at < 0 {
			return mysqlerr.NewMessage(1488, "Field in list of fields for partition function not found in table")
		}
		if slices.Contains(f.Cols, at) {
			return mysqlerr.New(mysqlerr.ER_SAME_NAME_PARTITION_FIELD, name)
		}
		f.Cols = append(f.Cols, at)
	}
	if len(f.Cols) == 0 { // KEY(): of the primary key
		ix := &f.m.Def.Indexes[0]
		if ix.Hidden {
			return mysqlerr.NewMessage(1488, "Field in list of fields for partition function not found in table")
		}
		for _, p := range ix.Parts {
			f.Cols = append(f.Cols, p.Column)
		}
	}
	return nil
}

// divides reports whether an expression is a quotient. The library's types of %, DIV and the like are wider than MySQL's, which are integers.
func divides(e sql.Expression) bool {
	_, ok := e.(*expression.Div)
	return ok
}

// bind resolves expressions over the table's columns.
func (f *Function) bind(c *sql.Context, texts []string) (out []sql.Expression, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, mysqlerr.NewMessage(1054, "Unknown column '%s' in 'partition function'", strings.Trim(texts[0], "`"))
		}
	}()
	schema := f.m.SchemaCopy()
	n := len(schema)
	for i, text := range texts {
		schema = append(schema, &sql.Column{Name: fmt.Sprintf("!part%d", i), Type: types.Int64, Nullable: true, Source: f.m.Def.Name, DatabaseSource: f.m.Def.Schema,
			Generated: sql.NewUnresolvedColumnDefaultValue("(" + text + ")")})
	}
	b := planbuilder.New(c, f.catalog, nil)
	for _, col := range b.ResolveSchemaDefaults(f.m.Def.Schema, f.m.Def.Name, schema)[n:] {
		x, err := f.m.Bind(c, col.Generated)
		if err != nil {
			return nil, err
		}
		if d, ok := x.(*sql.ColumnDefaultValue); ok {
			x = d.Expr
		}
		out = append(out, x)
	}
	return out, nil
}

// bindValues evaluates VALUES LESS THAN and VALUES IN.
func (f *Function) bindValues(c *sql.Context) error {
	if f.kind != "RANGE" && f.kind != "LIST" {
		if len(f.Parts) == 0 {
			return mysqlerr.New(mysqlerr.ER_NO_PARTS_ERROR, "partitions")
		}
		return f.checkNames()
	}
	if len(f.p.Parts) == 0 {
		return mysqlerr.NewMessage(1492, "For %s partitions each partition must be defined", f.kind)
	}
	want, words := "LESS THAN ", "LESS THAN"
	if f.kind == "LIST" {
		want, words = "IN ", "IN"
	}
	for i, d := range f.Parts {
		rest, ok := strings.CutPrefix(d.Values, want)
		if !ok {
			if d.Values != "" {
				return mysqlerr.NewMessage(1480, "Only %s PARTITIONING can use VALUES %s in partition definition", map[bool]string{true: "RANGE", false: "LIST"}[f.kind == "LIST"], map[bool]string{true: "LESS THAN", false: "IN"}[f.kind == "LIST"])
			}
			return mysqlerr.New(mysqlerr.ER_PARTITION_REQUIRES_VALUES_ERROR, f.kind, words)
		}
		if rest == "MAXVALUE" {
			rest = "(MAXVALUE)"
		}
		inner := strings.TrimSuffix(strings.TrimPrefix(rest, "("), ")")
		if f.kind == "RANGE" {
			v, err := f.tuple(c, splitList(inner))
			if err != nil {
				return err
			}
			if n := len(f.Less); n > 0 {
				if cmp, err := f.Compare(c, f.Less[n-1], v); err != nil {
					return err
				} else if cmp >= 0 {
					if f.Less[n-1][0] == any(maxValue) && !f.list {
						return mysqlerr.NewMessage(1481, "MAXVALUE can only be used in last partition definition")
					}
					return mysqlerr.NewMessage(1493, "VALUES LESS THAN value must be strictly increasing for each partition")
				}
			}
			f.Less = append(f.Less, v)
			continue
		}
		f.in = append(f.in, nil)
		for _, item := range splitList(inner) {
			items := []string{item}
			if len(f.Cols) > 1 && f.list {
				items = splitList(strings.TrimSuffix(strings.TrimPrefix(item, "("), ")"))
			}
			v, err := f.tuple(c, items)
			if err != nil {
				return err
			}
			if f.member(c, v) >= 0 {
				return mysqlerr.NewMessage(1495, "Multiple definition of same constant in list partitioning")
			}
			f.in[i] = append(f.in[i], v)
		}
	}
	return f.checkNames()
}

func (f *Function) checkNames() error {
	seen := map[string]bool{}
	for _, d := range f.Parts {
		if k := strings.ToLower(d.Name); seen[k] {
			return mysqlerr.New(mysqlerr.ER_SAME_NAME_PARTITION, d.Name)
		} else {
			seen[k] = true
		}
	}
	return nil
}

// CheckKeys refuses a unique key that does not hold all columns of the function: 1503. Its rows could be in several partitions.
func (f *Function) CheckKeys() error {
	for i := range f.m.Def.Indexes {
		ix := &f.m.Def.Indexes[i]
		if !ix.Unique || ix.Hidden {
			continue
		}
		for _, col := range f.Cols {
			if !slices.ContainsFunc(ix.Parts, func(p table.Part) bool { return p.Column == col && p.Prefix == 0 }) {
				kind := "UNIQUE INDEX"
				if ix.Primary {
					kind = "PRIMARY KEY"
				}
				return mysqlerr.NewMessage(1503, "A %s must include all columns in the table's partitioning function (prefixed columns are not considered).", kind)
			}
		}
	}
	return nil
}

// splitList cuts at commas outside of parentheses and quotes.
func splitList(text string) (out []string) {
	t := lexer.NewCursor(text, 0, 1<<16)
	from := 0
	for i := range t.Outer(0) {
		if t.At(i) == "," {
			out = append(out, strings.TrimSpace(text[from:t.Tokens[i].Start]))
			from = t.Tokens[i].End
		}
	}
	return append(out, strings.TrimSpace(text[from:]))
}

// tuple evaluates constants.
func (f *Function) tuple(c *sql.Context, texts []string) (Tuple, error) {
	if f.list && len(texts) != len(f.Cols) || !f.list && len(texts) != 1 {
		return nil, mysqlerr.New(mysqlerr.ER_PARTITION_COLUMN_LIST_ERROR)
	}
	out := make(Tuple, len(texts))
	for i, text := range texts {
		if strings.EqualFold(text, "MAXVALUE") {
			out[i] = maxValue
			continue
		}
		x, err := f.bind(c, []string{text})
		if err != nil {
			return nil, err
		}
		v, err := x[0].Eval(c, make(sql.Row, len(f.m.Schema)))
		if err != nil {
			return nil, err
		}
		if out[i], err = f.element(c, i, v); err != nil {
			return nil, mysqlerr.NewMessage(1654, "Partition column values of incorrect type")
		}
	}
	return out, nil
}

// element converts a value into the form in which the function compares its i-th element.
func (f *Function) element(c *sql.Context, i int, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	t := sql.Type(types.Int64)
	if f.list {
		t = f.m.Schema[f.Cols[i]].Type
	} else if u, ok := v.(uint64); ok && u > 1<<63-1 {
		return u, nil
	}
	out, in, err := datum.Ordered(t).Convert(c, v)
	if err == nil && in != sql.InRange {
		err = fmt.Errorf("%v is out of range", v)
	}
	return out, err
}

// Compare orders tuples; a shorter one is compared by its elements alone.
func (f *Function) Compare(c *sql.Context, a, b Tuple) (int, error) {
	for i := range min(len(a), len(b)) {
		if n, err := f.compareElement(c, i, a[i], b[i]); n != 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}

func (f *Function) compareElement(c *sql.Context, i int, a, b any) (int, error) {
	_, am := a.(maxValueType)
	_, bm := b.(maxValueType)
	switch {
	case am && bm:
		return 0, nil
	case am:
		return 1, nil
	case bm:
		return -1, nil
	case a == nil && b == nil:
		return 0, nil
	case a == nil:
		return -1, nil
	case b == nil:
		return 1, nil
	}
	if f.list {
		return datum.Ordered(f.m.Schema[f.Cols[i]].Type).Compare(c, a, b)
	}
	x, xu := a.(uint64)
	y, yu := b.(uint64)
	switch {
	case xu && yu:
		return int(min(1, max(-1, int64(x-y)))), nil
	case xu:
		return 1, nil
	case yu:
		return -1, nil
	}
	p, q := a.(int64), b.(int64)
	switch {
	case p < q:
		return -1, nil
	case p > q:
		return 1, nil
	}
	return 0, nil
}

// member finds the LIST partition that holds a value; -1: none.
func (f *Function) member(c *sql.Context, v Tuple) int {
	for i := range f.in {
		for _, m := range f.in[i] {
			if n, err := f.Compare(c, m, v); n == 0 && err == nil {
				return i
			}
		}
	}
	return -1
}

// value computes the function for a row whose columns of the function are set.
func (f *Function) value(c *sql.Context, r sql.Row) (Tuple, error) {
	if f.list {
		out := make(Tuple, len(f.Cols))
		for i, col := range f.Cols {
			out[i] = r[col]
		}
		return out, nil
	}
	v, err := f.expr.Eval(c, r)
	if err != nil {
		return nil, err
	}
	e, err := f.element(c, 0, v)
	return Tuple{e}, err
}

// place finds the partition of a value: -1 when none takes it.
func (f *Function) place(c *sql.Context, v Tuple) (int, error) {
	switch f.kind {
	case "RANGE":
		lo, hi := 0, len(f.Less)
		for lo < hi {
			mid := (lo + hi) / 2
			n, err := f.Compare(c, v, f.Less[mid])
			if err != nil {
				return 0, err
			}
			if n < 0 {
				hi = mid
			} else {
				lo = mid + 1
			}
		}
		if lo == len(f.Less) {
			return -1, nil
		}
		return lo, nil
	case "LIST":
		return f.member(c, v), nil
	case "KEY":
		h := fnv.New64a()
		for i, x := range v {
			fmt.Fprintf(h, "%d", i)
			if x == nil {
				continue
			}
			d, err := f.m.Codecs[f.Cols[i]].Encode(c, x, nil)
			if err != nil {
				return 0, err
			}
			key, err := f.hashKey(c, f.Cols[i], x, &d)
			if err != nil {
				return 0, err
			}
			_, _ = h.Write(key)
		}
		return f.bucket(h.Sum64() >> 1), nil
	}
	n, _ := v[0].(int64)
	if u, ok := v[0].(uint64); ok {
		return f.bucket(u), nil
	}
	if strings.HasPrefix(f.p.Method, "LINEAR") {
		return f.bucket(uint64(n)), nil
	}
	if n %= int64(len(f.Parts)); n < 0 {
		n = -n
	}
	return int(n), nil
}

// hashKey is what equal values of a column have in common: for text, its weights.
func (f *Function) hashKey(c *sql.Context, col int, v any, d *row.Datum) ([]byte, error) {
	if t, ok := f.m.Schema[col].Type.(sql.StringType); ok {
		if text, ok := v.(string); ok {
			var b bytes.Buffer
			h, err := t.Collation().HashToUint(strings.TrimRight(text, " "))
			fmt.Fprintf(&b, "%x", h)
			return b.Bytes(), err
		}
	}
	return fmt.Appendf(nil, "%d %x", d.N, d.B), nil
}

// bucket is MySQL's choice of a hash partition, LINEAR or not.
func (f *Function) bucket(h uint64) int {
	n := uint64(len(f.Parts))
	if !strings.HasPrefix(f.p.Method, "LINEAR") {
		return int(h % n)
	}
	mask := uint64(1)
	for mask < n {
		mask <<= 1
	}
	b := h & (mask - 1)
	for b >= n {
		mask >>= 1
		b &= mask - 1
	}
	return int(b)
}

// Of finds the partition of a stored row: 1526 when there is none.
func (f *Function) Of(c *sql.Context, r []row.Datum) (int, error) {
	vals := make(sql.Row, len(f.m.Schema))
	loc := item.Location(c)
	for _, col := range f.Cols {
		v, err := f.m.Codecs[col].Decode(c, &r[col], loc)
		if err != nil {
			return 0, err
		}
		vals[col] = v
	}
	v, err := f.value(c, vals)
	if err != nil {
		return 0, err
	}
	i, err := f.place(c, v)
	if err == nil && i < 0 {
		err = f.noPartition(c, v)
	}
	return i, err
}

func (f *Function) noPartition(c *sql.Context, v Tuple) error {
	text := "from column_list"
	if !f.list {
		text = "NULL"
		if v[0] != nil {
			text = fmt.Sprint(v[0])
		}
	}
	return mysqlerr.New(mysqlerr.ER_NO_PARTITION_FOR_GIVEN_VALUE, text)
}
