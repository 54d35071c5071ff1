package general

import (
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
)

// onePartition is what the library scans: a table has one to it. For an index lookup it carries the lookup.
type onePartition struct{ lookup sql.IndexLookup }

func (onePartition) Key() []byte { return []byte{0} }

type partitions struct {
	p    onePartition
	done bool
}

func (p *partitions) Next(*sql.Context) (sql.Partition, error) {
	if p.done {
		return nil, io.EOF
	}
	p.done = true
	return p.p, nil
}

func (*partitions) Close(*sql.Context) error { return nil }

func (t *userTable) Partitions(*sql.Context) (sql.PartitionIter, error) { return &partitions{}, nil }

func (t *rangeTable) LookupPartitions(ctx *sql.Context, lookup sql.IndexLookup) (sql.PartitionIter, error) {
	if t.foreign && foreignMutant != nil {
		foreignMutant(ctx, t.base)
	}
	return &partitions{p: onePartition{lookup}}, nil
}

func (t *rangeTable) Partitions(*sql.Context) (sql.PartitionIter, error) {
	return &partitions{p: onePartition{t.lookup}}, nil
}

func (t *userTable) PartitionRows(ctx *sql.Context, p sql.Partition) (sql.RowIter, error) {
	bound, err := t.ensure(ctx)
	if err != nil {
		return nil, err
	}
	if lookup, ok := p.(onePartition); !ok || lookup.lookup.Index == nil {
		if it, err := t.narrowed(ctx, bound); it != nil || err != nil {
			return it, err
		}
	}
	it := &rowIter{t: t, bound: bound, mode: t.effectiveMode(ctx), loc: item.Location(ctx)}
	it.pad = t.padsChars(ctx)
	it.need = t.proj
	part, _ := p.(onePartition)
	if part.lookup.Index == nil {
		it.spans = []span{{}}
		return it, nil
	}
	x, ok := part.lookup.Index.(*index)
	if !ok {
		return nil, errForeignIndex
	}
	it.index, it.reverse = x.pos, part.lookup.IsReverse
	// An index whose parts all descend is walked backwards to give ascending order.
	if ix := x.ix(); len(ix.Parts) > 0 && ix.Parts[0].Desc && x.Order(ctx) == sql.IndexOrderDesc {
		it.reverse = !it.reverse
	}
	ranges, _ := part.lookup.Ranges.(sql.MySQLRangeCollection)
	if part.lookup.IsEmptyRange && !slices.ContainsFunc(ranges, findsNulls) {
		return it, nil
	}
	ranges, apart, err := t.byCollation(ctx, x, ranges, it.reverse)
	if err != nil {
		return nil, err
	}
	for _, r := range ranges {
		sp, some, err := t.span(ctx, x, r, it.loc)
		if err != nil {
			return nil, err
		}
		if some && (apart || !slices.ContainsFunc(it.spans, func(have span) bool { return t.sameKeys(ctx, x, &have, &sp) })) {
			it.spans = append(it.spans, sp)
			it.alsoNeed(sp.check)
		}
	}
	return it, nil
}

// findsNulls reports whether a range that the library calls empty, as a key in it is NULL, is one of <=> alone, which finds NULLs.
func findsNulls(r sql.MySQLRange) bool {
	found := false
	for _, x := range r {
		_, null := x.UpperBound.(sql.AboveNull)
		low, some := x.LowerBound.(sql.Below)
		_, none := x.LowerBound.(sql.AboveAll)
		if none || some && low.Key == nil {
			return false
		}
		found = found || null
	}
	return found
}

// effectiveMode is the reference's own lock mode; under SERIALIZABLE plain reads lock too.
func (b *base) effectiveMode(ctx *sql.Context) grammar.LockMode {
	m := b.mode
	if m.Lock == table.LockNone {
		if s := sessionOf(ctx); s != nil && s.cur != nil && s.cur.serializable {
			m.Lock = table.LockShared
		}
	}
	return m
}

// span is one range of an index as the engine takes it, with what the engine's form cannot say.
type span struct {
	r     table.Range
	point []row.Datum // a full unique key: a get rather than a scan
	check []condition // conditions on further columns
}

// condition is a range of one column that is tested on the row.
type condition struct {
	column int
	c      sql.MySQLRangeColumnExpr
}

// rowIter walks the spans of a table.
type rowIter struct {
	t       *userTable
	bound   table.Table
	mode    grammar.LockMode
	loc     *time.Location
	pad     bool // PAD_CHAR_TO_FULL_LENGTH
	index   int
	reverse bool
	spans   []span
	need    []int // nil: all
	cur     table.Cursor
	check   []condition
}

func (it *rowIter) alsoNeed(cs []condition) {
	if it.need == nil {
		return
	}
	for _, c := range cs {
		found := false
		for _, n := range it.need {
			found = found || n == c.column
		}
		if !found {
			it.need = append(it.need[:len(it.need):len(it.need)], c.column)
		}
	}
}

func (it *rowIter) Next(ctx *sql.Context) (sql.Row, error) {
	for {
		r, ref, err := it.nextDatums(ctx)
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, io.EOF
		}
		ok, err := it.matches(ctx, r)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		keyless := it.mode.Lock == table.LockExclusive && it.t.m.PK == nil
		if keyless && !it.t.foreign {
			sessionOf(ctx).cur.refs.remember(it.t.def(), r, ref)
		}
		out, err := it.t.decode(ctx, r, it.t.proj, it.loc)
		if keyless && it.t.foreign && err == nil {
			sessionOf(ctx).cur.refs.place(out, ref)
		}
		if err == nil && it.pad {
			it.t.padChars(out, it.t.proj)
		}
		return out, err
	}
}

