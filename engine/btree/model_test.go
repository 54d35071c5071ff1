package btree

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// model is what a tree should hold.
type model map[string][]byte

func (m model) keys() []string {
	ks := make([]string, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

// same compares a tree with the model: by Check, and by scans in both directions over random ranges.
func (m model) same(t *testing.T, tree *Tree, r *rand.Rand) {
	t.Helper()
	keys := m.keys()
	i := 0
	_, err := tree.Check(bg, func(k, v []byte) error {
		if i >= len(keys) || keys[i] != string(k) || !bytes.Equal(m[keys[i]], v) {
			return fmt.Errorf("entry %d is %x, %d bytes", i, k, len(v))
		}
		i++
		return nil
	})
	if err != nil || i != len(keys) {
		t.Fatalf("after %d of %d entries: %v", i, len(keys), err)
	}
	for range 6 {
		o := ScanOptions{Reverse: r.IntN(2) == 0, LowOpen: r.IntN(2) == 0, HighIncl: r.IntN(2) == 0, Batch: []int{0, 1, 300}[r.IntN(3)], ReadAhead: true}
		if len(keys) > 0 && r.IntN(3) > 0 {
			o.Low = []byte(keys[r.IntN(len(keys))])
		}
		if len(keys) > 0 && r.IntN(3) > 0 {
			o.High = append([]byte(keys[r.IntN(len(keys))]), byte(r.IntN(2)))[:]
		}
		m.sameScan(t, tree, o, keys)
	}
}

func (m model) sameScan(t *testing.T, tree *Tree, o ScanOptions, keys []string) {
	t.Helper()
	var want []string
	for _, k := range keys {
		low := o.Low == nil || k > string(o.Low) || k == string(o.Low) && !o.LowOpen
		high := o.High == nil || k < string(o.High) || k == string(o.High) && o.HighIncl
		if low && high {
			want = append(want, k)
		}
	}
	if o.Reverse {
		slices.Reverse(want)
	}
	c := tree.Scan(o)
	i := 0
	for ; c.Next(bg); i++ {
		if i >= len(want) || want[i] != string(c.Key()) || !bytes.Equal(c.Value(), m[want[i]]) {
			t.Fatalf("scan %+v: entry %d is %x", o, i, c.Key())
		}
	}
	if c.Err() != nil || i != len(want) {
		t.Fatalf("scan %+v: %d entries of %d: %v", o, i, len(want), c.Err())
	}
}

// TestModel runs random changes against a map: several shapes of keys, values that grow and shrink.
func TestModel(t *testing.T) {
	for shape, gen := range map[string]func(r *rand.Rand) []byte{
		"int":    func(r *rand.Rand) []byte { return binary.BigEndian.AppendUint64(nil, uint64(r.IntN(3000))) },
		"string": func(r *rand.Rand) []byte { return bytes.Repeat([]byte{byte('a' + r.IntN(3))}, r.IntN(300)) },
		"long": func(r *rand.Rand) []byte {
			k := bytes.Repeat([]byte("k"), r.IntN(MaxKey-2))
			return append(k, byte(r.IntN(256)))
		},
		"empty": func(r *rand.Rand) []byte { return make([]byte, r.IntN(40)) },
	} {
		t.Run(shape, func(t *testing.T) {
			for seed := range uint64(seeds) {
				runModel(t, rand.New(rand.NewPCG(seed, 1)), gen)
			}
		})
	}
}

func runModel(t *testing.T, r *rand.Rand, gen func(*rand.Rand) []byte) {
	e := newEnv(t, memvol.Options{}, 128)
	tree, m := e.tree(100), model{}
	maxVal := []int{10, 300, 4000}[r.IntN(3)]
	for phase := range 6 {
		for range 400 {
			k := gen(r)
			if len(k) > MaxKey {
				k = k[:MaxKey]
			}
			if r.IntN(10) < []int{8, 3}[phase%2] {
				v := make([]byte, r.IntN(maxVal))
				if old, ok := m[string(k)]; ok && r.IntN(2) == 0 {
					copy(v, old)
				}
				if len(v) > 0 {
					v[r.IntN(len(v))] = byte(r.Int())
				}
				if err := put(tree, k, v); err != nil {
					t.Fatal(err)
				}
				m[string(k)] = v
			} else {
				if err := del(tree, k); err != nil {
					t.Fatal(err)
				}
				delete(m, string(k))
			}
		}
		m.same(t, tree, r)
		e.checkAll(tree)
	}
	e = e.crash(128) // VDL follows at once: nothing is lost
	tree = Open(e.sp, 100, tree.Root())
	m.same(t, tree, r)
	keys := m.keys()
	for _, i := range r.Perm(len(m)) {
		if err := del(tree, []byte(keys[i])); err != nil {
			t.Fatal(err)
		}
	}
	model{}.same(t, tree, r)
	e.checkAll(tree)
}
