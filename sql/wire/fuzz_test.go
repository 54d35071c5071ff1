package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// allocated fuzz inputs must never make the parsers panic; what they accept must be within the bounds that they promise.

func FuzzPackets(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 3}, 10)
	f.Add([]byte{0, 0, 0, 0, 2, 0, 0, 1, 1, 2}, 10)
	f.Add([]byte{0xff, 0xff, 0xff, 0, 1, 2, 3}, 1<<30)
	f.Add(append([]byte{0x10, 0x27, 0, 0}, make([]byte, 10000)...), 1<<20)
	f.Fuzz(func(t *testing.T, stream []byte, limit int) {
		limit &= 1<<26 - 1
		var fr framer
		fr.in = inbuf{src: bytes.NewReader(stream)}
		total := 0
		for {
			p, err := fr.next(limit)
			if err != nil {
				if fr.bigRead != nil && cap(fr.bigRead.b) > 4*len(stream)+(maxPooled) {
					t.Fatalf("%d bytes were allocated for %d", cap(fr.bigRead.b), len(stream))
				}
				break
			}
			if len(p) > limit {
				t.Fatalf("payload of %d bytes, limit %d", len(p), limit)
			}
			total += len(p)
			fr.seq = 0
		}
		if total > len(stream) {
			t.Fatal("more came out than went in")
		}
		fr.discard()
	})
}

func FuzzHandshakeResponse(f *testing.F) {
	for _, caps := range []uint32{CapProtocol41, CapProtocol41 | CapSecureConnection | CapPluginAuth | CapConnectWithDB,
		CapProtocol41 | CapPluginAuthLenenc | CapPluginAuth | CapConnectAttrs | CapZstd} {
		cl := &Client{caps: caps, scramble: make([]byte, 20), cfg: ClientConfig{User: "u", Password: "p", Database: "d", Attrs: []ConnectAttr{{"a", "b"}}}}
		f.Add(cl.appendResponse(nil, PluginNative))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := parseHandshakeResponse(p)
		if err != nil {
			if !isProtocolError(err) {
				t.Fatal(err)
			}
		} else if len(r.user)+len(r.auth)+len(r.db)+len(r.plugin) > len(p) || len(r.attrs) > maxAttrList {
			t.Fatalf("%+v", r)
		}
		for _, caps := range []uint32{0, CapSecureConnection | CapPluginAuth | CapConnectAttrs} {
			if _, err := parseChangeUser(p, caps); err != nil && !isProtocolError(err) {
				t.Fatal(err)
			}
		}
	})
}

func FuzzExecute(f *testing.F) {
	params := []Param{NullParam(), IntParam(1), StringParam("x"), DateTimeParam(DateTime{Year: 1}), TimeParam(Time{Hour: 40})}
	for _, attrs := range []bool{false, true} {
		b := []byte{0, 1, 0, 0, 0}
		if attrs {
			b = appendLenenc(b, 5)
		}
		f.Add(appendParams(b, params, nil, attrs), uint8(5), attrs)
	}
	b := []byte{paramCountAvailable, 1, 0, 0, 0, 2}
	f.Add(appendParams(b, params[1:2], []Attr{{"n", IntParam(3)}}, true), uint8(1), true)
	f.Fuzz(func(t *testing.T, p []byte, n uint8, withAttrs bool) {
		st := &Stmt{params: int(n)}
		var x execution
		for range 2 { // the second time with the types that the first one left
			_, err := x.parseExecute(st, &cursor{b: p}, withAttrs)
			if err != nil {
				if !errors.Is(err, errMalformed) {
					t.Fatal(err)
				}
				continue
			}
			if len(x.params) != int(n) || len(x.attrs) > maxAttrs {
				t.Fatalf("%d parameters, %d attributes", len(x.params), len(x.attrs))
			}
			for i := range x.params {
				checkParam(t, &x.params[i], len(p))
			}
			x.release()
		}
		if err := x.parseQueryAttrs(&cursor{b: p}); err != nil && !errors.Is(err, errMalformed) {
			t.Fatal(err)
		}
	})
}

func checkParam(t *testing.T, p *Param, size int) {
	t.Helper()
	switch p.Kind {
	case ParamDate, ParamDateTime:
		d := p.DateTime()
		if packDateTime(d) != p.num || d.Month > 12 || d.Day > 31 || d.Micro > 999999 {
			t.Fatalf("%+v", d)
		}
	case ParamTime:
		if v := p.Time(); packTime(v) != p.num || v.Hour > 839 || v.Minute > 59 {
			t.Fatalf("%+v", v)
		}
	}
	if len(p.buf) > size {
		t.Fatal("a value longer than its packet")
	}
}

