package general

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/partition"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// A partitioned table is one engine table for each partition, and one for the table itself, which holds the definition, the metadata lock and the
// auto-increment counter but no rows. The definition says which tree is which partition's (tabledef.Attrs.Parts): whatever changes partitions makes
// new trees first and is done when the new definition is published, in one transaction; trees that no definition names are dropped, at the
// latest when the server starts. See docs/architecture.md, section 12.

// partMark separates the name of a table and the number of a tree in an engine table's name; grammar.SelectMark the table and the partitions that
// a statement names.
const (
	partMark = "#p#"
)

func treeName(name string, tree int) string { return fmt.Sprintf("%s%s%d", name, partMark, tree) }

// TableOf is the table that an engine table belongs to: itself, unless it is a partition's tree.
func TableOf(name string) string {
	base, _, _ := strings.Cut(name, partMark)
	return base
}

func isTree(name string) bool { return strings.Contains(name, partMark) }

// partitioned is a partitioned table as one statement sees it.
type partitioned struct {
	table.Table // the table itself
	x           *execution
	m           *tabledef.Table
	f           *partition.Function // nil: one tree
	trees       []table.Table
}

// partition wraps a table that was opened, if it is partitioned.
func (x *execution) partition(ctx context.Context, t table.Table) (table.Table, error) {
	d := t.Def()
	if !strings.Contains(d.Attrs, `"parts":[`) {
		return t, nil
	}
	c := sqlContext(ctx)
	m, err := x.s.e.metas.Get(c, d)
	if err != nil {
		return nil, err
	}
	if len(m.Attrs.Parts) == 0 {
		return t, nil
	}
	f, err := partFuncOf(c, m)
	if err != nil {
		return nil, err
	}
	return &partitioned{Table: t, x: x, m: m, f: f, trees: make([]table.Table, len(m.Attrs.Parts))}, nil
}

func sqlContext(ctx context.Context) *sql.Context {
	if c, ok := ctx.(*sql.Context); ok {
		return c
	}
	return sql.NewContext(ctx)
}

// partition.Function compiles the partitioning function once for a version of the definition.
func partFuncOf(c *sql.Context, m *tabledef.Table) (*partition.Function, error) {
	if f, ok := m.Partitioning.Load().(*partition.Function); ok {
		return f, nil
	}
	f, err := partition.New(c, sessionOf(c).e.gms.Analyzer.Catalog, m)
	if err == nil && f != nil {
		m.Partitioning.Store(f)
	}
	return f, err
}

// tree opens a partition.
func (p *partitioned) tree(ctx context.Context, i int) (table.Table, error) {
	if p.trees[i] == nil {
		t, err := p.x.stmt.Open(ctx, p.m.Def.Schema, treeName(p.m.Def.Name, p.m.Attrs.Parts[i].Tree))
		if errors.Is(err, table.ErrNoTable) {
			return nil, table.ErrDefChanged
		}
		if err != nil {
			return nil, err
		}
		p.trees[i] = t
	}
	return p.trees[i], nil
}

// of finds a row's partition.
func (p *partitioned) of(ctx context.Context, r []row.Datum) (int, error) {
	if p.f == nil {
		return 0, nil
	}
	return p.f.Of(sqlContext(ctx), r)
}

// A row's reference is that within its tree, after two bytes for the partition.
func (p *partitioned) ref(i int, r table.Ref) table.Ref {
	return append(binary.BigEndian.AppendUint16(make(table.Ref, 0, 2+len(r)), uint16(i)), r...)
}

func (p *partitioned) split(r table.Ref) (int, table.Ref, error) {
	if len(r) < 2 || int(binary.BigEndian.Uint16(r)) >= len(p.trees) {
		return 0, nil, fmt.Errorf("row reference %x is not of partitioned table %s", []byte(r), p.m.Def.Name)
	}
	return int(binary.BigEndian.Uint16(r)), r[2:], nil
}

// explain puts the table for the tree into an error.
func (p *partitioned) explain(i int, err error) error {
	var dup *table.DuplicateKey
	if errors.As(err, &dup) {
		n := *dup
		n.Table, n.Ref = p.m.Def, p.ref(i, dup.Ref)
		return &n
	}
	return err
}

// Scan implements table.Table.
func (p *partitioned) Scan(ctx context.Context, o table.ScanOptions) (table.Cursor, error) {
	return p.scanOf(ctx, o, nil)
}

