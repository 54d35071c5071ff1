package btree

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// benchVal is about a sysbench row.
var benchVal = bytes.Repeat([]byte("0123456789abcdefghi"), 10)

func benchTree(b *testing.B, n int) (*env, *Tree) {
	e := newEnv(b, memvol.Options{PagesPerPG: 1 << 20}, 40000)
	tree := e.tree(100)
	i := 0
	_, err := tree.Bulk(bg, 90, func() ([]byte, []byte, bool, error) {
		i++
		return binary.BigEndian.AppendUint64(nil, uint64(i)*2), benchVal, i <= n, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return e, tree
}

func BenchmarkGet(b *testing.B) {
	const n = 400_000
	_, tree := benchTree(b, n)
	b.ReportAllocs()
	r := rand.New(rand.NewPCG(1, 1))
	key := make([]byte, 8)
	sink := 0
	fn := func(v []byte) { sink += len(v) }
	for b.Loop() {
		binary.BigEndian.PutUint64(key, uint64(1+r.IntN(n))*2)
		if ok, err := tree.Get(bg, key, fn); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkGetParallel(b *testing.B) {
	const n = 400_000
	_, tree := benchTree(b, n)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		r := rand.New(rand.NewPCG(1, rand.Uint64()))
		key := make([]byte, 8)
		for pb.Next() {
			binary.BigEndian.PutUint64(key, uint64(1+r.IntN(n))*2)
			if ok, err := tree.Get(bg, key, func([]byte) {}); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}

// redo reports records and bytes for each operation.
func redo(b *testing.B, e *env, before memvol.Counters) {
	c := e.vol.Counters()
	b.ReportMetric(float64(c.Bytes-before.Bytes)/float64(b.N), "redo-B/op")
	b.ReportMetric(float64(c.Records-before.Records)/float64(b.N), "records/op")
}

func benchInsert(b *testing.B, e *env, tree *Tree, key func() uint64) {
	b.ReportAllocs()
	before := e.vol.Counters()
	k := make([]byte, 8)
	fn := func(*mtr.MTR, []byte, bool) (Action, []byte, error) { return Put, benchVal, nil }
	for b.Loop() {
		binary.BigEndian.PutUint64(k, key())
		if _, err := tree.Edit(bg, k, len(benchVal), fn, nil); err != nil {
			b.Fatal(err)
		}
	}
	redo(b, e, before)
}

func BenchmarkInsertAscending(b *testing.B) {
	e := newEnv(b, memvol.Options{PagesPerPG: 1 << 20}, 40000)
	n := uint64(0)
	benchInsert(b, e, e.tree(100), func() uint64 { n++; return n })
}

func BenchmarkInsertRandom(b *testing.B) {
	e, tree := benchTree(b, 100_000)
	r := rand.New(rand.NewPCG(1, 1))
	benchInsert(b, e, tree, func() uint64 { return uint64(r.IntN(1 << 30)) })
}

// BenchmarkUpdate changes four bytes of a row in place.
func BenchmarkUpdate(b *testing.B) {
	const n = 100_000
	e, tree := benchTree(b, n)
	b.ReportAllocs()
	before := e.vol.Counters()
	r := rand.New(rand.NewPCG(1, 1))
	k, v, x := make([]byte, 8), make([]byte, 190), uint32(0)
	fn := func(_ *mtr.MTR, cur []byte, _ bool) (Action, []byte, error) {
		copy(v, cur)
		x++
		binary.LittleEndian.PutUint32(v[50:], x)
		return Put, v, nil
	}
	for b.Loop() {
		binary.BigEndian.PutUint64(k, uint64(1+r.IntN(n))*2)
		if _, err := tree.Edit(bg, k, len(v), fn, nil); err != nil {
			b.Fatal(err)
		}
	}
	redo(b, e, before)
}

// BenchmarkScan reads 100,000 rows; the figure is for one.
func BenchmarkScan(b *testing.B) {
	const n = 100_000
	_, tree := benchTree(b, n)
	b.ReportAllocs()
	var c Cursor
	rows := 0
	for b.Loop() {
		c.Reset(tree, ScanOptions{})
		for c.Next(bg) {
			rows += len(c.Value()) & 1
			rows++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}

// BenchmarkBulk loads rows in key order; the figures are for one.
func BenchmarkBulk(b *testing.B) {
	e := newEnv(b, memvol.Options{PagesPerPG: 1 << 20}, 40000)
	tree := e.tree(100)
	b.ReportAllocs()
	before := e.vol.Counters()
	i, k := 0, make([]byte, 8)
	_, err := tree.Bulk(bg, 0, func() ([]byte, []byte, bool, error) {
		i++
		binary.BigEndian.PutUint64(k, uint64(i))
		return k, benchVal, i <= b.N, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	redo(b, e, before)
}

// BenchmarkUpdateParallel is BenchmarkUpdate on all processors.
func BenchmarkUpdateParallel(b *testing.B) {
	const n = 100_000
	_, tree := benchTree(b, n)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		r := rand.New(rand.NewPCG(1, rand.Uint64()))
		k, v, x := make([]byte, 8), make([]byte, 190), uint32(0)
		fn := func(_ *mtr.MTR, cur []byte, _ bool) (Action, []byte, error) {
			copy(v, cur)
			x++
			binary.LittleEndian.PutUint32(v[50:], x)
			return Put, v, nil
		}
		for pb.Next() {
			binary.BigEndian.PutUint64(k, uint64(1+r.IntN(n))*2)
			if _, err := tree.Edit(bg, k, len(v), fn, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
