package fastlane

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/encodings"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/wire"
)

// plan is a shape bound to one version of its table. It is immutable.
type plan struct {
	def      *table.Def
	shape    *shape
	declines bool
	kinds    []colKind // of Def.Columns
	desc     *Description

	access access
	lock   table.Lock

	// SELECT
	set     *wire.ColumnSet
	types   []wire.Type
	recode  []encodings.Encoder // of strings that are not sent as UTF-8, by position in out; nil: none
	out     []int               // columns, or of aggregates their operands (-1: COUNT(*))
	aggs    []aggregate
	need    []int // columns to read
	sort    []sortKey
	ordered bool // the access path yields the order
	reverse bool

	// INSERT: per column the position of its value within a group, or -1 and a default
	source   []int
	defaults []row.Datum
	width    int // values per group

	// UPDATE
	sets []boundSet
}

type sortKey struct {
	column int
	desc   bool
}

type boundSet struct {
	column int
	source int // with op
	op     byte
	arg    int
}

// colKind is how the lane handles a column's values.
type colKind struct {
	form      form
	min, max  int64 // formInt
	umax      uint64
	maxChars  int // formString, 0: by bytes
	maxBytes  int
	collation uint16
	char      bool // CHAR: trailing spaces matter
}

type form uint8

const (
	formNone  form = iota // TIMESTAMP: depends on the session's time zone
	formOther             // can be read only
	formInt
	formUint
	formFloat
	formString
	formBinary
)

// access is how rows are found.
type access struct {
	index int
	eq    []int // arguments of the leading parts
	point bool  // eq is a full unique key
	// A range on the part behind eq.
	rng            *rangeOn
	in             bool // an IN list on the part behind eq, its first argument: inArg
	inArg          int
	column         int // of rng and in
	full           bool
	nullable       bool
	uniqueLeftover bool // eq and in are a full unique key: look rows up one by one
}

type rangeOn struct {
	low, high         int // arguments, -1: none
	lowOpen, highOpen bool
}

func kindOf(c *Column) colKind {
	t := c.Codec.Type
	k := colKind{form: formOther, collation: c.Codec.Collation}
	switch t.Type() {
	case sqltypes.Int8:
		k.form, k.min, k.max = formInt, math.MinInt8, math.MaxInt8
	case sqltypes.Int16:
		k.form, k.min, k.max = formInt, math.MinInt16, math.MaxInt16
	case sqltypes.Int24:
		k.form, k.min, k.max = formInt, -1<<23, 1<<23-1
	case sqltypes.Int32:
		k.form, k.min, k.max = formInt, math.MinInt32, math.MaxInt32
	case sqltypes.Int64:
		k.form, k.min, k.max = formInt, math.MinInt64, math.MaxInt64
	case sqltypes.Uint8:
		k.form, k.umax = formUint, math.MaxUint8
	case sqltypes.Uint16:
		k.form, k.umax = formUint, math.MaxUint16
	case sqltypes.Uint24:
		k.form, k.umax = formUint, 1<<24-1
	case sqltypes.Uint32:
		k.form, k.umax = formUint, math.MaxUint32
	case sqltypes.Uint64:
		k.form, k.umax = formUint, math.MaxUint64
	case sqltypes.Timestamp:
		k.form = formNone
	case sqltypes.Float32, sqltypes.Float64:
		k.form = formFloat
	case sqltypes.Char, sqltypes.VarChar, sqltypes.Text:
		st, ok := t.(sql.StringType)
		if !ok || !utf8Collation(st.Collation()) {
			return k
		}
		k.form, k.maxBytes, k.char = formString, int(st.MaxByteLength()), t.Type() == sqltypes.Char
		if t.Type() != sqltypes.Text {
			k.maxChars = int(st.MaxCharacterLength())
		}
	case sqltypes.Binary, sqltypes.VarBinary, sqltypes.Blob:
		k.form = formBinary
	}
	return k
}

