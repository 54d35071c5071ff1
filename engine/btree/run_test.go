package btree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

func be(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// TestDeleteRun: keys that are there and match go, one record a leaf; the rest stays, and emptied leaves are merged.
func TestDeleteRun(t *testing.T) {
	const n = 4000
	e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 512)
	tree := e.tree(100)
	for i := range uint64(n) {
		if err := put(tree, be(2*i), be(i)); err != nil {
			t.Fatal(err)
		}
	}
	leaves, err := tree.Check(bg, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Every key up to 2n, of which the odd ones are not there; multiples of 7 do not match, those above n are not asked for.
	var keys [][]byte
	for i := range uint64(n) {
		keys = append(keys, be(i))
	}
	before := e.vol.Counters()
	for done := 0; done < len(keys); {
		k, err := tree.DeleteRun(bg, keys[done:], func(i int, val []byte) bool {
			key := binary.BigEndian.Uint64(keys[done+i])
			if binary.BigEndian.Uint64(val)*2 != key {
				t.Errorf("asked about %d with the value %x", key, val)
			}
			return key%7 != 0
		})
		if err != nil || k < 1 {
			t.Fatal(k, err)
		}
		done += k
	}
	if got := e.vol.Counters().Records - before.Records; got > uint64(leaves+n/maxRun+20) {
		t.Errorf("%d records for %d leaves", got, leaves)
	}
	for i := range uint64(2 * n) {
		found, err := tree.Get(bg, be(i), func([]byte) {})
		if want := i%2 == 0 && (i >= n || i%7 == 0); err != nil || found != want {
			t.Fatalf("key %d: found %v, %v", i, found, err)
		}
	}
	e.checkAll(tree)
}

// TestEditBoth: the second entry is changed in the same record when it is in the same leaf, and not at all when it is not.
func TestEditBoth(t *testing.T) {
	const n = 3000
	e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 512)
	tree := e.tree(100)
	for i := range uint64(n) {
		if err := put(tree, be(10*i), be(0)); err != nil {
			t.Fatal(err)
		}
	}
	near := 0
	for i := range uint64(n) {
		old := (i + 1) % n * 10
		if i%3 == 0 {
			old = (i*7919 + 1) % n * 10
		}
		also := Also{Key: be(old), Fn: func(_ *mtr.MTR, cur []byte, exists bool) (Action, []byte, error) {
			if !exists {
				t.Error("asked about what is not there")
			}
			return Put, be(binary.BigEndian.Uint64(cur) + 1), nil
		}}
		var was uint64
		if _, err := tree.Get(bg, be(old), func(v []byte) { was = binary.BigEndian.Uint64(v) }); err != nil {
			t.Fatal(err)
		}
		before := e.vol.Counters()
		if _, err := tree.EditBoth(bg, be(10*i+5), 8, func(*mtr.MTR, []byte, bool) (Action, []byte, error) { return Put, be(9), nil }, &also); err != nil {
			t.Fatal(err)
		}
		if also.Done {
			near++
			if after := e.vol.Counters(); after.MTRs-before.MTRs == 1 && after.Records-before.Records != 1 {
				t.Fatalf("%d records", after.Records-before.Records)
			}
			was++
		}
		if found, err := tree.Get(bg, be(old), func(v []byte) {
			if got := binary.BigEndian.Uint64(v); got != was {
				t.Fatalf("%d instead of %d", got, was)
			}
		}); err != nil || !found {
			t.Fatal(found, err)
		}
		if found, err := tree.Get(bg, be(10*i+5), func(v []byte) {}); err != nil || !found {
			t.Fatal(found, err)
		}
	}
	if near < n/2 || near == n {
		t.Errorf("%d of %d were near", near, n)
	}
	e.checkAll(tree)
}

