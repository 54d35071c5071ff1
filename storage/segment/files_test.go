package segment

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
)

func randomFooter(rng *rand.Rand) footer {
	ft := footer{min: page.LSN(1 + rng.Uint64N(1<<40))}
	seen := map[[2]uint64]bool{}
	for i := rng.IntN(200); i > 0; i-- {
		e := entry{page: uint32(rng.IntN(50)), lsn: ft.min + page.LSN(rng.IntN(1000)), off: rng.Uint32(), size: rng.Uint32() >> 8, flags: uint8(rng.IntN(16))}
		if k := [2]uint64{uint64(e.page), uint64(e.lsn)}; seen[k] {
			continue
		} else {
			seen[k] = true
		}
		if e.flags&flagFree != 0 {
			e.free = rng.Uint32()
		}
		ft.entries = append(ft.entries, e)
		ft.max = max(ft.max, e.lsn)
	}
	var m mark
	for i := rng.IntN(10); i > 0; i-- {
		m.off += uint32(1 + rng.IntN(1<<20))
		m.max += page.LSN(rng.IntN(1 << 20))
		ft.marks = append(ft.marks, m)
	}
	return ft
}

func TestFooterRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for i := 0; i < 200; i++ {
		ft := randomFooter(rng)
		b := encodeFooter(&ft, new(sealer)) // sorts the entries
		got, err := decodeFooter(b, ft.min)
		if err != nil {
			t.Fatal(err)
		}
		if len(ft.entries) == 0 {
			ft.entries = []entry{}
		}
		if !reflect.DeepEqual(got, ft) {
			t.Fatalf("round %d: footers differ", i)
		}
	}
}

func TestSealedFileDamage(t *testing.T) {
	m := vfs.NewMem()
	f, err := m.Create("/f")
	if err != nil {
		t.Fatal(err)
	}
	st := newState(six(), 0)
	if err := writeHeader(f, logMagic, &st, 4); err != nil {
		t.Fatal(err)
	}
	ft := randomFooter(rand.New(rand.NewPCG(2, 2)))
	ft.dataEnd = fileHeader
	if err := seal(f, &ft, new(sealer)); err != nil {
		t.Fatal(err)
	}
	if _, err := readFooter(f); err != nil || checkHeader(f, logMagic, &st) != nil {
		t.Fatal(err)
	}
	other := st
	other.Self.Incarnation++
	if checkHeader(f, logMagic, &other) == nil || checkHeader(f, imageMagic, &st) == nil {
		t.Fatal("a file of another life, or kind, was taken")
	}
	size, _ := f.Size()
	for off := int64(0); off < size; off += 7 {
		if err := m.Flip("/f", off, 0x10); err != nil {
			t.Fatal(err)
		}
		_, ferr := readFooter(f)
		if herr := checkHeader(f, logMagic, &st); ferr == nil && herr == nil {
			t.Fatalf("a flipped bit at %d of %d went unnoticed", off, size)
		}
		_ = m.Flip("/f", off, 0x10)
	}
}

func TestSuperblock(t *testing.T) {
	m := vfs.NewMem()
	f, err := m.Create("/s")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Preallocate(2 * superSlot); err != nil {
		t.Fatal(err)
	}
	sb := superblock{State: newState(six(), 2), LogFile: 9, LogSynced: 12345}
	sb.Retain = []page.LSN{4, 8}
	for gen := uint64(1); gen < 4; gen++ {
		sb.Epoch = gen
		if err := writeSuper(f, &sb, gen); err != nil {
			t.Fatal(err)
		}
		got, g, both, err := readSuper(f)
		if err != nil || g != gen || !both || !reflect.DeepEqual(got, sb) {
			t.Fatalf("generation %d: %v, got %+v", g, err, got)
		}
	}
	if err := m.Flip("/s", 100, 1); err != nil {
		t.Fatal(err)
	}
	got, g, both, err := readSuper(f)
	if err != nil || g != 3 || both || got.Epoch != 3 {
		t.Fatalf("rot in one slot brought generation %d back (%v)", g, err)
	}
	_ = m.Flip("/s", superSlot+100, 1)
	if _, _, _, err := readSuper(f); err == nil {
		t.Fatal("two rotten slots were taken")
	}
	sb.History.Intervals = make([]proto.Interval, 100_000)
	if err := writeSuper(f, &sb, 5); err == nil {
		t.Fatal("an oversized superblock was written")
	}
}

