package spill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/extsort"
)

// source gives n rows of a number and a text, and watches the heap.
type source struct {
	n, at int
	top   uint64
}

func (s *source) Next(*sql.Context) (sql.Row, error) {
	if s.at == s.n {
		return nil, io.EOF
	}
	if s.at%4096 == 0 {
		s.look()
	}
	s.at++
	return sql.Row{int64(s.at*7919) % int64(s.n), fmt.Sprintf("%060d", s.at*104729%s.n)}, nil
}

func (s *source) look() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.top = max(s.top, m.HeapAlloc)
}

func (s *source) Close(*sql.Context) error { return nil }

func field(i int, t sql.Type) sql.Expression { return expression.NewGetField(i, t, "c", true) }

// TestHeap: an operator over rows of ten times its bound leaves the heap within a few times the bound, gives all rows, and leaves no file behind.
func TestHeap(t *testing.T) {
	const rows = 80_000 // about 10 MiB
	hash := func(_ *sql.Context, r sql.Row) (uint64, error) { return xxhash.Sum64String(r[1].(string)), nil }
	for name, build := range map[string]func(c *sql.Context, a *Account, in sql.RowIter) sql.RowIter{
		"sort": func(c *sql.Context, a *Account, in sql.RowIter) sql.RowIter {
			return a.Sort(c, sql.SortConditions{{Expr: field(1, types.LongText), Order: sql.Descending}}, in)
		},
		"distinct": func(_ *sql.Context, a *Account, in sql.RowIter) sql.RowIter { return a.Distinct(in, hash) },
		"group": func(_ *sql.Context, a *Account, in sql.RowIter) sql.RowIter {
			return a.Group(Grouping{Key: hash, Buffers: func(c *sql.Context) ([]sql.AggregationBuffer, error) {
				return []sql.AggregationBuffer{a.CountDistinct(hash, func(*sql.Context, sql.Row) (bool, error) { return false, nil })}, nil
			}, Growing: true}, in)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := &Pool{Temp: extsort.Temp{Dir: dir}}
			a := p.Account(Bounds{})
			c := sql.NewContext(context.Background())
			in := &source{n: rows}
			in.look()
			before := in.top
			it := build(c, a, in)
			got := 0
			for {
				_, err := it.Next(c)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if got++; got%8192 == 0 {
					in.look()
				}
			}
			if got != rows {
				t.Errorf("%d rows of %d", got, rows)
			}
			if grown := in.top - min(before, in.top); grown > 6*leastBound {
				t.Errorf("the heap grew by %d KiB with a bound of %d", grown>>10, leastBound>>10)
			}
			if err := it.Close(c); err != nil {
				t.Fatal(err)
			}
			if _, bytes := p.Spilled(); bytes < rows*60 {
				t.Errorf("only %d bytes were spilled", bytes)
			}
			if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
				t.Errorf("left %v (%v)", names, err)
			}
			if p.Used() != 0 {
				t.Errorf("%d bytes are held", p.Used())
			}
		})
	}
}

// TestKilled: a statement that is killed while it sorts ends, and closing it removes what it wrote.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	p := &Pool{Temp: extsort.Temp{Dir: dir}}
	ctx, kill := context.WithCancel(context.Background())
	c := sql.NewContext(ctx)
	in := &source{n: 40_000}
	it := p.Account(Bounds{}).Sort(c, sql.SortConditions{{Expr: field(0, types.Int64), Order: sql.Ascending}}, in)
	for range 100 {
		if _, err := it.Next(c); err != nil {
			t.Fatal(err)
		}
	}
	kill()
	for n := 0; ; n++ {
		_, err := it.Next(c)
		if errors.Is(err, context.Canceled) {
			break
		}
		if err != nil || n > 2048 {
			t.Fatalf("row %d after the kill: %v", n, err)
		}
	}
	if err := it.Close(c); err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 || p.Used() != 0 {
		t.Errorf("left %v (%v), %d bytes", names, err, p.Used())
	}
}