// TestInsertRun: runs of all kinds leave the tree that single inserts would, in far fewer records.
func TestInsertRun(t *testing.T) {
	e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 512)
	tree := e.tree(100)
	model := map[uint64]int{}
	rng := rand.New(rand.NewPCG(1, 2))
	insert := func(keys []uint64, size int) {
		t.Helper()
		slices.Sort(keys)
		keys = slices.Compact(keys)
		var ks, vs [][]byte
		for _, k := range keys {
			ks, vs = append(ks, be(k)), append(vs, bytes.Repeat([]byte{byte(k)}, rng.IntN(size)+1))
		}
		for done := 0; done < len(ks); {
			asked := 0
			n, err := tree.InsertRun(bg, ks[done:], vs[done:], func(_ *mtr.MTR, n int) (int, error) {
				if asked++; n > 3 && rng.IntN(4) == 0 {
					n = rng.IntN(n-1) + 1
				}
				return n, nil
			})
			if err != nil || asked > 1 {
				t.Fatal(err, asked)
			}
			if _, have := model[keys[done]]; have != (n == 0) {
				t.Fatalf("key %d: there %v, put %d", keys[done], have, n)
			}
			if n == 0 {
				done++
			}
			for range n {
				model[keys[done]] = len(vs[done])
				done++
			}
		}
	}
	next := uint64(0)
	for round := range 60 {
		var keys []uint64
		for range rng.IntN(600) + 1 {
			switch round % 3 {
			case 0: // ascending, beyond all
				next += 1000
				keys = append(keys, next)
			case 1: // anywhere
				keys = append(keys, rng.Uint64N(next))
			default: // between two
				keys = append(keys, next/2+uint64(len(keys)))
			}
		}
		insert(keys, []int{8, 200, 2000}[rng.IntN(3)])
		if round%5 == 4 { // holes, for compaction
			for k := range model {
				if rng.IntN(4) == 0 {
					if err := del(tree, be(k)); err != nil {
						t.Fatal(err)
					}
					delete(model, k)
				}
			}
		}
	}
	for k, size := range model {
		found, err := tree.Get(bg, be(k), func(v []byte) {
			if len(v) != size || v[0] != byte(k) || v[size-1] != byte(k) {
				t.Errorf("key %d has %x", k, v)
			}
		})
		if err != nil || !found {
			t.Fatal(k, found, err)
		}
	}
	n := 0
	c := tree.Scan(ScanOptions{})
	for c.Next(bg) {
		n++
	}
	if c.Err() != nil || n != len(model) {
		t.Fatal(c.Err(), n, len(model))
	}
	e.checkAll(tree)
}

// TestInsertRunRefused: what fn refuses changes nothing.
func TestInsertRunRefused(t *testing.T) {
	e := newEnv(t, memvol.Options{}, 128)
	tree := e.tree(100)
	no := errors.New("no")
	before := e.vol.Counters().Records
	for _, want := range []error{no, nil} {
		if n, err := tree.InsertRun(bg, [][]byte{be(1), be(2)}, [][]byte{be(1), be(2)}, func(*mtr.MTR, int) (int, error) { return 0, want }); n != 0 || err != want {
			t.Fatal(n, err)
		}
	}
	if e.vol.Counters().Records != before {
		t.Fatal("something was logged")
	}
}

// TestAppendFill: what is appended in runs fills leaves to fifteen sixteenths, with a record for each.
func TestAppendFill(t *testing.T) {
	e := newEnv(t, memvol.Options{PagesPerPG: 1 << 12}, 512)
	tree := e.tree(100)
	val := make([]byte, 180)
	const n = 20000
	before := e.vol.Counters().Records
	for i := uint64(0); i < n; {
		var ks, vs [][]byte
		for range 100 {
			ks, vs = append(ks, be(i+uint64(len(ks)))), append(vs, val)
		}
		k, err := tree.InsertRun(bg, ks, vs, func(_ *mtr.MTR, n int) (int, error) { return n, nil })
		if err != nil || k == 0 {
			t.Fatal(k, err)
		}
		i += uint64(k)
	}
	st, err := tree.Stats(bg)
	if err != nil {
		t.Fatal(err)
	}
	if fill := float64(n) * 194 / float64(st.Pages*page.Size); fill < 0.90 || fill > 0.96 {
		t.Errorf("fill %.3f over %d pages", fill, st.Pages)
	}
	if r := e.vol.Counters().Records - before; r > n/15 {
		t.Errorf("%d records for %d entries", r, n)
	}
	e.checkAll(tree)
}
