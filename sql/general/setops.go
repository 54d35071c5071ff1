package general

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/sql/exact"
)

// DISTINCT, UNION, INTERSECT and EXCEPT tell rows by what their types and collations hold equal. The library tells them by their bytes.

// rowKeys makes keys of rows of a schema. Like the library's they are 64-bit hashes: of n rows, two that differ are taken for the same with a
// probability of n^2/2^65.
type rowKeys struct {
	schema sql.Schema
	buf    []byte
}

func (k *rowKeys) of(c *sql.Context, r sql.Row) (uint64, error) {
	k.buf = k.buf[:0]
	if outer := len(r) - len(k.schema); outer > 0 { // within a subquery a row begins with the outer one, which is the same for all
		r = r[outer:]
	}
	for i, v := range r {
		at := len(k.buf)
		k.buf = append(k.buf, 0, 0, 0, 0)
		var t sql.Type
		if i < len(k.schema) {
			t = k.schema[i].Type
		}
		var err error
		if k.buf, err = exact.AppendDistinct(c, k.buf, t, v); err != nil {
			return 0, err
		}
		binary.BigEndian.PutUint32(k.buf[at:], uint32(len(k.buf)-at))
	}
	return xxhash.Sum64(k.buf), nil
}

// distinct builds DISTINCT; nil where the library's own will do.
func (b *builder) distinct(c *sql.Context, n *plan.Distinct, r sql.Row) (sql.RowIter, error) {
	if len(n.DistinctOn()) > 0 || memoryOf(c) == nil {
		return nil, nil
	}
	it, err := b.e.gms.Analyzer.ExecBuilder.Build(c, n.Child, r)
	if err != nil {
		return nil, err
	}
	return newDistinct(c, it, n.Child.Schema(c)), nil
}

// ordered puts the ORDER BY and LIMIT of a set operation above it.
func ordered(n *plan.SetOp, in sql.Node) sql.Node {
	if len(n.SortConditions) > 0 {
		in = plan.NewSort(n.SortConditions, in)
	}
	if n.Offset != nil {
		in = plan.NewOffset(n.Offset, in)
	}
	if n.Limit != nil {
		in = plan.NewLimit(n.Limit, in)
	}
	return in
}

// setOp builds UNION, INTERSECT and EXCEPT.
func (b *builder) setOp(c *sql.Context, n *plan.SetOp, r sql.Row) (sql.RowIter, error) {
	if memoryOf(c) == nil {
		return nil, nil
	}
	if n.Limit != nil || n.Offset != nil || len(n.SortConditions) > 0 {
		in := *n
		in.Limit, in.Offset, in.SortConditions = nil, nil, nil
		return b.e.gms.Analyzer.ExecBuilder.Build(c, ordered(n, &in), r)
	}
	schema := n.Schema(c)
	left, err := b.e.gms.Analyzer.ExecBuilder.Build(c, n.Left(), r)
	if err != nil {
		return nil, err
	}
	right := func(c *sql.Context) (sql.RowIter, error) {
		return b.e.gms.Analyzer.ExecBuilder.Build(c, n.Right(), r)
	}
	if n.SetOpType == plan.UnionType && !n.Distinct {
		return &unionIter{cur: left, next: right}, nil
	}
	if n.SetOpType == plan.UnionType {
		return newDistinct(c, &unionIter{cur: left, next: right}, schema), nil
	}
	keys := rowKeys{schema: schema}
	it := memoryOf(c).Match(left, right, keys.of, n.SetOpType == plan.ExceptType, !n.Distinct)
	if n.Distinct {
		it = newDistinct(c, it, schema)
	}
	return it, nil
}

// newDistinct lets through the first of equal rows.
func newDistinct(c *sql.Context, it sql.RowIter, schema sql.Schema) sql.RowIter {
	k := rowKeys{schema: schema}
	return memoryOf(c).Distinct(it, k.of)
}

// unionIter gives the rows of one iterator after those of another, which it opens when it comes to it.
type unionIter struct {
	cur  sql.RowIter
	next func(*sql.Context) (sql.RowIter, error)
}

func (u *unionIter) Next(c *sql.Context) (sql.Row, error) {
	r, err := u.cur.Next(c)
	if !errors.Is(err, io.EOF) || u.next == nil {
		return r, err
	}
	if err := u.cur.Close(c); err != nil {
		return nil, err
	}
	next := u.next
	u.next, u.cur = nil, sql.RowsToRowIter()
	if u.cur, err = next(c); err != nil {
		u.cur = sql.RowsToRowIter()
		return nil, err
	}
	return u.cur.Next(c)
}

func (u *unionIter) Close(c *sql.Context) error { return u.cur.Close(c) }
