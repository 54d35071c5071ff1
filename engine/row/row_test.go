package row

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

func compare(a, b *Datum, c Class) int {
	switch {
	case a.Null || b.Null:
		if a.Null == b.Null {
			return 0
		} else if a.Null {
			return -1
		}
		return 1
	case c == Bytes:
		return bytes.Compare(a.B, b.B)
	}
	less := false
	switch c {
	case Int:
		less = a.Int() < b.Int()
	case Uint:
		less = a.N < b.N
	default:
		less = a.Float() < b.Float()
	}
	if less {
		return -1
	}
	if a.N == b.N || c >= Float32 && a.Float() == b.Float() {
		return 0
	}
	return 1
}

var samples = map[Class][]Datum{
	Int: {NullDatum, FromInt(math.MinInt64), FromInt(-65537), FromInt(-65536), FromInt(-257), FromInt(-256), FromInt(-255), FromInt(-2), FromInt(-1),
		FromInt(0), FromInt(1), FromInt(255), FromInt(256), FromInt(65535), FromInt(math.MaxInt64)},
	Uint:    {NullDatum, FromUint(0), FromUint(1), FromUint(255), FromUint(256), FromUint(1 << 40), FromUint(math.MaxUint64)},
	Float64: {NullDatum, FromFloat(math.Inf(-1)), FromFloat(-1.5), FromFloat(-1e-300), FromFloat(math.Copysign(0, -1)), FromFloat(0), FromFloat(1e-300), FromFloat(2), FromFloat(math.Inf(1))},
	Bytes: {NullDatum, FromBytes(nil), FromBytes([]byte{0}), FromBytes([]byte{0, 0}), FromBytes([]byte{0, 1}), FromBytes([]byte{0, 255}), FromBytes([]byte{1}),
		FromBytes([]byte("a")), FromBytes([]byte("a\x00")), FromBytes([]byte("a\x00b")), FromBytes([]byte("aa")), FromBytes([]byte{255}), FromBytes([]byte{255, 255})},
}

// TestKeyOrder: keys order as values do, also before whatever part follows, and give the value back.
func TestKeyOrder(t *testing.T) {
	for c, ds := range samples {
		for _, desc := range []bool{false, true} {
			p := &KeyPart{Class: c, Desc: desc}
			for i := range ds {
				for j := range ds {
					want := compare(&ds[i], &ds[j], c)
					if desc {
						want = -want
					}
					a := append(AppendKey(nil, p, &ds[i]), 0xff)
					b := append(AppendKey(nil, p, &ds[j]), 0x00)
					if want == 0 {
						want = 1
					}
					if got := bytes.Compare(a, b); got != want {
						t.Errorf("class %d, desc %v: %v against %v: %d, want %d", c, desc, ds[i], ds[j], got, want)
					}
				}
				k := AppendKey(nil, p, &ds[i])
				var d Datum
				n, _, err := DecodeKey(p, append(k, 7), nil, &d)
				if err != nil || n != len(k) || compare(&d, &ds[i], c) != 0 {
					t.Errorf("class %d: %v came back as %v, %d of %d bytes, %v", c, ds[i], d, n, len(k), err)
				}
				if len(k) > 1 {
					if _, err := SkipKey(p, k[:len(k)-1]); err == nil {
						t.Errorf("class %d: a cut key of %v was taken", c, ds[i])
					}
				}
			}
		}
	}
}

func TestSuccessor(t *testing.T) {
	if s, ok := Successor(nil, []byte{1, 255, 255}); !ok || !bytes.Equal(s, []byte{2}) {
		t.Fatal(s, ok)
	}
	if _, ok := Successor(nil, []byte{255}); ok {
		t.Fatal("a successor of FF")
	}
}

func TestStoredRow(t *testing.T) {
	inst := FromInt(-5)
	l, err := NewLayout([]Col{{ID: 3, Class: Bytes}, {ID: 1, Class: Int}, {ID: 5, Class: Uint, Virtual: true}, {ID: 2, Class: Float64}, {ID: 4, Class: Float32}})
	if err != nil {
		t.Fatal(err)
	}
	h := Header{Trx: 1<<48 - 2, Roll: MakePtr(1<<36-1, 16383), Deleted: true}
	in := []Datum{FromBytes(bytes.Repeat([]byte("x"), 300)), FromInt(-1000), FromUint(9), NullDatum, FromFloat(1.5)}
	v := l.Encode(nil, h, in, nil)
	got, err := ParseHeader(v)
	if err != nil || got != h {
		t.Fatal(got, err)
	}
	out := make([]Datum, 5)
	if err := l.Decode(v, out, nil, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out[0].B, in[0].B) || out[1].Int() != -1000 || !out[2].Null || !out[3].Null || out[4].Float() != 1.5 {
		t.Fatal(out)
	}
	// A later version of the table: column 1 dropped, 6 added.
	l2, _ := NewLayout([]Col{{ID: 2, Class: Float64}, {ID: 6, Class: Int, Instant: &inst}, {ID: 3, Class: Bytes}})
	out = make([]Datum, 3)
	if err := l2.Decode(v, out, []bool{true, true, false}, nil); err != nil || !out[0].Null || out[1].Int() != -5 || !out[2].Null {
		t.Fatal(out, err)
	}
	// A long value.
	v = l.Encode(nil, h, in, [][]byte{[]byte("twelve bytes"), nil, nil, nil, nil})
	out = make([]Datum, 5)
	n := 0
	if err := l.Decode(v, out, nil, func(pos int, ref []byte) {
		n++
		if pos != 0 || string(ref) != "twelve bytes" {
			t.Error(pos, ref)
		}
	}); err != nil || n != 1 {
		t.Fatal(n, err)
	}
}

// FuzzDecode: no bytes make the decoder panic.
func FuzzDecode(f *testing.F) {
	l, _ := NewLayout([]Col{{ID: 1, Class: Int}, {ID: 2, Class: Bytes}, {ID: 3, Class: Float32}})
	f.Add(l.Encode(nil, Header{}, []Datum{FromInt(5), FromBytes([]byte("abc")), FromFloat(1)}, [][]byte{nil, []byte("r"), nil}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := make([]Datum, 3)
		_ = l.Decode(b, r, nil, func(int, []byte) {})
		_ = Refs(b, func(int, []byte) {})
		for c := Int; c <= Bytes; c++ {
			var d Datum
			_, _, _ = DecodeKey(&KeyPart{Class: c, Desc: len(b)%2 == 0}, b, nil, &d)
		}
	})
}

func TestDecodeRandom(t *testing.T) {
	l, _ := NewLayout([]Col{{ID: 1, Class: Int}, {ID: 2, Class: Bytes}, {ID: 3, Class: Float32}})
	v := l.Encode(nil, Header{}, []Datum{FromInt(5), FromBytes([]byte("abc")), FromFloat(1)}, [][]byte{nil, []byte("r"), nil})
	rng := rand.New(rand.NewPCG(1, 2))
	r := make([]Datum, 3)
	for range 20000 {
		b := bytes.Clone(v)
		for range 1 + rng.IntN(3) {
			b[rng.IntN(len(b))] = byte(rng.Uint32())
		}
		_ = l.Decode(b[:rng.IntN(len(b)+1)], r, nil, nil)
		_ = Refs(b, func(int, []byte) {})
	}
}