// scanOf scans the partitions of a set (nil: all) that the range does not exclude.
func (p *partitioned) scanOf(ctx context.Context, o table.ScanOptions, set []bool) (table.Cursor, error) {
	within, err := p.within(ctx, o.Index, &o.Range)
	if err != nil {
		return nil, err
	}
	m := &mergeCursor{p: p, reverse: o.Reverse}
	for i := range p.trees {
		if set != nil && !set[i] || within != nil && !within[i] {
			continue
		}
		t, err := p.tree(ctx, i)
		if err != nil {
			m.Close()
			return nil, err
		}
		cur, err := t.Scan(ctx, o)
		if err != nil {
			m.Close()
			return nil, err
		}
		m.all = append(m.all, source{cur.(table.KeyCursor), i})
	}
	m.list = slices.Clone(m.all)
	return m, nil
}

// within prunes by the range of an index.
func (p *partitioned) within(ctx context.Context, index int, r *table.Range) ([]bool, error) {
	if p.f == nil || r.Low == nil && r.High == nil || p.m.Def.Indexes[index].Hidden {
		return nil, nil
	}
	c := sqlContext(ctx)
	by := map[int]*partition.Limits{}
	parts := p.m.Def.Indexes[index].Parts
	loc := item.Location(c)
	for i := range min(len(parts), max(len(r.Low), len(r.High))) {
		if parts[i].Prefix > 0 {
			break
		}
		col := parts[i].Column
		get := func(d []row.Datum) (any, bool, error) {
			if i >= len(d) {
				return nil, false, nil
			}
			v, err := p.m.Codecs[col].Decode(c, &d[i], loc)
			return v, true, err
		}
		lo, hasLo, err := get(r.Low)
		if err != nil {
			return nil, err
		}
		hi, hasHi, err := get(r.High)
		if err != nil {
			return nil, err
		}
		l := &partition.Limits{}
		by[col] = l
		if hasLo && hasHi && sameDatum(&r.Low[i], &r.High[i]) {
			l.In = []any{lo}
			continue
		}
		if hasLo { // an open bound on a longer key is closed for its prefix
			l.Lo, l.LoOpen = lo, r.LowOpen && i == len(r.Low)-1
		}
		if hasHi {
			l.Hi, l.HiOpen = hi, r.HighOpen && i == len(r.High)-1
		}
		break
	}
	return p.f.Prune(c, by)
}

func sameDatum(a, b *row.Datum) bool {
	return a.Null == b.Null && a.N == b.N && bytes.Equal(a.B, b.B)
}

// Get implements table.Table: a unique key holds all columns of the function.
func (p *partitioned) Get(ctx context.Context, index int, key []row.Datum, lock table.Lock, policy table.WaitPolicy) ([]row.Datum, table.Ref, error) {
	within, err := p.within(ctx, index, &table.Range{Low: key, High: key})
	if err != nil {
		return nil, nil, err
	}
	for i := range p.trees {
		if within != nil && !within[i] {
			continue
		}
		t, err := p.tree(ctx, i)
		if err != nil {
			return nil, nil, err
		}
		r, ref, err := t.Get(ctx, index, key, lock, policy)
		if err != nil || r != nil {
			return r, p.ref(i, ref), err
		}
	}
	return nil, nil, nil
}

// Insert implements table.Table.
func (p *partitioned) Insert(ctx context.Context, r []row.Datum) error {
	_, err := p.InsertRows(ctx, [][]row.Datum{r})
	return err
}

// InsertRows implements table.Table.
func (p *partitioned) InsertRows(ctx context.Context, rows [][]row.Datum) (n int, err error) {
	for n < len(rows) {
		at, err := p.of(ctx, rows[n])
		if err != nil {
			return n, err
		}
		if err := p.allowed(at); err != nil {
			return n, err
		}
		end := n + 1
		for ; end < len(rows); end++ { // neighbours go together; what is wrong with a later row is told when it is its turn
			if next, err := p.of(ctx, rows[end]); err != nil || next != at {
				break
			}
		}
		t, err := p.tree(ctx, at)
		if err != nil {
			return n, err
		}
		done, err := t.InsertRows(ctx, rows[n:end])
		n += done
		if err != nil {
			return n, p.explain(at, err)
		}
	}
	return n, nil
}

// allowed is 1748 for a partition that the statement does not name.
func (p *partitioned) allowed(i int) error {
	if set := p.x.targets[p.m.Def.ID]; set != nil && !set[i] {
		return mysqlerr.New(mysqlerr.ER_ROW_DOES_NOT_MATCH_GIVEN_PARTITION_SET)
	}
	return nil
}

// Update implements table.Table. A row whose partition changes moves.
func (p *partitioned) Update(ctx context.Context, ref table.Ref, old, new []row.Datum) error {
	i, inner, err := p.split(ref)
	if err != nil {
		return err
	}
	to, err := p.of(ctx, new)
	if err != nil {
		return err
	}
	from, err := p.tree(ctx, i)
	if err != nil {
		return err
	}
	if to == i {
		return p.explain(i, from.Update(ctx, inner, old, new))
	}
	if err := p.allowed(to); err != nil {
		return err
	}
	t, err := p.tree(ctx, to)
	if err != nil {
		return err
	}
	if err := t.Insert(ctx, new); err != nil {
		return p.explain(to, err)
	}
	return from.Delete(ctx, inner, old)
}

