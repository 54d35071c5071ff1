package spill

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
)

// Windows are the expressions of a SELECT that has functions with OVER.
type Windows struct {
	All   []sql.Expression
	Plain []Output // those without OVER
	Parts []Window // those with, by PARTITION BY and ORDER BY
	// Compute evaluates expressions over rows, and gives a row of values for each in the order of rows.
	Compute func(c *sql.Context, exprs []sql.Expression, rows []sql.Row) (sql.RowIter, error)
}

// Window is what has one PARTITION BY and ORDER BY.
type Window struct {
	PartitionBy []sql.Expression
	OrderBy     sql.SortConditions
	Outputs     []Output
}

// Output is an expression and its place in the result.
type Output struct {
	At   int
	Expr sql.Expression
}

// windowIter computes functions over windows. Rows that fit in memory are computed at once. More are sorted by each window's partitions and computed
// a partition after the other; the values meet again by the number of their row.
type windowIter struct {
	a     *Account
	w     Windows
	child sql.RowIter
	held  charge

	begun bool
	whole sql.RowIter
	parts []*Rows
	out   *file // by number of the row, then place of the window
	n     uint64
}

// Window computes w over the rows of child.
func (a *Account) Window(w Windows, child sql.RowIter) sql.RowIter {
	return &windowIter{a: a, w: w, child: child, held: charge{a: a}}
}

func (w *windowIter) Next(c *sql.Context) (sql.Row, error) {
	if !w.begun {
		w.begun = true
		if err := w.read(c); err != nil {
			return nil, err
		}
	}
	if w.whole != nil {
		return w.whole.Next(c)
	}
	out := make(sql.Row, len(w.w.All))
	for i := range len(w.parts) + 1 {
		_, r, err := w.out.next(c)
		if errors.Is(err, io.EOF) && i > 0 {
			return nil, fmt.Errorf("window functions: a row lacks the values of window %d", i)
		}
		if err != nil {
			return nil, err
		}
		outs := w.w.Plain
		if i > 0 {
			outs = w.w.Parts[i-1].Outputs
		}
		if len(r) != len(outs) {
			return nil, fmt.Errorf("window functions: %d values for %d expressions", len(r), len(outs))
		}
		for k, o := range outs {
			out[o.At] = r[k]
		}
	}
	return out, nil
}

func (w *windowIter) read(c *sql.Context) error {
	var rows []sql.Row
	err := each(c, w.child, func(r sql.Row) error {
		if w.out != nil {
			return w.add(c, r)
		}
		rows = append(rows, r)
		if err := w.held.add(2 * sizeOf(r)); err != nil || w.held.n < w.a.Bounds.Table {
			return err
		}
		return w.spill(c, &rows)
	})
	if err != nil {
		return err
	}
	if w.out == nil {
		if done, err := w.inMemory(c, rows); done || err != nil {
			return err
		}
		w.whole, err = w.w.Compute(c, w.w.All, rows)
		return err
	}
	for i := range w.parts {
		if err := w.compute(c, i); err != nil {
			return err
		}
	}
	return w.out.sort()
}

// leastSorted is how many rows are worth sorting by keys: the library sorts those of a window, and its values back into the order of rows, by comparing.
const leastSorted = 64

// inMemory computes each window over rows that are in its order already. It reports false where bytes cannot express one.
func (w *windowIter) inMemory(c *sql.Context, rows []sql.Row) (bool, error) {
	if len(rows) < leastSorted {
		return false, nil
	}
	orders := make([]order, len(w.w.Parts))
	for i, p := range w.w.Parts {
		var ok bool
		if orders[i], ok = orderOf(c, append(ascending(p.PartitionBy), p.OrderBy...)); !ok {
			return false, nil
		}
	}
	out := make([]sql.Row, len(rows))
	for n, r := range rows {
		out[n] = make(sql.Row, len(w.w.All))
		for _, o := range w.w.Plain {
			var err error
			if out[n][o.At], err = o.Expr.Eval(c, r); err != nil {
				return true, err
			}
		}
	}
	for i := range orders {
		if err := w.ordered(c, i, &orders[i], rows, out); err != nil {
			return true, err
		}
	}
	w.whole = sql.RowsToRowIter(out...)
	return true, nil
}