func TestBlobs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	tmp := make([]byte, s2.MaxEncodedLen(page.Size))
	random := make([]byte, page.Size)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	nearlyEmpty := make([]byte, page.Size)
	copy(nearlyEmpty[40:], "a few bytes")
	without := func(p []byte, off, n int) []byte {
		p = bytes.Clone(p)
		clear(p[off : off+n])
		return p
	}
	for name, c := range map[string]struct {
		p    []byte
		most int
	}{
		"random": {random, page.Size + blobHeader}, "near-empty": {nearlyEmpty, 150}, "absent": {nil, blobHeader}, "empty": {make([]byte, page.Size), blobHeader},
		"gap at the start":                 {without(random, 0, 999), page.Size - 999 + 8 + blobHeader},
		"gap within":                       {without(random, 4001, 8200), page.Size - 8200 + 16 + blobHeader},
		"gap at the end":                   {without(random, page.Size-77, 77), page.Size - 77 + 8 + blobHeader},
		"two gaps":                         {without(without(random, 100, 500), 9000, 600), page.Size - 600 + 16 + blobHeader},
		"compressible, with a gap":         {without(bytes.Repeat([]byte("zorya "), page.Size)[:page.Size], 5000, 6000), 1000},
		"compressible, gap in front of it": {without(bytes.Repeat([]byte("zorya "), page.Size)[:page.Size], 0, 6000), 1000},
	} {
		b, size, flags := appendBlob(nil, 7, 99, c.p, tmp)
		if int(size) != len(b) || len(b) > c.most {
			t.Fatalf("%s: %d bytes", name, len(b))
		}
		bi, n, err := parseBlob(b)
		if err != nil || n != len(b) || bi.no != 7 || bi.lsn != 99 || bi.flags != flags {
			t.Fatalf("%s: %+v, %v", name, bi, err)
		}
		p := make([]byte, page.Size)
		if err := bi.decodeInto(p); err != nil {
			t.Fatal(err)
		}
		if want := c.p; want != nil && !bytes.Equal(p, want) {
			t.Fatalf("%s: another page", name)
		}
	}
}