// padsChars reports whether sql_mode asks for CHAR values at their full length and the table has some.
func (b *base) padsChars(ctx *sql.Context) bool {
	if !showsFullLength(ctx) {
		return false
	}
	for _, c := range b.m.Schema {
		if c.Type.Type() == sqltypes.Char {
			return true
		}
	}
	return false
}

func showsFullLength(ctx *sql.Context) bool {
	return strings.Contains(sessionText(ctx, "sql_mode"), "PAD_CHAR_TO_FULL_LENGTH")
}

func (b *base) padChars(r sql.Row, proj []int) {
	for i, v := range r {
		c := i
		if proj != nil {
			c = proj[i]
		}
		r[i] = fullLength(b.m.Schema[c].Type, v)
	}
}

// fullLength is a value of a CHAR with the blanks that PAD_CHAR_TO_FULL_LENGTH shows; any other as it is.
func fullLength(t sql.Type, v any) any {
	if t, ok := t.(sql.StringType); ok && t.Type() == sqltypes.Char {
		if text, ok := v.(string); ok {
			return text + strings.Repeat(" ", max(int(t.MaxCharacterLength())-utf8.RuneCountInString(text), 0))
		}
	}
	return v
}

// nextDatums returns the next row as the engine gives it, nil at the end.
func (it *rowIter) nextDatums(ctx *sql.Context) ([]row.Datum, table.Ref, error) {
	for {
		if it.cur != nil {
			ok, err := it.cur.Next(ctx)
			if err != nil {
				return nil, nil, err
			}
			if ok {
				return it.cur.Row(), it.cur.Ref(), nil
			}
			it.cur.Close()
			it.cur = nil
		}
		if len(it.spans) == 0 {
			return nil, nil, nil
		}
		sp := it.spans[0]
		it.spans = it.spans[1:]
		it.check = sp.check
		match := it.filter(ctx)
		// A locking read that the index alone can answer locks nothing else, and one that unlocks needs a cursor.
		parts, split := it.bound.(*partitioned)
		set := intersect(it.t.chosen, it.t.pruned)
		if sp.point != nil && match == nil && set == nil && (it.index == 0 || it.mode.Lock != table.LockShared) {
			r, ref, err := it.bound.Get(ctx, it.index, sp.point, it.mode.Lock, it.mode.Policy)
			if err != nil {
				return nil, nil, err
			}
			if r != nil {
				return r, ref, nil
			}
			continue
		}
		var err error
		if sp.point != nil {
			sp.r = table.Range{Low: sp.point, High: sp.point}
		}
		o := table.ScanOptions{Index: it.index, Range: sp.r, Reverse: it.reverse,
			Lock: it.mode.Lock, Policy: it.mode.Policy, Columns: it.need, OwnWrites: sp.point != nil || it.t.foreign, RecordsOnly: it.t.foreign, Filter: match, SemiConsistent: match != nil && sessionOf(ctx).cur.semiConsistent()}
		if split {
			it.cur, err = parts.scanOf(ctx, o, set)
		} else {
			it.cur, err = it.bound.Scan(ctx, o)
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

func (it *rowIter) matches(ctx *sql.Context, r []row.Datum) (bool, error) {
	for i := range it.check {
		c := &it.check[i]
		v, err := it.t.m.Codecs[c.column].Decode(ctx, &r[c.column], it.loc)
		if err != nil {
			return false, err
		}
		if ok, err := within(ctx, c.c, v); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (it *rowIter) Close(*sql.Context) error {
	if it.cur != nil {
		it.cur.Close()
		it.cur = nil
	}
	it.spans = nil
	return nil
}

// decode makes GMS's row of the columns proj (nil: all). Virtual columns are nil: GMS computes them.
func (b *base) decode(ctx *sql.Context, r []row.Datum, proj []int, loc *time.Location) (sql.Row, error) {
	if proj == nil {
		out := make(sql.Row, len(b.m.Codecs))
		for i := range out {
			if b.m.Def.Columns[i].Virtual {
				continue
			}
			v, err := b.m.Codecs[i].Decode(ctx, &r[i], loc)
			if err != nil {
				return nil, b.damaged(i, err)
			}
			out[i] = v
		}
		return out, nil
	}
	out := make(sql.Row, len(proj))
	for i, c := range proj {
		if b.m.Def.Columns[c].Virtual {
			continue
		}
		v, err := b.m.Codecs[c].Decode(ctx, &r[c], loc)
		if err != nil {
			return nil, b.damaged(c, err)
		}
		out[i] = v
	}
	return out, nil
}

// encode makes the engine's row of a full GMS row.
func (b *base) encode(ctx *sql.Context, r sql.Row, loc *time.Location) ([]row.Datum, error) {
	out := make([]row.Datum, len(b.m.Codecs))
	for i := range out {
		d, err := b.m.Codecs[i].Encode(ctx, r[i], loc)
		if err != nil {
			return nil, b.damaged(i, err)
		}
		out[i] = d
	}
	return out, nil
}