// utf8Collation reports whether a column's strings are exactly what a utf8mb4 client sends.
func utf8Collation(c sql.CollationID) bool {
	return c.CharacterSet() == sql.CharacterSet_utf8mb4 && collate.For(uint16(c)) != nil
}

// compile binds a shape to a table. A plan that declines is kept too, so that it is not tried again. An error means that the
// general lane will say what is wrong.
func compile(env *Env, s *shape, d *table.Def) (*plan, error) {
	p := &plan{def: d, shape: s, declines: true}
	desc, err := env.Host.Describe(env.Ctx, d)
	if err != nil {
		return nil, err
	}
	p.desc = desc
	p.kinds = make([]colKind, len(d.Columns))
	for i := range desc.Columns {
		p.kinds[i] = kindOf(&desc.Columns[i])
		if d.Columns[i].Virtual {
			return p, nil
		}
	}
	if s.verb != verbSelect && (!desc.Writable || d.Triggers || len(d.ReferTo) > 0 || len(d.ReferBy) > 0) {
		return p, nil
	}
	switch s.lock {
	case lockUpdate:
		p.lock = table.LockExclusive
	case lockShare:
		p.lock = table.LockShared
	}
	ok := false
	switch s.verb {
	case verbSelect:
		ok, err = p.bindSelect(env)
	case verbInsert:
		ok = p.bindInsert()
	case verbUpdate:
		p.lock = table.LockExclusive
		ok = p.bindUpdate()
	case verbDelete:
		p.lock = table.LockExclusive
		ok = p.bindWhere() && p.access.point
	}
	if err != nil {
		return nil, err
	}
	p.declines = !ok
	return p, nil
}

// column finds a column by name, which compares without case; -1 if there is none.
func (p *plan) column(name string) int {
	for i := range p.def.Columns {
		if strings.EqualFold(p.def.Columns[i].Name, name) {
			if p.desc.Columns[i].Hidden {
				return -1
			}
			return i
		}
	}
	return -1
}

// bindWhere picks the index that answers all conditions; false when there is none.
func (p *plan) bindWhere() bool {
	conds := p.shape.where
	if len(conds) == 0 {
		p.access = access{full: true}
		return true
	}
	cols := make([]int, len(conds))
	for i, c := range conds {
		if cols[i] = p.column(c.column); cols[i] < 0 {
			return false
		}
		if f := p.kinds[cols[i]].form; f != formInt && f != formUint && f != formString {
			return false
		}
	}
	for i := range p.def.Indexes {
		if a, ok := p.tryIndex(i, conds, cols); ok {
			p.access = a
			return true
		}
	}
	return false
}

// tryIndex matches all conditions with the leading parts of an index: equalities, then one range or list.
func (p *plan) tryIndex(n int, conds []condition, cols []int) (access, bool) {
	ix := &p.def.Indexes[n]
	a := access{index: n}
	if ix.Hidden {
		return a, false
	}
	used := 0
	part := 0
	for ; part < len(ix.Parts); part++ {
		if ix.Parts[part].Prefix > 0 {
			return a, false
		}
		c := find(conds, cols, ix.Parts[part].Column, cmpEQ)
		if c < 0 {
			break
		}
		a.eq = append(a.eq, conds[c].arg)
		used++
	}
	if used == len(conds) {
		a.point = used == len(ix.Parts) && ix.Unique
		return a, true
	}
	if part == len(ix.Parts) || ix.Parts[part].Prefix > 0 {
		return a, false
	}
	a.column = ix.Parts[part].Column
	a.nullable = p.def.Columns[a.column].Nullable
	if c := find(conds, cols, a.column, cmpIn); c >= 0 {
		a.in, a.inArg = true, conds[c].arg
		a.uniqueLeftover = part == len(ix.Parts)-1 && ix.Unique
		used++
		return a, used == len(conds)
	}
	a.rng = &rangeOn{low: -1, high: -1}
	for i, c := range conds {
		if cols[i] != a.column || c.cmp == cmpEQ {
			continue
		}
		used++
		low, high := false, false
		switch c.cmp {
		case cmpBetween:
			low, high = true, true
		case cmpGT, cmpGE:
			low = true
		case cmpLT, cmpLE:
			high = true
		}
		if low && a.rng.low >= 0 || high && a.rng.high >= 0 {
			return a, false
		}
		if low {
			a.rng.low, a.rng.lowOpen = c.arg, c.cmp == cmpGT
		}
		if high {
			a.rng.high, a.rng.highOpen = c.arg, c.cmp == cmpLT
			if c.cmp == cmpBetween {
				a.rng.high++
			}
		}
	}
	return a, used == len(conds) && (a.rng.low >= 0 || a.rng.high >= 0)
}