// BenchmarkBlob measures the decoding of the image of a leaf that is half, and fifteen sixteenths full of digits.
func BenchmarkBlob(b *testing.B) {
	for _, fill := range []int{page.Size / 2, page.Size * 15 / 16} {
		p := make([]byte, page.Size)
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range fill {
			p[i] = byte('0' + rng.IntN(10))
		}
		blob, _, _ := appendBlob(nil, 7, 99, p, make([]byte, s2.MaxEncodedLen(page.Size)))
		bi, _, err := parseBlob(blob)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(fill), func(b *testing.B) {
			for b.Loop() {
				if err := bi.decodeInto(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// samplePages are pages like those of the benchmarks and of applications, filled by fifteen sixteenths.
func samplePages() map[string][]byte {
	rng := rand.New(rand.NewPCG(1, 1))
	words := strings.Fields("the quick brown fox jumps over a lazy dog while seven wizards quietly judge boxes of liquor packed by my mother")
	rows := map[string]func(k int) string{
		"digits": func(k int) string { // sysbench's c and pad
			s := ""
			for i := range 15 {
				s += fmt.Sprintf("%011d-", rng.Uint64N(1e11))
				if i == 9 {
					s += "  "
				}
			}
			return s
		},
		"letters": func(k int) string { // TPC-C's
			b := make([]byte, 300)
			for i := range b {
				b[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[rng.IntN(62)]
			}
			return string(b)
		},
		"words": func(k int) string {
			s := ""
			for range 12 {
				s += words[rng.IntN(len(words))] + " "
			}
			return s
		},
		"orders": func(k int) string {
			return fmt.Sprintf("%08d|%06d|2026-11-%02d 12:%02d:00|shipped|%d.00|EUR|", 100000+k, rng.IntN(50000), 1+k%28, k%60, rng.IntN(900))
		},
	}
	out := map[string][]byte{}
	for name, row := range rows {
		p := make([]byte, page.Size)
		at := page.HeaderSize
		for k := 0; at < page.Size*15/16; k++ {
			at += 24 + copy(p[at+24:], row(k)) // a header of transaction, undo and lengths
			binary.LittleEndian.PutUint64(p[at-8:], uint64(1000+k))
		}
		page.Stamp(p, 7, 99)
		page.Seal(p)
		out[name] = p
	}
	return out
}

// TestBlobSample: the sample finds what is worth compressing and nothing else.
func TestBlobSample(t *testing.T) {
	tmp := make([]byte, s2.MaxEncodedLen(page.Size))
	for name, p := range samplePages() {
		blob, _, flags := appendBlob(nil, 7, 99, p, tmp)
		off, n := zeroGap(p)
		rest := append(append([]byte(nil), p[:off]...), p[off+n:]...)
		whole := len(s2.Encode(nil, rest))
		if want := whole >= len(rest)/rawShare*(rawShare-1); (flags == flagRaw) != want {
			t.Errorf("%s: %d bytes would be %d, the image is %d bytes with flags %d", name, len(rest), whole, len(blob), flags)
		}
		bi, _, err := parseBlob(blob)
		got := make([]byte, page.Size)
		if err != nil || bi.decodeInto(got) != nil || !bytes.Equal(got, p) {
			t.Errorf("%s: the page does not come back: %v", name, err)
		}
	}
}

// BenchmarkAppendBlob measures the making of images.
func BenchmarkAppendBlob(b *testing.B) {
	for name, p := range samplePages() {
		b.Run(name, func(b *testing.B) {
			tmp, dst := make([]byte, s2.MaxEncodedLen(page.Size)), []byte(nil)
			for b.Loop() {
				dst, _, _ = appendBlob(dst[:0], 7, 99, p, tmp)
			}
			b.ReportMetric(float64(len(dst)), "bytes")
		})
	}
}

func FuzzFooter(f *testing.F) {
	ft := randomFooter(rand.New(rand.NewPCG(3, 3)))
	f.Add(encodeFooter(&ft, new(sealer)), uint64(ft.min))
	f.Add([]byte{0, 0}, uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, lo uint64) {
		ft, err := decodeFooter(b, page.LSN(lo))
		if err == nil && len(ft.entries)*5 > len(b) {
			t.Fatal("more entries than bytes")
		}
	})
}

func FuzzBlob(f *testing.F) {
	b, _, _ := appendBlob(nil, 7, 99, make([]byte, page.Size), make([]byte, s2.MaxEncodedLen(page.Size)))
	f.Add(b)
	b, _, _ = appendBlob(nil, 7, 99, bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1}, page.Size)[:page.Size], make([]byte, s2.MaxEncodedLen(page.Size)))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		bi, _, err := parseBlob(b)
		if err == nil {
			_ = bi.decodeInto(make([]byte, page.Size))
		}
		// The decoder meets bytes that no checksum vouches for only here, and must hold all the same.
		raw := blobInfo{data: b}
		_ = raw.decodeInto(make([]byte, page.Size))
		if len(b) > 4 {
			raw.gapOff, raw.gapLen = int(b[0])<<8|int(b[1]), int(b[2])<<8|int(b[3])
			_ = raw.decodeInto(make([]byte, page.Size))
			raw.flags = flagRaw
			_ = raw.decodeInto(make([]byte, page.Size))
		}
	})
}

func FuzzSuperblock(f *testing.F) {
	sb := superblock{State: newState(six(), 2)}
	b, err := encodeSuper(&sb, 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var sb superblock
		_, _ = decodeSuper(b, &sb)
	})
}

// BenchmarkFooter measures the encoding of the footer of a log file of 32 MiB: once for each 200,000 records.
func BenchmarkFooter(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	es := make([]entry, 200_000)
	off := uint32(fileHeader)
	for i := range es {
		es[i] = entry{page: uint32(rng.IntN(100_000)), lsn: page.LSN(i + 1), off: off, size: 160}
		off += 160
	}
	w := new(sealer)
	for b.Loop() {
		ft := footer{entries: append(w.entries[:0], es...), min: 1}
		encodeFooter(&ft, w)
		w.entries = ft.entries
	}
}

