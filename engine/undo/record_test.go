package undo

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
)

// TestInsertsRoundTrip: an Inserts record gives back the rows that were added, and takes no more than it was given room for.
func TestInsertsRoundTrip(t *testing.T) {
	var r Record
	r.BeginRows(7, 3, []uint64{20, 21})
	var want []string
	const room = 400
	for i := range 100 {
		key := []byte{1, byte(i / 8), byte(i % 8), byte(i)}
		entries := [][]byte{append([]byte{9, byte(i)}, key...), append([]byte{}, key...)}
		if !r.AddRow(key, entries, room) {
			break
		}
		want = append(want, string(key)+string(entries[0])+string(entries[1]))
	}
	stored := r.Append(nil)
	if r.Rows() != len(want) || len(want) < 10 || len(want) == 100 || len(stored) > room || len(stored) > r.Size() {
		t.Fatalf("%d rows, %d of them taken, in %d bytes of %d", len(want), r.Rows(), len(stored), r.Size())
	}
	var p Record
	if err := p.Parse(stored); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := p.EachRow(func(key []byte, secs []SecOp) bool {
		got = append(got, string(key)+string(secs[0].Key)+string(secs[1].Key))
		return secs[0].Index == 20 && secs[1].Index == 21
	})
	if err != nil || !slices.Equal(got, want) || p.Table != 7 || p.Seq != 3 || p.Changes() != uint64(len(want)) {
		t.Fatalf("%d rows, %v, of table %d, statement %d", len(got), err, p.Table, p.Seq)
	}
	for i, key := range [][]byte{{1, 0, 1, 1}, {1, 0, 1, 2}} {
		if found, err := p.Names(key); err != nil || found != (i == 0) {
			t.Error(key, found, err)
		}
	}
}

// FuzzRecord: whatever the bytes, Parse and EachRow answer with rows or an error; what Parse accepts is stored as something that means the same.
func FuzzRecord(f *testing.F) {
	var r Record
	r.BeginRows(7, 3, []uint64{20})
	r.AddRow([]byte("abc"), [][]byte{[]byte("xabc")}, 1000)
	r.AddRow([]byte("abd"), [][]byte{[]byte("yabd")}, 1000)
	f.Add(r.Append(nil))
	f.Add((&Record{Type: Update, Table: 1, Seq: 2, Key: []byte("k"), Prev: row.Header{Trx: 5, Roll: 9}, Prefix: 3, Mid: []byte("m"), Secs: []SecOp{{Index: 4, Mark: true, Key: []byte("e")}}}).Append(nil))
	f.Add((&Record{Type: Begin, Trx: 77}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if err := r.Parse(b); err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, row.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		n := 0
		var last []byte
		err := r.EachRow(func(key []byte, secs []SecOp) bool {
			if n++; n > 1 && bytes.Compare(key, last) <= 0 {
				t.Fatalf("row %x follows %x", key, last)
			}
			last = append(last[:0], key...)
			return true
		})
		if err == nil && n != r.Rows() {
			t.Fatalf("%d rows of %d", n, r.Rows())
		}
		var again Record
		if err := again.Parse(r.Append(nil)); err != nil || again.Type != r.Type || again.Table != r.Table || string(again.Key) != string(r.Key) || again.Rows() != r.Rows() {
			t.Fatalf("%+v is stored as %+v, %v", r, again, err)
		}
	})
}
