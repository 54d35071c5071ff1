package btree

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// TestFill: ascending inserts, at the end of the tree or of many groups in it, leave full pages; random ones two
// thirds. Deleting almost everything gives the pages back, and the tree its height.
func TestFill(t *testing.T) {
	const n, size = 6000, 100
	val := make([]byte, size)
	for name, c := range map[string]struct {
		key  func(i int) uint64
		fill float64
	}{
		"ascending": {func(i int) uint64 { return uint64(i) }, 0.95},
		"groups":    {func(i int) uint64 { return uint64(i%7)<<32 | uint64(i) }, 0.8},
		"random":    {func(i int) uint64 { return rand.New(rand.NewPCG(1, uint64(i))).Uint64() }, 0.6},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 512)
			tree := e.tree(100)
			k := make([]byte, 8)
			for i := range n {
				binary.BigEndian.PutUint64(k, c.key(i))
				if err := put(tree, k, val); err != nil {
					t.Fatal(err)
				}
			}
			pages, err := tree.Check(bg, nil)
			if err != nil {
				t.Fatal(err)
			}
			if fill := float64(n*(cellSize(8, size)+2)) / float64(pages*usable); fill < c.fill {
				t.Errorf("%d pages, %.2f full", pages, fill)
			}
			s, err := tree.Stats(bg)
			if err != nil || s.Height != 2 || s.Entries < n*2/3 || s.Entries > n*4/3 || s.Pages < uint64(pages) || s.Pages > uint64(pages)+2 {
				t.Errorf("%d pages, %d entries: Stats says %+v, %v", pages, n, s, err)
			}
			for i := range n - 3 {
				binary.BigEndian.PutUint64(k, c.key(i))
				if err := del(tree, k); err != nil {
					t.Fatal(err)
				}
			}
			if pages, err = tree.Check(bg, nil); err != nil || pages > 3 {
				t.Errorf("%d pages for 3 entries, %v", pages, err)
			}
			e.checkAll(tree)
		})
	}
}

// TestEstimate: guesses of ranges are near the truth.
func TestEstimate(t *testing.T) {
	e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 1024)
	tree := e.tree(100)
	const n = 50_000
	i := uint64(0)
	entries, err := tree.Bulk(bg, 0, func() ([]byte, []byte, bool, error) {
		i++
		return binary.BigEndian.AppendUint64(nil, i), make([]byte, 50), i <= n, nil
	})
	if err != nil || entries != n {
		t.Fatal(entries, err)
	}
	e.checkAll(tree)
	key := func(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		lo := r.IntN(n)
		hi := lo + r.IntN(n-lo+1)
		got, err := tree.EstimateRange(bg, key(lo), key(hi))
		if want := float64(hi - lo); err != nil || float64(got) < want*0.8-10 || float64(got) > want*1.2+10 {
			t.Errorf("[%d, %d): %d, %v", lo, hi, got, err)
		}
	}
	if got, err := tree.EstimateRange(bg, nil, nil); err != nil || got < n*8/10 || got > n*12/10 {
		t.Errorf("all: %d, %v", got, err)
	}
	if got, err := tree.EstimateRange(bg, key(77), key(77)); err != nil || got != 0 {
		t.Errorf("empty range: %d, %v", got, err)
	}
}