// find returns the only condition of that kind on a column; -1 for none or several.
func find(conds []condition, cols []int, column int, cmp compare) int {
	at := -1
	for i, c := range conds {
		if cols[i] == column && c.cmp == cmp {
			if at >= 0 {
				return -1
			}
			at = i
		}
	}
	return at
}

// keyDatum converts an argument for comparison with a column; false declines. Numbers out of the column's range still
// compare rightly as long as the class can hold them.
func (p *plan) keyDatum(column int, a *Arg) (row.Datum, bool) {
	k := &p.kinds[column]
	switch k.form {
	case formInt:
		if a.Kind == ArgString {
			var ok bool
			if *a, ok = canonicalInt(a.B); !ok {
				return row.Datum{}, false
			}
		}
		return a.int64()
	case formUint:
		if a.Kind == ArgString {
			var ok bool
			if *a, ok = canonicalInt(a.B); !ok {
				return row.Datum{}, false
			}
		}
		if a.Kind != ArgInt || a.Neg {
			return row.Datum{}, false
		}
		return row.FromUint(a.N), true
	case formString:
		if a.Kind != ArgString || !utf8.Valid(a.B) {
			return row.Datum{}, false
		}
		return row.FromBytes(a.B), true
	}
	return row.Datum{}, false
}

// int64 returns an integer argument as a datum of class Int.
func (a *Arg) int64() (row.Datum, bool) {
	switch {
	case a.Kind != ArgInt:
		return row.Datum{}, false
	case a.Neg:
		return row.FromInt(-int64(a.N)), a.N <= 1<<63
	}
	return row.FromInt(int64(a.N)), a.N <= math.MaxInt64
}

// canonicalInt reads a string that is an integer as it would be printed.
func canonicalInt(b []byte) (Arg, bool) {
	a := Arg{Kind: ArgInt}
	d := b
	if len(d) > 0 && d[0] == '-' {
		a.Neg, d = true, d[1:]
	}
	if len(d) == 0 || len(d) > 18 || d[0] == '0' && (len(d) > 1 || a.Neg) {
		return a, false
	}
	for _, c := range d {
		if c < '0' || c > '9' {
			return a, false
		}
		a.N = a.N*10 + uint64(c-'0')
	}
	return a, true
}

// storeDatum converts an argument for storing in a column where that changes nothing; false declines.
func (p *plan) storeDatum(column int, a *Arg) (row.Datum, bool) {
	if a.Kind == ArgNull {
		return row.NullDatum, p.def.Columns[column].Nullable
	}
	k := &p.kinds[column]
	switch k.form {
	case formInt:
		d, ok := p.keyDatum(column, a)
		return d, ok && d.Int() >= k.min && d.Int() <= k.max
	case formUint:
		d, ok := p.keyDatum(column, a)
		return d, ok && d.Uint() <= k.umax
	case formString:
		if a.Kind != ArgString || !utf8.Valid(a.B) || len(a.B) > k.maxBytes {
			return row.Datum{}, false
		}
		if k.maxChars > 0 && len(a.B) > k.maxChars && utf8.RuneCount(a.B) > k.maxChars {
			return row.Datum{}, false
		}
		if k.char && len(a.B) > 0 && a.B[len(a.B)-1] == ' ' {
			return row.Datum{}, false
		}
		return row.FromBytes(a.B), true
	}
	return row.Datum{}, false
}
