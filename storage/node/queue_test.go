package node

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/proto"
)

func testBatch(text string) []byte {
	b := make([]byte, batchHeader+entryHeader, 4096)
	e := entryHead{key: proto.SegmentKey{PG: 3}, incarnation: 2, epoch: 1, vdl: 5, mrpl: 4, length: uint32(len(text))}
	e.encode(b[batchHeader:])
	return append(b, text...)
}

const queueTestBytes = 64 << 10

// reopen opens a queue and returns the texts of its batches.
func reopen(t *testing.T, fsys vfs.FS, anyGen bool) (q *queue, texts []string, damaged bool) {
	t.Helper()
	q, damaged, err := openQueue(fsys, "/q", queueTestBytes, 3, anyGen, slog.New(slog.DiscardHandler), func(h *batchHead, body []byte) error {
		for len(body) > 0 {
			e, raw, rest, ok := nextEntry(body)
			if !ok || e.key.PG != 3 || e.incarnation != 2 || e.vdl != 5 || e.mrpl != 4 {
				t.Fatalf("entry %+v", e)
			}
			texts = append(texts, string(raw))
			body = rest
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.start(func() {}); err != nil {
		t.Fatal(err)
	}
	return q, texts, damaged
}

func write(t *testing.T, q *queue, text string) {
	t.Helper()
	if err := q.write(testBatch(text), 1); err != nil {
		t.Fatal(err)
	}
}

// TestQueueKeepsWhatWasWritten: after a crash at any point every batch that write returned for, and was not
// released, is replayed in order, and nothing older after it.
func TestQueueKeepsWhatWasWritten(t *testing.T) {
	for seed := uint64(0); seed < 100; seed++ {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := vfs.NewMem()
		n, released := 0, 0
		for life := 0; life < 4; life++ {
			q, texts, damaged := reopen(t, m, false)
			if damaged {
				t.Fatalf("seed %d: a crash was taken for damage", seed)
			}
			want := released
			for _, s := range texts {
				var i int
				fmt.Sscanf(s, "%d ", &i)
				if i > want+1 {
					t.Fatalf("seed %d, life %d: batch %d is missing", seed, life, want+1)
				}
				want = max(want, i)
			}
			if want < n {
				t.Fatalf("seed %d, life %d: replayed up to %d of %d", seed, life, want, n)
			}
			released = n // a start ends with everything organised
			for i := rng.IntN(60); i > 0; i-- {
				n++
				write(t, q, fmt.Sprintf("%d %s", n, bytes.Repeat([]byte("x"), rng.IntN(1500))))
				if rng.IntN(3) == 0 {
					q.release(q.seq)
					released = n
				}
			}
			m.Crash(rng.Uint64())
		}
	}
}

func TestQueueTellsDamageFromATornTail(t *testing.T) {
	for damagedBatch := 0; damagedBatch < 10; damagedBatch++ {
		m := vfs.NewMem()
		q, _, _ := reopen(t, m, false)
		offs := []int64{}
		for i := 0; i < 10; i++ {
			offs = append(offs, q.off)
			write(t, q, fmt.Sprintf("%d", i))
		}
		if err := m.Flip(q.active.f.Name(), offs[damagedBatch]+70, 1); err != nil {
			t.Fatal(err)
		}
		m.Crash(1)
		_, texts, damaged := reopen(t, m, false)
		if wantDamage := damagedBatch < 9; damaged != wantDamage || len(texts) != 9 {
			t.Fatalf("batch %d of 10 rotten: damaged %v, %d batches replayed", damagedBatch, damaged, len(texts))
		}
	}
}

// TestRecycledBatchIsNotReplayed fails for a scan that ignores generations.
func TestRecycledBatchIsNotReplayed(t *testing.T) {
	for _, mutant := range []bool{false, true} {
		m := vfs.NewMem()
		q, _, _ := reopen(t, m, false)
		for i := 0; i < 12; i++ {
			write(t, q, fmt.Sprintf("old %d", i))
		}
		f := q.active
		q.release(q.seq)
		if err := q.rotate(); err != nil { // to another file
			t.Fatal(err)
		}
		q.release(q.seq)
		for q.active != f { // and around to the first
			if err := q.rotate(); err != nil {
				t.Fatal(err)
			}
			q.release(q.seq)
		}
		m.Crash(2)
		if _, texts, _ := reopen(t, m, mutant); (len(texts) > 0) != mutant {
			t.Fatalf("mutant %v: replayed %q", mutant, texts)
		}
	}
}

// FuzzQueueFile: any bytes are scanned without a panic, and batches come in ascending order.
func FuzzQueueFile(f *testing.F) {
	b := encodeFileHeader(7, 0)
	for i := 1; i < 4; i++ {
		one := testBatch("hello")
		sealBatch(one, &batchHead{gen: 7, seq: uint64(i), synced: uint64(i - 1), entries: 1})
		b = append(b, one...)
		b = append(b, make([]byte, batchSize(len(one)-batchHeader)-len(one))...)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		gen, _, err := decodeFileHeader(b)
		if err != nil {
			gen = 7
		}
		last := uint64(0)
		scanFile(b, gen, false, func(h *batchHead, body []byte) {
			if h.seq <= last || h.gen != gen {
				t.Fatalf("batch %d after %d", h.seq, last)
			}
			last = h.seq
			for len(body) > 0 {
				_, _, rest, ok := nextEntry(body)
				if !ok {
					break
				}
				body = rest
			}
		})
	})
}