// TestBulk: every size around a page's and a level's boundary gives a valid tree that takes changes.
func TestBulk(t *testing.T) {
	for _, n := range []int{0, 1, 2, 130, 131, 132, 133, 2100, 9000} {
		for _, fill := range []int{0, 50} {
			e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 1024)
			tree := e.tree(100)
			m := model{}
			i := 0
			_, err := tree.Bulk(bg, fill, func() ([]byte, []byte, bool, error) {
				if i == n {
					return nil, nil, false, nil
				}
				i++
				k := append(make([]byte, 100), binary.BigEndian.AppendUint32(nil, uint32(i))...)
				m[string(k)] = make([]byte, 18)
				return k, m[string(k)], true, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			m.same(t, tree, r)
			for range 50 {
				k := append(make([]byte, 100), binary.BigEndian.AppendUint32(nil, r.Uint32N(uint32(n+10)))...)
				m[string(k)] = []byte("changed")
				if err := put(tree, k, m[string(k)]); err != nil {
					t.Fatal(err)
				}
			}
			m.same(t, tree, r)
			e.checkAll(tree)
		}
	}
}

// TestReadAhead: a long cold scan, either way, finds nearly all of its leaves read before it needs them or on their
// way, and reads none twice. A scan of a few rows reads nothing ahead.
func TestReadAhead(t *testing.T) {
	for _, reverse := range []bool{false, true} {
		e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 1024)
		tree := e.tree(100)
		const n = 40_000
		i := uint64(0)
		_, err := tree.Bulk(bg, 0, func() ([]byte, []byte, bool, error) {
			i++
			return binary.BigEndian.AppendUint64(nil, i), make([]byte, 180), i <= n, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pages, err := tree.Check(bg, nil)
		if err != nil {
			t.Fatal(err)
		}
		e = e.crash(256) // a cold pool, half as large as the tree
		tree = Open(e.sp, 100, tree.Root())
		c := tree.Scan(ScanOptions{ReadAhead: true, Reverse: reverse})
		for range 100 {
			c.Next(bg)
		}
		if s := e.pool.Stats(); s.Prefetched != 0 {
			t.Errorf("reverse %v: 100 rows prefetched %d pages", reverse, s.Prefetched)
		}
		rows := 100
		for c.Next(bg) {
			rows++
		}
		s := e.pool.Stats()
		if rows != n || c.Err() != nil || s.ReadPages > uint64(pages)+readAheadMax || s.Prefetched < uint64(pages)*8/10 || s.Reads > uint64(pages)/3 {
			t.Errorf("reverse %v: %d rows of %d pages, %v: %+v", reverse, rows, pages, c.Err(), s)
		}
	}
}

// TestShortRange: the leaves of a cold range that has few come in one read; those of a longer one, whose end may never be asked for, do not.
func TestShortRange(t *testing.T) {
	e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 1024)
	tree := e.tree(100)
	const n, perLeaf = 20_000, 80
	key := func(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }
	i := 0
	_, err := tree.Bulk(bg, 0, func() ([]byte, []byte, bool, error) {
		i++
		return key(i), make([]byte, 180), i <= n, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e = e.crash(1024)
	tree = Open(e.sp, 100, tree.Root())
	if _, err := tree.Get(bg, key(n), func([]byte) {}); err != nil { // root and inner pages
		t.Fatal(err)
	}
	from := 100
	for _, leaves := range []int{2, 3, 12} {
		for _, reverse := range []bool{false, true} {
			before := e.pool.Stats()
			c := tree.Scan(ScanOptions{ReadAhead: true, Reverse: reverse, Low: key(from), High: key(from + (leaves-1)*perLeaf), HighIncl: true})
			rows := 0
			if !c.Next(bg) {
				t.Fatal(c.Err())
			}
			s := e.pool.Stats()
			reads, pages := s.Reads-before.Reads, s.ReadPages-before.ReadPages
			for rows = 1; c.Next(bg); rows++ {
			}
			all := e.pool.Stats()
			c.Close()
			short := leaves <= shortScan
			if rows != (leaves-1)*perLeaf+1 || reads != 1 || short != (pages > 1) || short != (all.Reads == s.Reads) {
				t.Errorf("%d leaves, reverse %v: %d rows, %d pages in %d reads at first, %d later", leaves, reverse, rows, pages, reads, all.Reads-s.Reads)
			}
			from += leaves*perLeaf + 1000
		}
	}
}

// breathing counts how often work would let others go first, and rests beside them.
type breathing struct {
	n, rests int
	others   uint64
}

func (b *breathing) BeginWait()     { b.rests++ }
func (*breathing) EndWait()         {}
func (b *breathing) Breathe()       { b.n++ }
func (b *breathing) Others() uint64 { b.others++; return b.others }

// TestScanBreathes: a scan whose pages are all in memory waits for nothing, and lets others go first from leaf to leaf.
func TestScanBreathes(t *testing.T) {
	e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 512)
	tree := e.tree(100)
	for i := range uint64(4000) {
		if err := put(tree, be(i), make([]byte, 50)); err != nil {
			t.Fatal(err)
		}
	}
	leaves, err := tree.Check(bg, nil)
	if err != nil {
		t.Fatal(err)
	}
	who := new(breathing)
	ctx := wait.With(bg, who)
	c := tree.Scan(ScanOptions{Low: be(0), High: be(1)})
	for c.Next(ctx) {
	}
	if who.n != 0 {
		t.Errorf("a scan of one leaf breathes %d times", who.n)
	}
	c = tree.Scan(ScanOptions{})
	n := 0
	for c.Next(ctx) {
		n++
	}
	if n != 4000 || who.n < leaves/2 {
		t.Errorf("a scan of %d entries in %d leaves breathes %d times", n, leaves, who.n)
	}

	// Paced work, as the proof of a foreign key is, rests from leaf to leaf while others are at work.
	pace := wait.NewPace(who)
	paced, err := pace.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	who.rests = 0
	for began := time.Now(); who.rests == 0 && time.Since(began) < 10*time.Second; {
		c = tree.Scan(ScanOptions{})
		for c.Next(paced) {
		}
	}
	pace.End()
	if who.rests == 0 {
		t.Error("a paced scan never rests")
	}
	who.rests = 0
	c = tree.Scan(ScanOptions{})
	for c.Next(wait.Brisk(paced)) {
	}
	if who.rests > 0 {
		t.Error("a brisk scan rests")
	}
}