// TestFooterSort: by page, then by LSN, whatever the order in the file and however high the pages.
func TestFooterSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, pages := range []uint32{1, 50, 2048, 655_360, 1<<32 - 1} {
		var es []entry
		for i := range 3000 {
			lsn := page.LSN(i + 1)
			if i > 2000 {
				lsn = page.LSN(rng.IntN(1 << 20)) // late
			}
			es = append(es, entry{page: rng.Uint32N(pages), lsn: lsn, off: uint32(i)})
		}
		for _, part := range []int{0, 1, 2000, 3000} {
			ft := footer{entries: slices.Clone(es[:part])}
			ft.sort(new(sealer))
			ok := slices.IsSortedFunc(ft.entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.page, b.page), cmp.Compare(a.lsn, b.lsn)) })
			if !ok || len(ft.entries) != part {
				t.Fatalf("%d entries of %d pages are out of order", part, pages)
			}
		}
	}
}

// TestLines: what is kept of an open log file for its footer says the same as its records, or nothing.
func TestLines(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	var gauge atomic.Int64
	ls := lines{gauge: &gauge}
	var want, got []entry
	at := entry{off: fileHeader, lsn: 1 << 40}
	for range 50_000 {
		at.off += at.size
		at.page, at.size, at.flags, at.free = rng.Uint32(), 1+rng.Uint32N(redo.MaxRecord), uint8(rng.Uint32N(2)), 0
		at.lsn += page.LSN(rng.IntN(300)) - 20 // late ones too
		if rng.IntN(50) == 0 {
			at.flags, at.free = flagFree, rng.Uint32()
		}
		if uint64(at.off)+uint64(at.size) > 1<<32-1 {
			break
		}
		ls.add(&at)
		want = append(want, at)
	}
	if !ls.entries(&got) || !slices.Equal(got, want) || gauge.Load() < 6*int64(len(want)) {
		t.Fatalf("%d lines of %d, %d bytes", len(got), len(want), gauge.Load())
	}
	at.off += at.size + 1 // bytes that are no record lie between
	ls.add(&at)
	at.off += at.size
	ls.add(&at)
	if got = nil; ls.entries(&got) || gauge.Load() != 0 {
		t.Fatalf("kept lines across a gap, %d bytes", gauge.Load())
	}
	gauge.Store(maxLines)
	full := lines{gauge: &gauge}
	full.add(&at)
	if full.entries(&got) || gauge.Load() != maxLines {
		t.Fatal("kept lines above the bound")
	}
}

// TestFooterErrorNamesAllOfIt: whoever meets a damaged footer first, a scrub or garbage collection, reports every byte behind the data as
// damaged: the node's log has to account for each byte that it mends.
func TestFooterErrorNamesAllOfIt(t *testing.T) {
	fsys := vfs.NewMem()
	st := newState(six(), 0)
	s := newSegment(Options{FS: fsys, Dir: "/s", Stats: new(Stats)}, st, nil, 1)
	for _, log := range []bool{false, true} {
		f, err := fsys.Create(fmt.Sprintf("/f-%v", log))
		if err != nil {
			t.Fatal(err)
		}
		if err := writeHeader(f, imageMagic, &st, 7); err != nil {
			t.Fatal(err)
		}
		ft := randomFooter(rand.New(rand.NewPCG(5, 5)))
		ft.dataEnd = fileHeader + 1000
		if err := seal(f, &ft, new(sealer)); err != nil {
			t.Fatal(err)
		}
		size, err := f.Size()
		if err != nil {
			t.Fatal(err)
		}
		s.logOf[7], s.imageOf[7] = &logFile{seq: 7, f: f, size: ft.dataEnd}, &imageFile{seq: 7, f: f, size: ft.dataEnd}
		var d *Damage
		if err := s.footerError(errDamaged, log, 7, f); !errors.As(err, &d) {
			t.Fatalf("a damaged footer is reported as %v", err)
		}
		if d.Log != log || !d.Footer || int64(d.Off) != ft.dataEnd || int64(d.Off+d.Size) != size {
			t.Errorf("damage %+v of a footer from %d to %d", d, ft.dataEnd, size)
		}
	}
}
