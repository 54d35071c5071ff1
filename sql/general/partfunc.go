package general

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
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// partFunc is a partitioning function: which partition a row belongs to, and which partitions rows with given columns can be in. It is immutable.
type partFunc struct {
	m     *tabledef.Table
	p     *grammar.Partitioning
	kind  string         // RANGE, LIST, HASH, KEY
	list  bool           // COLUMNS: values are compared column by column
	cols  []int          // of the function
	expr  sql.Expression // nil: COLUMNS and KEY
	mono  bool           // expr grows with its only column
	parts []grammar.PartitionDef
	less  []tuple   // RANGE: bounds
	in    [][]tuple // LIST: members
}

// tuple is a value of the function: one number, or one value for each column. A nil element is NULL, maxValue is above all.
type tuple []any

type maxValueType struct{}

var maxValue = maxValueType{}

// monotonic are functions of one column that grow with it. YEAR and the like of NULL are NULL, which is below all.
var monotonic = map[string]bool{"year": true, "to_days": true, "to_seconds": true, "unix_timestamp": true}

// newPartFunc compiles a table's partitioning; nil when the table has none.
func newPartFunc(c *sql.Context, m *tabledef.Table) (*partFunc, error) {
	if m.Attrs.PartSQL == "" {
		return nil, nil
	}
	p := grammar.ParsePartitioning(m.Attrs.PartSQL)
	if p == nil {
		return nil, fmt.Errorf("partitioning of %s.%s: %q cannot be read", m.Def.Schema, m.Def.Name, m.Attrs.PartSQL)
	}
	f := &partFunc{m: m, p: p, parts: p.Names()}
	f.kind = strings.Fields(strings.TrimPrefix(p.Method, "LINEAR "))[0]
	f.list = strings.Contains(p.Method, "COLUMNS") || f.kind == "KEY"
	if err := f.bindFunction(c); err != nil {
		return nil, err
	}
	return f, f.bindValues(c)
}

