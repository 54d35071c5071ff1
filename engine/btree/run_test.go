package btree

import (
	"encoding/binary"
	"testing"

	"github.com/zoryadb/zorya/engine/mtr"
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
