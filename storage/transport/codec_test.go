package transport

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// A messageCase is one message of the protocol: how to code it, both ways.
type messageCase struct {
	name string
	zero any
	enc  func(m any) ([]byte, error)
	dec  func(b []byte) (any, error)
}

func caseOf[T any](name string, describe func(*coder, *T)) messageCase {
	return messageCase{name, *new(T),
		func(m any) ([]byte, error) { v := m.(T); return encode(nil, &v, describe) },
		func(b []byte) (any, error) { var v T; err := decode(b, &v, describe); return v, err },
	}
}

var messages = []messageCase{
	caseOf("appendAck", (*coder).appendAck),
	caseOf("pageRead", (*coder).pageRead),
	caseOf("fenceRequest", (*coder).fenceRequest),
	caseOf("fenceReply", (*coder).fenceReply),
	caseOf("historyRequest", (*coder).historyRequest),
	caseOf("retainRequest", (*coder).retainRequest),
	caseOf("retainReply", (*coder).retainReply),
	caseOf("segmentSpec", (*coder).segmentSpec),
	caseOf("logRequest", (*coder).logRequest),
	caseOf("logReply", (*coder).logReply),
	caseOf("baselineRequest", (*coder).baselineRequest),
	caseOf("baselineReply", (*coder).baselineReply),
	caseOf("nodeInfo", (*coder).nodeInfo),
}

// fill gives every field of v a random value, so that a field that a codec forgot shows.
func fill(rng *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(0, rng.Int64N(1<<60))))
		return
	case []proto.ChainLSN:
		var c []proto.ChainLSN
		at := page.LSN(rng.Uint64N(1 << 40))
		for range 1 + rng.IntN(5) {
			at += 1 + page.LSN(rng.IntN(1000))
			c = append(c, proto.ChainLSN{LSN: at, PrevVolume: at - 1, PrevPG: page.LSN(rng.Uint64N(uint64(at))), Epoch: rng.Uint64(), CPL: rng.IntN(2) == 0})
		}
		v.Set(reflect.ValueOf(c))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			fill(rng, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+rng.IntN(4), 8))
		for i := 0; i < v.Len(); i++ {
			fill(rng, v.Index(i))
		}
	case reflect.Array:
		for i := 0; i < v.Len(); i++ {
			fill(rng, v.Index(i))
		}
	case reflect.String:
		v.SetString(string(bytes.Repeat([]byte{'x'}, 1+rng.IntN(60))))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(rng.Float64())
	case reflect.Int:
		v.SetInt(1 + rng.Int64N(1000))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(rng.Uint64N(1<<(8*v.Type().Size()-1)) | 1)
	default:
		panic(v.Kind().String())
	}
}

func TestCodecs(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range messages {
		for range 20 {
			v := reflect.New(reflect.TypeOf(c.zero)).Elem()
			fill(rng, v)
			b, err := c.enc(v.Interface())
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			got, err := c.dec(b)
			if err != nil || !reflect.DeepEqual(got, v.Interface()) {
				t.Fatalf("%s: %v\n got %+v\nwant %+v", c.name, err, got, v.Interface())
			}
			for n := range b {
				if _, err := c.dec(b[:n]); err == nil {
					t.Fatalf("%s: %d of %d bytes were accepted", c.name, n, len(b))
				}
			}
			if _, err := c.dec(append(b, 0)); err == nil {
				t.Fatalf("%s: a trailing byte was accepted", c.name)
			}
		}
	}
}

func appendFrame(rng *rand.Rand) *proto.AppendFrame {
	f := &proto.AppendFrame{}
	fill(rng, reflect.ValueOf(f).Elem())
	f.Records = nil
	for i := range f.Runs {
		f.Runs[i].Bytes = uint32(1 + rng.IntN(50))
		f.Records = append(f.Records, bytes.Repeat([]byte{byte(i)}, int(f.Runs[i].Bytes)))
	}
	return f
}

func TestAppendCodec(t *testing.T) {
	f := appendFrame(rand.New(rand.NewPCG(1, 1)))
	b, err := encode(nil, f, (*coder).appendHead)
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, bytes.Join(f.Records, nil)...)
	var got proto.AppendFrame
	if err := decodeAppend(b, &got); err != nil {
		t.Fatal(err)
	}
	f.Records = [][]byte{bytes.Join(f.Records, nil)}
	if !reflect.DeepEqual(&got, f) {
		t.Fatalf("got %+v\nwant %+v", got, f)
	}
	for n := range b {
		if decodeAppend(b[:n], &got) == nil {
			t.Fatalf("%d of %d bytes were accepted", n, len(b))
		}
	}
}

// FuzzMessages: any bytes give a message or an error; a message encodes to bytes that decode to it again.
func FuzzMessages(f *testing.F) {
	rng := rand.New(rand.NewPCG(9, 9))
	for i, c := range messages {
		v := reflect.New(reflect.TypeOf(c.zero)).Elem()
		fill(rng, v)
		b, err := c.enc(v.Interface())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), b)
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		var a proto.AppendFrame
		decodeAppend(b, &a)
		c := messages[int(kind)%len(messages)]
		m, err := c.dec(b)
		if err != nil {
			return
		}
		b2, err := c.enc(m)
		if err != nil {
			t.Fatalf("%s: decoded but does not encode: %v", c.name, err)
		}
		m2, err := c.dec(b2)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if b3, _ := c.enc(m2); !bytes.Equal(b2, b3) {
			t.Fatalf("%s: %x and %x", c.name, b2, b3)
		}
	})
}