// TestRows: rows come back with the Go types that they had.
func TestRows(t *testing.T) {
	dec, _, _ := apd.NewFromString("-123.4500")
	in := sql.Row{nil, true, false, int8(-3), int16(-300), int32(1 << 20), int64(math.MinInt64), int(7), uint8(200), uint16(60000), uint32(1 << 31), uint64(math.MaxUint64), uint(9),
		float32(1.5), math.Inf(-1), "text", []byte{}, []byte{0, 255}, dec, time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC), types.Timespan(-5),
		types.JSONDocument{Val: map[string]any{"a": []any{int64(1), "x", nil, 2.5}}}, struct{ a int }{4}}
	var k codec
	b := k.append(nil, in)
	out, err := k.row(b)
	if err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%v: %#v\n%#v", err, in, out)
	}
	for n := range b {
		if _, err := k.row(b[:n]); err == nil {
			t.Errorf("%d of %d bytes make a row", n, len(b))
		}
	}
}

// TestOrder: keys order as the library compares.
func TestOrder(t *testing.T) {
	c := sql.NewContext(context.Background())
	rng := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, rng.IntN(4))
		for i := range b {
			b[i] = "abAB \x00zé"[rng.IntN(7)]
		}
		return strings.TrimRight(string(b), " ") // which the library compares as bytes in any collation
	}
	for _, x := range []struct {
		t    sql.Type
		make func() any
	}{
		{types.Int64, func() any { return rng.Int64N(9) - 4 }},
		{types.Uint64, func() any { return rng.Uint64() }},
		{types.Float64, func() any { return float64(rng.IntN(9)-4) / 2 }},
		{types.MustCreateDecimalType(20, 5), func() any { return apd.New(rng.Int64N(2001)-1000, int32(rng.IntN(8)-5)) }},
		{types.LongText, func() any { return word() }},
		{types.LongBlob, func() any { return []byte(word()) }},
		{types.MustCreateString(types.VarChar.Type(), 10, sql.Collation_utf8mb4_general_ci), func() any { return word() }},
		{types.DatetimeMaxPrecision, func() any { return time.Unix(rng.Int64N(5)-2, rng.Int64N(3)*1000).UTC() }},
		{types.Time, func() any { return types.Timespan(rng.Int64N(9) - 4) }},
	} {
		for _, dir := range []sql.SortOrder{sql.Ascending, sql.Descending} {
			o, ok := orderOf(c, sql.SortConditions{{Expr: field(0, x.t), Order: dir}})
			if !ok {
				t.Fatalf("%s has no keys", x.t)
			}
			for range 2000 {
				a, b := x.make(), x.make()
				if rng.IntN(20) == 0 {
					a = nil
				}
				ka, err := o.append(c, nil, sql.Row{a})
				if err != nil {
					t.Fatal(err)
				}
				kb, err := o.append(c, nil, sql.Row{b})
				if err != nil {
					t.Fatal(err)
				}
				want := -1
				if a != nil {
					if want, err = x.t.Compare(c, a, b); err != nil {
						t.Fatal(err)
					}
				}
				if dir == sql.Descending {
					want = -want
				}
				if got := compareTop(topRow{key: ka}, topRow{key: kb}); got != want {
					t.Fatalf("%s: %q and %q: keys %x, %x: %d, want %d", x.t, a, b, ka, kb, got, want)
				}
			}
		}
	}
}

// An operator that is closed after its statement's account gives nothing back twice: a pool below zero would refuse every statement.
func TestCloseAfterAccount(t *testing.T) {
	p := &Pool{Limit: func() uint64 { return 1 << 20 }}
	a := p.Account(Bounds{})
	c := charge{a: a}
	if err := c.set(10000); err != nil {
		t.Fatal(err)
	}
	a.Close()
	c.close()
	if n := p.used.Load(); n != 0 {
		t.Errorf("the pool holds %d bytes, want none", n)
	}
	if err := p.Account(Bounds{}).Grow(100); err != nil {
		t.Error(err)
	}
}
