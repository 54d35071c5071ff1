package redo

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zoryadb/zorya/storage/page"
)

func encode(l *Links, list, payload []byte) []byte {
	b := make([]byte, EncodedLen(l, list, payload))
	Encode(b, l, list, payload)
	return b
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var stream []byte
	var want []Links
	var lists [][]page.No
	for i := 0; i < 500; i++ {
		l := Links{LSN: page.LSN(rng.Uint64N(1<<62-2)) + 2, Epoch: rng.Uint64(), Page: page.No(rng.Uint64N(uint64(page.MaxNo)))}
		back := func() page.LSN { return page.LSN(rng.Uint64N(uint64(l.LSN))) } // 0 included now and then
		if rng.IntN(4) > 0 {
			l.PrevVolume, l.PrevPG, l.PrevPage = back(), back(), back()
		}
		payload := page.AppendSet(nil, 100, bytes.Repeat([]byte{byte(i)}, 1+rng.IntN(500)))
		switch rng.IntN(4) {
		case 0:
			l.Flags |= WillInit
			payload = append(page.AppendInit(nil, 3, 9), payload...)
		case 1:
			l.Flags |= FreeRange
			payload = []byte{byte(1 + rng.IntN(100))}
		}
		if rng.IntN(3) == 0 {
			l.Flags |= CPL
		}
		var list []byte
		var pages []page.No
		if rng.IntN(2) == 0 {
			l.Flags |= Head
			for k := rng.IntN(20); k > 0; k-- {
				pages = append(pages, page.No(rng.Uint64N(uint64(page.MaxNo))))
			}
			list = AppendPageList(nil, l.Page, pages)
		}
		stream = append(stream, encode(&l, list, payload)...)
		want, lists = append(want, l), append(lists, pages)
	}
	var r Record
	for i, l := range want {
		pn, plsn, ok := Peek(stream)
		n, err := Parse(stream, &r)
		if err != nil || !ok || pn != n || plsn != l.LSN {
			t.Fatalf("record %d: %v; peeked %d bytes of %d", i, err, pn, n)
		}
		got := Links{r.LSN, r.PrevVolume, r.PrevPG, r.PrevPage, r.Epoch, r.Page, r.Flags}
		if got != l {
			t.Fatalf("record %d: %+v, want %+v", i, got, l)
		}
		if l.Flags&Head != 0 {
			if pages := r.Pages(nil); pages[0] != l.Page || !slices.Equal(pages[1:], lists[i]) {
				t.Fatalf("record %d: pages %v, want %v", i, pages, lists[i])
			}
		}
		stream = stream[n:]
	}
	if len(stream) != 0 {
		t.Fatal("bytes are left over")
	}
}