func FuzzCompressedFrames(f *testing.F) {
	for _, c := range []codec{zlibCodec{}, newZstdCodec(0)} {
		for _, n := range []int{0, 10, 1000, 600_000} {
			var out bytes.Buffer
			z := &compressor{wr: &out, codec: c}
			if _, err := z.Write(bytes.Repeat([]byte("ab"), n)); err != nil {
				f.Fatal(err)
			}
			f.Add(out.Bytes(), c == zlibCodec{})
		}
	}
	f.Add([]byte{9, 0, 0, 0, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9}, true)
	f.Fuzz(func(t *testing.T, stream []byte, zlib bool) {
		z := &compressor{codec: newZstdCodec(0)}
		if zlib {
			z.codec = zlibCodec{}
		}
		z.in = inbuf{src: bytes.NewReader(stream)}
		buf := make([]byte, 4096)
		for total := 0; total < 64<<20; {
			n, err := z.Read(buf)
			total += n
			if err != nil {
				break
			}
			z.in.release()
		}
	})
}

func FuzzColumnsAndRows(f *testing.F) {
	f.Add([]byte{3, 'd', 'e', 'f', 0, 0, 0, 1, 'a', 0, 12, 63, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0}, []byte{1, '1'}, []byte{0, 0, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, column, text, bin []byte) {
		col, err := parseColumn(column)
		if err != nil {
			return
		}
		if got := appendColumn(nil, &col, col.Default != ""); len(got) > len(column)+32 {
			t.Fatal("a definition grew")
		}
		rs := &Rows{cols: []Column{col}}
		_ = rs.textRow(text)
		if len(bin) > 0 {
			_ = rs.binaryRow(bin)
		}
	})
}

func FuzzTemporalText(f *testing.F) {
	f.Add("2026-11-22 01:02:03.456789")
	f.Add("-838:59:59.5")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDateTime(s); err == nil {
			b := append(appendDate(nil, d), ' ')
			b = appendClock(b, uint64(d.Hour), d.Minute, d.Second, d.Micro, 6)
			if again, err := ParseDateTime(string(b)); err != nil || again != d {
				t.Fatalf("%q: %+v, %s: %+v %v", s, d, b, again, err)
			}
		}
		_, _ = ParseTime(s)
	})
}

// FuzzConnection lets a server talk to whoever sends these bytes, before and after authentication.
func FuzzConnection(f *testing.F) {
	b := newTestBackend()
	b.entered = make(chan *Conn, 1<<20)
	srv, err := NewServer(Config{Backend: b, ServerVersion: "8.0.99-test", LocalInfile: true, ConnectTimeout: time.Second,
		MaxConnections: func() int { return 1 << 20 }, MaxAllowedPacket: func() int { return 1 << 20 }})
	if err != nil {
		f.Fatal(err)
	}
	cl := &Client{caps: clientCaps &^ CapPluginAuth &^ CapConnectAttrs, cfg: ClientConfig{User: "root"}}
	login := cl.appendResponse(nil, PluginNative)
	packet := func(seq byte, p []byte) []byte {
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(p))|uint32(seq)<<24), p...)
	}
	session := packet(1, login)
	f.Add(session, false)
	f.Add(append(session, packet(0, []byte("\x03\x00\x01SELECT 1"))...), false)
	f.Add(packet(0, []byte("\x16echo ?")), true)
	f.Add(append(packet(0, []byte("\x16echo ?")), packet(0, []byte{comStmtExecute, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8})...), true)
	f.Add(packet(0, []byte("\x11root\x00\x00\x00")), true)
	f.Fuzz(func(t *testing.T, stream []byte, loggedIn bool) {
		if bytes.Contains(stream, []byte("rows ")) || bytes.Contains(stream, []byte("big ")) || bytes.Contains(stream, []byte("after ")) || bytes.Contains(stream, []byte("unfinished")) {
			return // answers of any size
		}
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() { srv.ServeConn(theirs); close(done) }()
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		if loggedIn {
			_, _ = ours.Write(session)
		}
		_, _ = ours.Write(stream)
		ours.Close()
		select {
		case <-done:
		case <-time.After(60 * time.Second):
			t.Fatal("the connection does not end")
		}
		if b.live() != 0 {
			t.Fatal("a session is left")
		}
	})
}