// Delete implements table.Table.
func (p *partitioned) Delete(ctx context.Context, ref table.Ref, old []row.Datum) error {
	i, inner, err := p.split(ref)
	if err != nil {
		return err
	}
	t, err := p.tree(ctx, i)
	if err != nil {
		return err
	}
	return t.Delete(ctx, inner, old)
}

// each visits all partitions.
func (p *partitioned) each(ctx context.Context, fn func(t table.Table) error) error {
	for i := range p.trees {
		t, err := p.tree(ctx, i)
		if err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
	}
	return nil
}

// Count implements table.Table; so do the following.
func (p *partitioned) Count(ctx context.Context) (n uint64, err error) {
	return n, p.each(ctx, func(t table.Table) error {
		k, err := t.Count(ctx)
		n += k
		return err
	})
}

func (p *partitioned) Bytes(ctx context.Context) (data, index uint64, err error) {
	return data, index, p.each(ctx, func(t table.Table) error {
		d, x, err := t.Bytes(ctx)
		data, index = data+d, index+x
		return err
	})
}

// Analyze adds up: values of different partitions are taken for different.
func (p *partitioned) Analyze(ctx context.Context, pages int) (out table.Statistics, err error) {
	return out, p.each(ctx, func(t table.Table) error {
		s, err := t.Analyze(ctx, pages)
		if err != nil {
			return err
		}
		out.Rows += s.Rows
		if out.Distinct == nil {
			out.Distinct, out.Pages, out.Leaves = s.Distinct, s.Pages, s.Leaves
			return nil
		}
		for i := range s.Distinct {
			for j := range s.Distinct[i] {
				out.Distinct[i][j] += s.Distinct[i][j]
			}
			out.Pages[i] += s.Pages[i]
			out.Leaves[i] += s.Leaves[i]
		}
		return nil
	})
}

func (p *partitioned) Estimate(ctx context.Context, index int, r table.Range) (n uint64, err error) {
	within, err := p.within(ctx, index, &r)
	if err != nil {
		return 0, err
	}
	for i := range p.trees {
		if within != nil && !within[i] {
			continue
		}
		t, err := p.tree(ctx, i)
		if err != nil {
			return 0, err
		}
		k, err := t.Estimate(ctx, index, r)
		if err != nil {
			return 0, err
		}
		n += k
	}
	return n, nil
}

// mergeCursor merges the cursors of several partitions in the order of the index.
type mergeCursor struct {
	p       *partitioned
	all     []source
	list    []source // a heap by key, once begun; its first is the current one
	begun   bool
	reverse bool
}

type source struct {
	table.KeyCursor
	part int
}

// Len and the following implement heap.Interface.
func (m *mergeCursor) Len() int { return len(m.list) }
func (m *mergeCursor) Less(i, j int) bool {
	n := bytes.Compare(m.list[i].Key(), m.list[j].Key())
	if m.reverse {
		n = -n
	}
	return n < 0 || n == 0 && m.list[i].part < m.list[j].part
}
func (m *mergeCursor) Swap(i, j int) { m.list[i], m.list[j] = m.list[j], m.list[i] }
func (m *mergeCursor) Push(x any)    { m.list = append(m.list, x.(source)) }
func (m *mergeCursor) Pop() any {
	last := m.list[len(m.list)-1]
	m.list = m.list[:len(m.list)-1]
	return last
}

// Next implements table.Cursor.
func (m *mergeCursor) Next(ctx context.Context) (bool, error) {
	if !m.begun {
		m.begun = true
		live := m.list[:0:0]
		for _, s := range m.list {
			ok, err := s.Next(ctx)
			if err != nil {
				return false, err
			}
			if ok {
				live = append(live, s)
			}
		}
		m.list = live
		heap.Init(m)
		return len(m.list) > 0, nil
	}
	if len(m.list) == 0 {
		return false, nil
	}
	ok, err := m.list[0].Next(ctx)
	if err != nil {
		return false, err
	}
	if ok {
		heap.Fix(m, 0)
	} else {
		heap.Pop(m)
	}
	return len(m.list) > 0, nil
}

func (m *mergeCursor) Row() []row.Datum { return m.list[0].Row() }
func (m *mergeCursor) Ref() table.Ref   { return m.p.ref(m.list[0].part, m.list[0].Ref()) }
func (m *mergeCursor) Close() {
	for _, s := range m.all {
		s.Close()
	}
	m.all, m.list = nil, nil
}
