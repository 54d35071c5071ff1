package extsort

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestSort compares with what a stable sort in memory gives, for sets that fit, that spill, and that spill more runs than are merged at once.
func TestSort(t *testing.T) {
	for _, n := range []int{0, 1, 500, 20000, 400000} {
		for _, ordered := range []bool{false, true} {
			t.Run(fmt.Sprint(n, ordered), func(t *testing.T) {
				s := New(MinMemory, Temp{Dir: t.TempDir()})
				defer s.Close()
				rng := rand.New(rand.NewPCG(1, uint64(n)))
				for i := range n {
					k := rng.Uint32N(uint32(n))
					if ordered {
						k = uint32(i)
					}
					key := fmt.Appendf(nil, "%07d", k)
					if k%3 == 0 {
						key = key[:4] // many equal keys
					}
					if err := s.Add(key, binary.BigEndian.AppendUint32(nil, uint32(i))); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.Sort(); err != nil {
					t.Fatal(err)
				}
				var last, lastVal []byte
				got := 0
				for {
					key, val, ok, err := s.Next()
					if err != nil {
						t.Fatal(err)
					}
					if !ok {
						break
					}
					if c := bytes.Compare(last, key); c > 0 || c == 0 && bytes.Compare(lastVal, val) >= 0 && got > 0 {
						t.Fatalf("pair %d: %q %x after %q %x", got, key, val, last, lastVal)
					}
					last, lastVal = append(last[:0], key...), append(lastVal[:0], val...)
					got++
				}
				if got != n {
					t.Fatalf("%d of %d pairs", got, n)
				}
				if spilled := s.Spilled() > 0; spilled != (n > 5000) {
					t.Fatalf("spilled %d bytes", s.Spilled())
				}
			})
		}
	}
}

// TestMerge deals the pairs out to sorters, of which some spill and some stay empty.
func TestMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var sorters []*Sorter
	want := 0
	for i, n := range []int{0, 3000, 20000, 1, 0, 700} {
		s := New(MinMemory, Temp{Dir: t.TempDir()})
		defer s.Close()
		for k := range n {
			key := fmt.Appendf(nil, "%05d", rng.Uint32N(9000))
			if k%5 == 0 {
				key = append(key, "and more than a head"...)
			}
			if err := s.Add(key, binary.BigEndian.AppendUint32(nil, uint32(i<<24+k))); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Sort(); err != nil {
			t.Fatal(err)
		}
		sorters, want = append(sorters, s), want+n
	}
	var last, lastVal []byte
	got := 0
	m := Merge(sorters...)
	for ; ; got++ {
		key, val, ok, err := m.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if c := bytes.Compare(last, key); c > 0 || c == 0 && bytes.Compare(lastVal, val) >= 0 {
			t.Fatalf("pair %d: %q %x after %q %x", got, key, val, last, lastVal)
		}
		last, lastVal = append(last[:0], key...), append(lastVal[:0], val...)
	}
	if got != want {
		t.Fatalf("%d of %d pairs", got, want)
	}
}

func BenchmarkSort(b *testing.B) {
	for b.Loop() {
		s := New(8<<20, Temp{Dir: b.TempDir()})
		rng := rand.New(rand.NewPCG(1, 2))
		var key [20]byte
		for range 1000000 {
			binary.BigEndian.PutUint64(key[:], rng.Uint64())
			if err := s.Add(key[:], nil); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Sort(); err != nil {
			b.Fatal(err)
		}
		for {
			if _, _, ok, err := s.Next(); err != nil {
				b.Fatal(err)
			} else if !ok {
				break
			}
		}
		s.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/pair")
}
