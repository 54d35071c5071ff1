package page

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// randomOps makes a well-formed op list and, byte by byte, what it should do to p.
func randomOps(rng *rand.Rand, p []byte, init bool) (ops []byte) {
	if init {
		ops = AppendInit(ops, Type(1+rng.IntN(200)), rng.Uint64())
		clear(p[OpsStart:])
		p[OffType] = ops[2]
		var o op
		o.next(ops, 0)
		for i := 0; i < 8; i++ {
			p[OffOwner+i] = byte(o.owner >> (8 * i))
		}
	}
	for i := rng.IntN(6); i >= 0; i-- {
		n := 1 + rng.IntN(300)
		off := OpsStart + rng.IntN(Size-OpsStart-n+1)
		switch rng.IntN(3) {
		case 0:
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			ops = AppendSet(ops, off, b)
			for i := range b {
				p[off+i] = b[i]
			}
		case 1:
			src := OpsStart + rng.IntN(Size-OpsStart-n+1)
			ops = AppendMove(ops, off, src, n)
			old := bytes.Clone(p[src : src+n])
			for i := range old {
				p[off+i] = old[i]
			}
		case 2:
			b := byte(rng.Uint32())
			ops = AppendFill(ops, off, n, b)
			for i := 0; i < n; i++ {
				p[off+i] = b
			}
		}
	}
	return ops
}

func TestApplyDoesWhatTheOpsSay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p, want := make([]byte, Size), make([]byte, Size)
	lsn := LSN(0)
	for i := 0; i < 2000; i++ {
		ops := randomOps(rng, want, i == 0 || rng.IntN(30) == 0)
		prev := lsn
		lsn += LSN(1 + rng.IntN(5))
		Stamp(want, 7, lsn)
		if err := Apply(p, 7, prev, lsn, ops); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p, want) {
			t.Fatalf("step %d: pages differ", i)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		prev := GetLSN(p)
		var ops [16]byte
		_ = Apply(p, 7, prev, prev+1, AppendFill(ops[:0], 100, 50, 3))
	}); n != 0 {
		t.Fatalf("Apply allocates %v times", n)
	}
}

func TestApplyRefusesAndLeavesThePage(t *testing.T) {
	p := make([]byte, Size)
	if err := Apply(p, 7, 0, 5, AppendSet(AppendInit(nil, 1, 2), 40, []byte("hello"))); err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(p)
	set := AppendSet(nil, 50, []byte("x"))
	for name, c := range map[string]struct {
		no        No
		prev, lsn LSN
		ops       []byte
		want      error
	}{
		"wrong previous LSN":   {7, 4, 6, set, ErrWrongChain},
		"no previous LSN":      {7, 0, 6, set, ErrWrongChain},
		"LSN not above":        {7, 5, 5, set, ErrWrongChain},
		"another page":         {8, 5, 6, set, ErrWrongPage},
		"empty":                {7, 5, 6, nil, ErrBadOps},
		"Init second":          {7, 5, 6, append(bytes.Clone(set), AppendInit(nil, 1, 1)...), ErrBadOps},
		"cut short":            {7, 5, 6, set[:len(set)-1], ErrBadOps},
		"header":               {7, 5, 6, []byte{OpsStart - 1, 0, 1, 9}, ErrBadOps},
		"beyond the end":       {7, 5, 6, []byte{0xff, 0x3f, 2, 9, 9}, ErrBadOps},
		"good op, then bad":    {7, 5, 6, append(bytes.Clone(set), 0, 0), ErrBadOps},
		"zero length":          {7, 5, 6, []byte{50, 0, 0}, ErrBadOps},
		"unended varint":       {7, 5, 6, []byte{50, 0, 0x80}, ErrBadOps},
		"Init to Absent":       {7, 5, 6, []byte{0, 0xc0, 0, 0}, ErrBadOps},
		"Move outside, source": {7, 5, 6, []byte{50, 0x40, 0xff, 0x7f, 9}, ErrBadOps},
	} {
		if err := Apply(p, c.no, c.prev, c.lsn, c.ops); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if !bytes.Equal(p, before) {
			t.Fatalf("%s: the page changed", name)
		}
	}
	if err := Apply(p[:100], 7, 5, 6, set); err == nil {
		t.Error("a short page was taken")
	}
}

func TestSealAndVerify(t *testing.T) {
	p := make([]byte, Size)
	if !Verify(p) {
		t.Fatal("a page of zeros does not verify")
	}
	if err := Apply(p, 7, 0, 5, AppendInit(nil, 1, 2)); err != nil {
		t.Fatal(err)
	}
	Seal(p)
	if !Verify(p) {
		t.Fatal("a sealed page does not verify")
	}
	for i := 0; i < Size; i += 97 {
		p[i] ^= 0x40
		if Verify(p) {
			t.Fatalf("a flipped bit in byte %d went unnoticed", i)
		}
		p[i] ^= 0x40
	}
	if Verify(p[:Size-1]) {
		t.Fatal("a short page verifies")
	}
}

func TestAppendImageRecreatesThePage(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 2))
	for i := 0; i < 50; i++ {
		p := make([]byte, Size)
		ops := randomOps(rng, p, true)
		q := make([]byte, Size)
		if err := Apply(q, 3, 0, 9, ops); err != nil {
			t.Fatal(err)
		}
		// Bytes between type and owner are reserved: an image does not carry them.
		clear(q[OffType+1 : OffOwner])
		r := make([]byte, Size)
		if err := Apply(r, 3, 0, 9, AppendImage(nil, q)); err != nil {
			// A random Fill may have made the type Absent, which no image can.
			if GetType(q) == Absent {
				continue
			}
			t.Fatal(err)
		}
		if !bytes.Equal(q, r) {
			t.Fatal("the image makes another page")
		}
	}
}

// FuzzApply: any ops on any page either succeed or leave it alone, without a panic.
func FuzzApply(f *testing.F) {
	f.Add([]byte{50, 0, 1, 9}, uint64(5), uint64(6))
	f.Add(AppendMove(AppendInit(nil, 1, 300), 100, 200, 50), uint64(0), uint64(6))
	f.Add(AppendFill(nil, 16000, 384, 1), uint64(5), uint64(6))
	base := make([]byte, Size)
	if err := Apply(base, 7, 0, 5, AppendSet(AppendInit(nil, 1, 2), 40, []byte("hello"))); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, ops []byte, prev, lsn uint64) {
		p := bytes.Clone(base)
		err := Apply(p, 7, LSN(prev), LSN(lsn), ops)
		if err != nil && !bytes.Equal(p, base) {
			t.Fatal("an error changed the page")
		}
		if err == nil {
			if GetLSN(p) != LSN(lsn) || GetNo(p) != 7 {
				t.Fatal("not stamped")
			}
			if CheckOps(ops) != nil {
				t.Fatal("applied what CheckOps refuses")
			}
			q := bytes.Clone(base)
			if Apply(q, 7, LSN(prev), LSN(lsn), ops) != nil || !bytes.Equal(p, q) {
				t.Fatal("not a function of its input")
			}
		}
	})
}

func BenchmarkApply(b *testing.B) {
	p := make([]byte, Size)
	if err := Apply(p, 7, 0, 1, AppendInit(nil, 1, 2)); err != nil {
		b.Fatal(err)
	}
	ops := AppendSet(AppendMove(nil, 1000, 900, 400), 500, make([]byte, 100))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		at := GetLSN(p)
		if err := Apply(p, 7, at, at+1, ops); err != nil {
			b.Fatal(err)
		}
	}
}