// bindFunction resolves the columns or the expression.
func (f *partFunc) bindFunction(c *sql.Context) error {
	if !f.list {
		xs, err := f.bind(c, []string{f.p.ShownExpr()})
		if err != nil {
			return err
		}
		f.expr = xs[0]
		sql.Inspect(c, f.expr, func(_ *sql.Context, e sql.Expression) bool {
			if g, ok := e.(*expression.GetField); ok && !slices.Contains(f.cols, g.Index()) {
				f.cols = append(f.cols, g.Index())
			}
			return true
		})
		if len(f.cols) == 0 {
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
		if slices.Contains(f.cols, at) {
			return mysqlerr.New(mysqlerr.ER_SAME_NAME_PARTITION_FIELD, name)
		}
		f.cols = append(f.cols, at)
	}
	if len(f.cols) == 0 { // KEY(): of the primary key
		ix := &f.m.Def.Indexes[0]
		if ix.Hidden {
			return mysqlerr.NewMessage(1488, "Field in list of fields for partition function not found in table")
		}
		for _, p := range ix.Parts {
			f.cols = append(f.cols, p.Column)
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
func (f *partFunc) bind(c *sql.Context, texts []string) (out []sql.Expression, err error) {
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
	b := planbuilder.New(c, sessionOf(c).e.gms.Analyzer.Catalog, nil)
	for _, col := range b.ResolveSchemaDefaults(f.m.Def.Schema, f.m.Def.Name, schema)[n:] {
		x, err := positioned(f.m, c, col.Generated)
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
func (f *partFunc) bindValues(c *sql.Context) error {
	if f.kind != "RANGE" && f.kind != "LIST" {
		if len(f.parts) == 0 {
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
	for i, d := range f.parts {
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
			if n := len(f.less); n > 0 {
				if cmp, err := f.compare(c, f.less[n-1], v); err != nil {
					return err
				} else if cmp >= 0 {
					if f.less[n-1][0] == any(maxValue) && !f.list {
						return mysqlerr.NewMessage(1481, "MAXVALUE can only be used in last partition definition")
					}
					return mysqlerr.NewMessage(1493, "VALUES LESS THAN value must be strictly increasing for each partition")
				}
			}
			f.less = append(f.less, v)
			continue
		}
		f.in = append(f.in, nil)
		for _, item := range splitList(inner) {
			items := []string{item}
			if len(f.cols) > 1 && f.list {
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

func (f *partFunc) checkNames() error {
	seen := map[string]bool{}
	for _, d := range f.parts {
		if k := strings.ToLower(d.Name); seen[k] {
			return mysqlerr.New(mysqlerr.ER_SAME_NAME_PARTITION, d.Name)
		} else {
			seen[k] = true
		}
	}
	return nil
}

// checkKeys refuses a unique key that does not hold all columns of the function: 1503. Its rows could be in several partitions.
func (f *partFunc) checkKeys() error {
	for i := range f.m.Def.Indexes {
		ix := &f.m.Def.Indexes[i]
		if !ix.Unique || ix.Hidden {
			continue
		}
		for _, col := range f.cols {
			if !slices.ContainsFunc(ix.Parts, func(p tablePart) bool { return p.Column == col && p.Prefix == 0 }) {
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
func (f *partFunc) tuple(c *sql.Context, texts []string) (tuple, error) {
	if f.list && len(texts) != len(f.cols) || !f.list && len(texts) != 1 {
		return nil, mysqlerr.New(mysqlerr.ER_PARTITION_COLUMN_LIST_ERROR)
	}
	out := make(tuple, len(texts))
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
func (f *partFunc) element(c *sql.Context, i int, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	t := sql.Type(types.Int64)
	if f.list {
		t = f.m.Schema[f.cols[i]].Type
	} else if u, ok := v.(uint64); ok && u > 1<<63-1 {
		return u, nil
	}
	out, in, err := datum.Ordered(t).Convert(c, v)
	if err == nil && in != sql.InRange {
		err = fmt.Errorf("%v is out of range", v)
	}
	return out, err
}

// compare orders tuples; a shorter one is compared by its elements alone.
func (f *partFunc) compare(c *sql.Context, a, b tuple) (int, error) {
	for i := range min(len(a), len(b)) {
		if n, err := f.compareElement(c, i, a[i], b[i]); n != 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}

func (f *partFunc) compareElement(c *sql.Context, i int, a, b any) (int, error) {
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
		return datum.Ordered(f.m.Schema[f.cols[i]].Type).Compare(c, a, b)
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
func (f *partFunc) member(c *sql.Context, v tuple) int {
	for i := range f.in {
		for _, m := range f.in[i] {
			if n, err := f.compare(c, m, v); n == 0 && err == nil {
				return i
			}
		}
	}
	return -1
}

// value computes the function for a row whose columns of the function are set.
func (f *partFunc) value(c *sql.Context, r sql.Row) (tuple, error) {
	if f.list {
		out := make(tuple, len(f.cols))
		for i, col := range f.cols {
			out[i] = r[col]
		}
		return out, nil
	}
	v, err := f.expr.Eval(c, r)
	if err != nil {
		return nil, err
	}
	e, err := f.element(c, 0, v)
	return tuple{e}, err
}

// place finds the partition of a value: -1 when none takes it.
func (f *partFunc) place(c *sql.Context, v tuple) (int, error) {
	switch f.kind {
	case "RANGE":
		lo, hi := 0, len(f.less)
		for lo < hi {
			mid := (lo + hi) / 2
			n, err := f.compare(c, v, f.less[mid])
			if err != nil {
				return 0, err
			}
			if n < 0 {
				hi = mid
			} else {
				lo = mid + 1
			}
		}
		if lo == len(f.less) {
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
			d, err := f.m.Codecs[f.cols[i]].Encode(c, x, nil)
			if err != nil {
				return 0, err
			}
			key, err := f.hashKey(c, f.cols[i], x, &d)
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
	if n %= int64(len(f.parts)); n < 0 {
		n = -n
	}
	return int(n), nil
}

// hashKey is what equal values of a column have in common: for text, its weights.
func (f *partFunc) hashKey(c *sql.Context, col int, v any, d *row.Datum) ([]byte, error) {
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
func (f *partFunc) bucket(h uint64) int {
	n := uint64(len(f.parts))
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

// of finds the partition of a stored row: 1526 when there is none.
func (f *partFunc) of(c *sql.Context, r []row.Datum) (int, error) {
	vals := make(sql.Row, len(f.m.Schema))
	loc := item.Location(c)
	for _, col := range f.cols {
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

func (f *partFunc) noPartition(c *sql.Context, v tuple) error {
	text := "from column_list"
	if !f.list {
		text = "NULL"
		if v[0] != nil {
			text = fmt.Sprint(v[0])
		}
	}
	return mysqlerr.New(mysqlerr.ER_NO_PARTITION_FOR_GIVEN_VALUE, text)
}

// limits is what is known of one column of a query: one of several values, or an interval.
type limits struct {
	in             []any // nil: no such list
	lo, hi         any   // nil: open
	loOpen, hiOpen bool
}

func (l *limits) fixed() bool { return l.in != nil }

// maxPruned bounds how many combinations of values are looked up.
const maxPruned = 1 << 12

// prune finds the partitions that can hold rows whose columns are within limits; nil: all.
func (f *partFunc) prune(c *sql.Context, by map[int]*limits) ([]bool, error) {
	if by == nil {
		return nil, nil
	}
	out := make([]bool, len(f.parts))
	combos := 1
	for _, col := range f.cols {
		l := by[col]
		if l == nil || !l.fixed() {
			return f.pruneInterval(c, by, out)
		}
		if combos *= max(len(l.in), 1); combos > maxPruned {
			return nil, nil
		}
	}
	vals := make(sql.Row, len(f.m.Schema))
	var walk func(i int) error
	walk = func(i int) error {
		if i < len(f.cols) {
			for _, v := range by[f.cols[i]].in {
				vals[f.cols[i]] = v
				if err := walk(i + 1); err != nil {
					return err
				}
			}
			return nil
		}
		v, err := f.value(c, vals)
		if err != nil {
			return err
		}
		at, err := f.place(c, v)
		if err == nil && at >= 0 {
			out[at] = true
		}
		return err
	}
	return out, walk(0)
}

// pruneInterval prunes by the first column's interval.
func (f *partFunc) pruneInterval(c *sql.Context, by map[int]*limits, out []bool) ([]bool, error) {
	l := by[f.cols[0]]
	if l == nil || f.kind != "RANGE" && f.kind != "LIST" || !f.list && !f.mono {
		return nil, nil
	}
	lo, hi, loOpen, hiOpen := l.lo, l.hi, l.loOpen, l.hiOpen
	if l.fixed() { // the first column of several
		if len(l.in) != 1 {
			return nil, nil
		}
		lo, hi, loOpen, hiOpen = l.in[0], l.in[0], false, false
	}
	ends := [2]any{lo, hi}
	if !f.list {
		for i, v := range ends {
			if v == nil {
				continue
			}
			vals := make(sql.Row, len(f.m.Schema))
			vals[f.cols[0]] = v
			x, err := f.value(c, vals)
			if err != nil {
				return nil, err
			}
			ends[i] = x[0]
		}
		if _, plain := f.expr.(*expression.GetField); !plain {
			loOpen, hiOpen = false, false // YEAR(c) may be the same on both sides of the bound
		} // a NULL bound, as YEAR of a wrong date, is open
	}
	single := len(f.cols) == 1 || !f.list
	inside := func(v any) (bool, error) { // of LIST
		for i, end := range ends {
			if end == nil {
				continue
			}
			n, err := f.compareElement(c, 0, v, end)
			if err != nil || v == nil || i == 0 && (n < 0 || n == 0 && loOpen) || i == 1 && (n > 0 || n == 0 && hiOpen) {
				return false, err
			}
		}
		return true, nil
	}
	for i := range out {
		if f.kind == "LIST" {
			for _, m := range f.in[i] {
				ok, err := inside(m[0])
				if err != nil {
					return nil, err
				}
				out[i] = out[i] || ok
			}
			continue
		}
		out[i] = true
		if ends[0] != nil { // all rows of the partition are below the interval
			n, err := f.compareElement(c, 0, f.less[i][0], ends[0])
			if err != nil {
				return nil, err
			}
			if n < 0 || n == 0 && (single || loOpen) {
				out[i] = false
			}
		}
		if ends[1] != nil && i > 0 { // above
			n, err := f.compareElement(c, 0, f.less[i-1][0], ends[1])
			if err != nil {
				return nil, err
			}
			if n > 0 || n == 0 && hiOpen {
				out[i] = false
			}
		}
	}
	return out, nil
}