// ordered computes one window.
func (w *windowIter) ordered(c *sql.Context, i int, by *order, rows, out []sql.Row) (err error) {
	type place struct {
		from, to uint32 // of the key
		row      uint32
	}
	var keys []byte
	places := make([]place, len(rows))
	for n, r := range rows {
		from := len(keys)
		if keys, err = by.append(c, keys, r); err != nil {
			return err
		}
		if len(keys) > math.MaxUint32 {
			return errors.New("window functions: too many keys for memory")
		}
		places[n] = place{uint32(from), uint32(len(keys)), uint32(n)}
	}
	slices.SortFunc(places, func(a, b place) int {
		if d := bytes.Compare(keys[a.from:a.to], keys[b.from:b.to]); d != 0 {
			return d
		}
		return cmp.Compare(a.row, b.row)
	})
	sorted := make([]sql.Row, len(rows))
	for k, p := range places {
		sorted[k] = rows[p.row]
	}
	outputs := w.w.Parts[i].Outputs
	exprs := make([]sql.Expression, len(outputs))
	for k, o := range outputs {
		exprs[k] = o.Expr
	}
	it, err := w.w.Compute(c, exprs, sorted)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close(c)) }()
	for _, p := range places {
		vals, err := it.Next(c)
		if err != nil {
			return err
		}
		for k, o := range outputs {
			out[p.row][o.At] = vals[k]
		}
	}
	return nil
}

func (w *windowIter) spill(c *sql.Context, rows *[]sql.Row) error {
	w.out = w.a.newFile(w.a.Bounds.Table)
	for _, p := range w.w.Parts {
		w.parts = append(w.parts, w.a.NewRows(c, append(ascending(p.PartitionBy), p.OrderBy...)))
	}
	for _, r := range *rows {
		if err := w.add(c, r); err != nil {
			return err
		}
	}
	*rows = nil
	w.held.close()
	return nil
}

func ascending(exprs []sql.Expression) sql.SortConditions {
	out := make(sql.SortConditions, len(exprs))
	for i, e := range exprs {
		out[i] = sql.SortCondition{Expr: e, Order: sql.Ascending}
	}
	return out
}

// add takes a row with its number behind.
func (w *windowIter) add(c *sql.Context, r sql.Row) error {
	w.n++
	plain := make(sql.Row, len(w.w.Plain))
	for i, o := range w.w.Plain {
		var err error
		if plain[i], err = o.Expr.Eval(c, r); err != nil {
			return err
		}
	}
	if err := w.put(c, w.n, 0, plain); err != nil {
		return err
	}
	r = append(r[:len(r):len(r)], w.n)
	for _, p := range w.parts {
		if err := p.Add(c, r); err != nil {
			return err
		}
	}
	return nil
}

func (w *windowIter) put(c *sql.Context, n uint64, part int, vals sql.Row) error {
	w.out.key = binary.BigEndian.AppendUint16(appendSeq(w.out.key[:0], n), uint16(part))
	return w.out.add(c, w.out.key, vals)
}

// compute does all partitions of a window.
func (w *windowIter) compute(c *sql.Context, i int) error {
	def, rows := &w.w.Parts[i], w.parts[i]
	if err := rows.Sort(c); err != nil {
		return err
	}
	by, plain := orderOf(c, ascending(def.PartitionBy))
	var (
		last, key []byte
		list      []sql.Row
		numbers   []uint64
	)
	end := func() error {
		err := w.partition(c, i, list, numbers)
		list, numbers = nil, nil
		w.held.close()
		return err
	}
	for {
		r, err := rows.Next(c)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if !plain && len(def.PartitionBy) > 0 {
			return errors.New("window functions: PARTITION BY an expression without an order")
		}
		if key, err = by.append(c, key[:0], r); err != nil {
			return err
		}
		if len(list) > 0 && !bytes.Equal(key, last) {
			if err := end(); err != nil {
				return err
			}
		}
		last = append(last[:0], key...)
		if err := w.held.add(2*sizeOf(r) + 8); err != nil {
			return err
		}
		at := len(r) - 1
		list, numbers = append(list, r[:at:at]), append(numbers, r[at].(uint64))
	}
	if err := end(); err != nil {
		return err
	}
	return rows.Close()
}

func (w *windowIter) partition(c *sql.Context, i int, rows []sql.Row, numbers []uint64) (err error) {
	if len(rows) == 0 {
		return nil
	}
	exprs := make([]sql.Expression, len(w.w.Parts[i].Outputs))
	for k, o := range w.w.Parts[i].Outputs {
		exprs[k] = o.Expr
	}
	it, err := w.w.Compute(c, exprs, rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close(c)) }()
	for _, n := range numbers {
		vals, err := it.Next(c)
		if err != nil {
			return err
		}
		if err := w.put(c, n, i+1, vals); err != nil {
			return err
		}
	}
	return nil
}

func (w *windowIter) Close(c *sql.Context) error {
	var err error
	if w.whole != nil {
		err = w.whole.Close(c)
	}
	for _, p := range w.parts {
		err = errors.Join(err, p.Close())
	}
	w.held.close()
	return errors.Join(err, w.out.close(), w.child.Close(c))
}