func TestParseFindsDamage(t *testing.T) {
	l := Links{LSN: 100, PrevVolume: 99, PrevPG: 90, PrevPage: 50, Epoch: 3, Page: 77, Flags: CPL}
	b := encode(&l, nil, page.AppendSet(nil, 100, []byte("hello world")))
	var r Record
	for n := 0; n < len(b); n++ {
		if _, err := Parse(b[:n], &r); !errors.Is(err, ErrShort) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	for i := 0; i < len(b)*8; i++ {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		if _, err := Parse(c, &r); err == nil {
			t.Fatalf("flipped bit %d went unnoticed", i)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = Parse(b, &r) }); n != 0 {
		t.Fatalf("Parse allocates %v times", n)
	}
}

func TestParseRefusesWrongFields(t *testing.T) {
	set := page.AppendSet(nil, 100, []byte("x"))
	for name, b := range map[string][]byte{
		"LSN 0":                 encode(&Links{Page: 1}, nil, set),
		"page beyond the end":   encode(&Links{LSN: 5, Page: page.MaxNo + 1}, nil, set),
		"Init without flag":     encode(&Links{LSN: 5}, nil, page.AppendInit(nil, 1, 1)),
		"flag without Init":     encode(&Links{LSN: 5, Flags: WillInit}, nil, set),
		"free of nothing":       encode(&Links{LSN: 5, Flags: FreeRange}, nil, []byte{0}),
		"free of too much":      encode(&Links{LSN: 5, Flags: FreeRange}, nil, []byte{0xff, 0xff, 0xff, 0xff, 0x0f}),
		"free and more":         encode(&Links{LSN: 5, Flags: FreeRange}, nil, []byte{1, 2}),
		"no ops":                encode(&Links{LSN: 5}, nil, nil),
		"bad ops":               encode(&Links{LSN: 5}, nil, []byte{1, 0, 1, 1}),
		"page list cut short":   encode(&Links{LSN: 5, Flags: Head}, []byte{9, 1}, nil),
		"page list without end": encode(&Links{LSN: 5, Flags: Head}, []byte{0xff, 0xff, 0x7f}, set),
	} {
		var r Record
		if _, err := Parse(b, &r); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMTR(t *testing.T) {
	var m MTR
	for round := 0; round < 2; round++ {
		i := m.Touch(5, 40)
		m.Change(i).Ops = page.AppendSet(m.Change(i).Ops, 100, []byte("a"))
		i = m.Touch(9, 0)
		m.Change(i).Ops = page.AppendInit(m.Change(i).Ops, 1, 1)
		m.FreeRange(64, 32)
		if m.Len() != 3 || m.FlagsOf(0) != Head || m.FlagsOf(1) != WillInit || m.FlagsOf(2) != CPL|FreeRange {
			t.Fatalf("round %d: %d changes with flags %b %b %b", round, m.Len(), m.FlagsOf(0), m.FlagsOf(1), m.FlagsOf(2))
		}
		if o := m.Others(nil); !slices.Equal(o, []page.No{9}) {
			t.Fatalf("others %v", o)
		}
		m.Reset()
		if m.Len() != 0 || m.Bytes() != 0 {
			t.Fatal("not empty after Reset")
		}
	}
}

// FuzzParse: any bytes give a record or an error; a record that parses says the same when it is encoded anew.
func FuzzParse(f *testing.F) {
	f.Add(encode(&Links{LSN: 100, PrevVolume: 99, PrevPG: 90, PrevPage: 50, Epoch: 3, Page: 77, Flags: CPL}, nil, page.AppendSet(nil, 100, []byte("hello"))))
	f.Add(encode(&Links{LSN: 7, Flags: FreeRange, Page: 64}, nil, []byte{5}))
	f.Add(encode(&Links{LSN: 7, Flags: Head | WillInit, Page: 64}, AppendPageList(nil, 64, []page.No{1, 2}), page.AppendInit(nil, 1, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, head Record
		n, err := Parse(b, &r)
		k, herr := ParseHead(b, &head)
		if err != nil {
			return
		}
		if herr != nil || k != n || head.LSN != r.LSN || head.PrevPG != r.PrevPG || head.PrevVolume != r.PrevVolume || head.PrevPage != r.PrevPage ||
			head.Epoch != r.Epoch || head.Page != r.Page || head.Flags != r.Flags || head.Free != r.Free {
			t.Fatalf("%+v, its head %+v, %v", r, head, herr)
		}
		l := Links{r.LSN, r.PrevVolume, r.PrevPG, r.PrevPage, r.Epoch, r.Page, r.Flags}
		payload := r.Ops
		if r.Flags&FreeRange != 0 {
			return
		}
		var list []byte
		if r.Flags&Head != 0 {
			list = AppendPageList(nil, r.Page, r.Pages(nil)[1:])
		}
		again := encode(&l, list, payload)
		var q Record
		if _, err := Parse(again, &q); err != nil {
			// Varints need not be shortest on the way in, so lengths may differ; the meaning may not.
			t.Fatalf("%d bytes parse, their new form does not: %v", n, err)
		}
		if q.LSN != r.LSN || q.PrevPG != r.PrevPG || !bytes.Equal(q.Ops, r.Ops) {
			t.Fatal("the new form means something else")
		}
		p := make([]byte, page.Size)
		_ = r.Apply(p)
	})
}

func BenchmarkParse(b *testing.B) {
	rec := encode(&Links{LSN: 100, PrevVolume: 99, PrevPG: 90, PrevPage: 50, Epoch: 3, Page: 77, Flags: CPL}, nil, page.AppendSet(nil, 100, make([]byte, 90)))
	var r Record
	b.SetBytes(int64(len(rec)))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, err := Parse(rec, &r); err != nil {
			b.Fatal(err)
		}
	}
}
