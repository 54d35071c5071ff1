package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// packets frames payloads as they are, numbered from 0.
func packets(payloads ...[]byte) []byte {
	var b []byte
	for i, p := range payloads {
		b = append(b, byte(len(p)), byte(len(p)>>8), byte(len(p)>>16), byte(i))
		b = append(b, p...)
	}
	return b
}

func readAll(stream []byte, limit int) (*framer, []byte, error) {
	f := &framer{in: inbuf{src: bytes.NewReader(stream)}}
	p, err := f.next(limit)
	return f, p, err
}

func TestLimitCoversAllPartsOfAPayload(t *testing.T) {
	full := make([]byte, maxPacket)
	for _, tc := range []struct {
		stream []byte
		limit  int
		want   int // length, -1 for too large
	}{
		{packets([]byte("abc")), 3, 3},
		{packets([]byte("abc")), 2, -1},
		{packets(full, nil), maxPacket, maxPacket},
		{packets(full, []byte("abc")), maxPacket + 3, maxPacket + 3},
		{packets(full, []byte("abc")), maxPacket + 2, -1},
		{packets(full), maxPacket - 1, -1},
	} {
		_, p, err := readAll(tc.stream, tc.limit)
		switch {
		case tc.want < 0 && !errors.Is(err, errTooLarge), tc.want >= 0 && (err != nil || len(p) != tc.want):
			t.Errorf("stream of %d bytes, limit %d: %d bytes, %v", len(tc.stream), tc.limit, len(p), err)
		}
	}
}

// A claim costs nothing: memory grows with what arrives.
func TestBigPayloadsGrowAsTheyArrive(t *testing.T) {
	for _, arrived := range []int{0, 1000, 200_000} {
		f, _, err := readAll(append([]byte{0xfe, 0xff, 0xff, 0}, make([]byte, arrived)...), maxPacket)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		if f.bigRead != nil && cap(f.bigRead.b) > 64<<10+3*arrived && cap(f.bigRead.b) > maxPooled {
			t.Errorf("%d bytes arrived, %d were allocated", arrived, cap(f.bigRead.b))
		}
	}
}

func TestStreamEnds(t *testing.T) {
	if _, _, err := readAll(nil, 10); err != io.EOF {
		t.Error("between packets:", err)
	}
	for _, stream := range [][]byte{{1}, {1, 0, 0}, {1, 0, 0, 0}, {0xff, 0xff, 0xff, 0, 1}} {
		if _, _, err := readAll(stream, maxPacket); err != io.ErrUnexpectedEOF {
			t.Errorf("within %v: %v", stream, err)
		}
	}
}

func TestLenencRoundTrip(t *testing.T) {
	for _, n := range []uint64{0, 250, 251, 1<<16 - 1, 1 << 16, 1<<24 - 1, 1 << 24, 1 << 63} {
		c := cursor{b: appendLenenc(nil, n)}
		if got := c.lenenc(); got != n || c.bad || len(c.b) != 0 {
			t.Errorf("%d: got %d", n, got)
		}
	}
	for _, b := range [][]byte{{}, {0xfb}, {0xff}, {0xfc, 1}, {0xfd, 1, 2}, {0xfe, 1, 2, 3, 4, 5, 6, 7}} {
		c := cursor{b: b}
		if c.lenenc(); !c.bad {
			t.Errorf("%v passes", b)
		}
	}
}

func TestFixLengthMakesRoom(t *testing.T) {
	for _, n := range []int{0, 1, 250, 251, 300, 70_000} {
		b := append([]byte("before"), 0)
		at := len(b)
		b = append(b, bytes.Repeat([]byte("x"), n)...)
		c := cursor{b: fixLength(b, at)[len("before"):]}
		if v := c.lenencBytes(); len(v) != n || c.bad || len(c.b) != 0 {
			t.Errorf("%d: %d bytes", n, len(v))
		}
	}
}

func TestCompressedFramesAreChecked(t *testing.T) {
	for _, codec := range []codec{zlibCodec{}, newZstdCodec(0)} {
		frame := func(seq uint8) []byte {
			z := &compressor{codec: codec, seq: seq}
			return z.appendFrame(nil, bytes.Repeat([]byte("compress me "), 100))
		}
		read := func(stream []byte) (int, error) {
			z := &compressor{codec: codec, in: inbuf{src: bytes.NewReader(stream)}}
			b, err := io.ReadAll(z)
			return len(b), err
		}
		good := frame(0)
		if n, err := read(append(good, frame(1)...)); n != 2400 || err != nil {
			t.Fatal(n, err)
		}
		if _, err := read(frame(1)); !mysqlerr.IsCode(err, mysqlerr.ER_NET_PACKETS_OUT_OF_ORDER) {
			t.Error("out of order:", err)
		}
		for name, change := range map[string]func(b []byte){
			"damaged trailer":   func(b []byte) { b[len(b)-1] ^= 1 },
			"damaged data":      func(b []byte) { b[9] ^= 0x55 },
			"longer than said":  func(b []byte) { b[4]-- },
			"shorter than said": func(b []byte) { b[4]++ },
		} {
			if name == "damaged trailer" && codec != (zlibCodec{}) {
				continue // our zstd frames end in a checksum only when the encoder wrote one
			}
			b := bytes.Clone(good)
			change(b)
			if _, err := read(b); !mysqlerr.IsCode(err, mysqlerr.ER_NET_UNCOMPRESS_ERROR) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestLongDataIsBounded(t *testing.T) {
	st := &Stmt{params: 1}
	st.addLong(0, make([]byte, 60), 100)
	st.addLong(0, make([]byte, 40), 100)
	if st.longErr != nil || len(st.long[0].b) != 100 {
		t.Fatal(st.longErr)
	}
	st.addLong(0, make([]byte, 1), 100)
	if st.longErr == nil || st.long != nil {
		t.Fatal("unbounded, or kept")
	}
}
