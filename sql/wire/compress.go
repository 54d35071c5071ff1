package wire

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Compressed frames carry the packet stream in pieces that need not match packets: a header of seven bytes (length as sent,
// sequence number, length before compression or 0 for a piece sent as it is), then the bytes.
const (
	frameHeader = 7
	// minCompress is the length from which compressing is tried.
	minCompress = 50
	// maxFrame bounds the frames that we write, so that the buffer for one stays small.
	maxFrame = 256 << 10
)

// errUncompress ends the connection after it was reported.
var errUncompress = mysqlerr.New(mysqlerr.ER_NET_UNCOMPRESS_ERROR)

// codec is a compression algorithm.
type codec interface {
	// deflate appends src compressed to dst.
	deflate(dst, src []byte) []byte
	// inflater returns a reader of src uncompressed, and what to do with it at the end.
	inflater(src *frameSource) (inflater, error)
}

// inflater reads the uncompressed bytes of one frame. free gives it back for other frames.
type inflater interface {
	io.Reader
	free()
}

// compressor sits between framer and transport. It decompresses while it is read: a frame that claims to be long costs nothing
// but the bytes that come.
type compressor struct {
	in    inbuf
	wr    io.Writer
	codec codec
	seq   uint8

	left int // uncompressed bytes of the present frame not yet delivered
	src  frameSource
	inf  inflater // nil for a frame sent as it is
}

// frameSource is the compressed part of the present frame.
type frameSource struct {
	in   *inbuf
	left int
}

// Read implements io.Reader.
func (s *frameSource) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.in.take(p[:min(len(p), s.left)])
	s.left -= n
	return n, midPacket(err)
}

// ReadByte implements io.ByteReader, which keeps the decompressor from reading beyond its end.
func (s *frameSource) ReadByte() (byte, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	if err := s.in.fill(1); err != nil {
		return 0, midPacket(err)
	}
	b := s.in.buf.b[s.in.r]
	s.in.r++
	s.left--
	return b, nil
}

// skip drops what the decompressor left of a frame.
func (s *frameSource) skip() error {
	for s.left > 0 {
		if err := s.in.fill(1); err != nil {
			return midPacket(err)
		}
		n := min(s.left, s.in.buffered())
		s.in.r += n
		s.left -= n
	}
	return nil
}

// Read implements io.Reader: the packet stream.
func (z *compressor) Read(p []byte) (int, error) {
	for z.left == 0 {
		if err := z.nextFrame(); err != nil {
			return 0, err
		}
	}
	p = p[:min(len(p), z.left)]
	if z.inf == nil {
		n, err := z.in.take(p)
		z.left -= n
		return n, midPacket(err)
	}
	n, err := z.inf.Read(p)
	z.left -= n
	if z.left > 0 {
		if err != nil {
			return n, z.broken(err)
		}
		return n, nil
	}
	return n, z.endFrame(err)
}

// nextFrame reads a frame's header.
func (z *compressor) nextFrame() error {
	if err := z.in.fill(frameHeader); err != nil {
		return err
	}
	h := cursor{b: z.in.rest7()}
	sent, seq, plain := int(h.u24()), h.u8(), int(h.u24())
	if seq != z.seq {
		return errOutOfOrder
	}
	z.seq++
	z.left = sent
	if plain == 0 {
		return nil
	}
	z.left = plain
	z.src = frameSource{in: &z.in, left: sent}
	inf, err := z.codec.inflater(&z.src)
	if err != nil {
		return z.broken(err)
	}
	z.inf = inf
	return nil
}

// rest7 takes a frame header that fill made available.
func (in *inbuf) rest7() []byte {
	p := in.buf.b[in.r : in.r+frameHeader]
	in.r += frameHeader
	return p
}

// endFrame lets the decompressor check its trailer and makes ready for the next frame.
func (z *compressor) endFrame(err error) error {
	if err == nil {
		var b [1]byte
		var n int
		if n, err = z.inf.Read(b[:]); n > 0 {
			return errUncompress // more than the header promised
		}
	}
	if err != io.EOF {
		return z.broken(err)
	}
	z.inf.free()
	z.inf = nil
	return z.src.skip()
}

// broken makes a corrupt frame an error for the client; a broken connection stays what it is.
func (z *compressor) broken(err error) error {
	if z.src.left > 0 && (isTimeout(err) || err == errKilled) {
		return err
	}
	return errUncompress
}

// Write implements io.Writer: p leaves in frames, with one write unless it is very long.
func (z *compressor) Write(p []byte) (int, error) {
	w := writePool.Get().(*buffer)
	defer func() { putWrite(w) }()
	for n := 0; n < len(p); {
		part := p[n:min(len(p), n+maxFrame)]
		w.b = z.appendFrame(w.b, part)
		n += len(part)
		if len(w.b) >= maxFrame || n == len(p) {
			if _, err := z.wr.Write(w.b); err != nil {
				return 0, err
			}
			w.b = w.b[:0]
		}
	}
	return len(p), nil
}

// appendFrame appends one frame, compressed if that makes it shorter.
func (z *compressor) appendFrame(b, part []byte) []byte {
	at := len(b)
	b = append(b, make([]byte, frameHeader)...)
	plain := 0
	if len(part) >= minCompress {
		b = z.codec.deflate(b, part)
		plain = len(part)
	}
	if plain == 0 || len(b)-at-frameHeader >= len(part) {
		b = append(b[:at+frameHeader], part...)
		plain = 0
	}
	putHeader(b[at:], len(b)-at-frameHeader, z.seq)
	b[at+4], b[at+5], b[at+6] = byte(plain), byte(plain>>8), byte(plain>>16)
	z.seq++
	return b
}

// insert puts the compressor between a framer and what it has used so far.
func (z *compressor) insert(f *framer) {
	z.in, z.wr = f.in, f.wr
	z.in.small = [4]byte{}
	f.in = inbuf{src: z}
	f.wr = z
	f.noSeq = true
	f.z = z
}

// compress puts the agreed compression between socket and packets, if any.
func (c *Conn) compress(zstdLevel uint8) error {
	switch {
	case c.caps&CapZstd != 0:
		(&compressor{codec: newZstdCodec(int(zstdLevel))}).insert(&c.f)
	case c.caps&CapCompress != 0:
		(&compressor{codec: zlibCodec{}}).insert(&c.f)
	}
	return nil
}

// zlibCodec is CapCompress. Its state (hundreds of KiB) is pooled and held only while a frame is worked on.
type zlibCodec struct{}

var (
	zlibWriters = sync.Pool{New: func() any { return zlib.NewWriter(io.Discard) }}
	zlibReaders sync.Pool
)

func (zlibCodec) deflate(dst, src []byte) []byte {
	w := zlibWriters.Get().(*zlib.Writer)
	defer zlibWriters.Put(w)
	out := bytes.NewBuffer(dst)
	w.Reset(out)
	// Writing to a bytes.Buffer cannot fail.
	_, _ = w.Write(src)
	_ = w.Close()
	return out.Bytes()
}

func (zlibCodec) inflater(src *frameSource) (inflater, error) {
	if r, ok := zlibReaders.Get().(*zlibInflater); ok {
		if err := r.rc.(zlib.Resetter).Reset(src, nil); err != nil {
			return nil, err
		}
		return r, nil
	}
	rc, err := zlib.NewReader(src)
	if err != nil {
		return nil, err
	}
	return &zlibInflater{rc: rc}, nil
}

type zlibInflater struct{ rc io.ReadCloser }

func (r *zlibInflater) Read(p []byte) (int, error) { return r.rc.Read(p) }
func (r *zlibInflater) free()                      { zlibReaders.Put(r) }

// zstdCodec is CapZstd at a level from 1 to 22.
type zstdCodec struct{ level zstd.EncoderLevel }

const (
	zstdDefaultLevel = 3
	zstdMaxLevel     = 22
	// zstdWindow bounds the memory that a client's frames can make us use.
	zstdWindow = 8 << 20
)

func newZstdCodec(level int) zstdCodec {
	if level < 1 || level > zstdMaxLevel {
		level = zstdDefaultLevel
	}
	return zstdCodec{level: zstd.EncoderLevelFromZstd(level)}
}

var (
	zstdEncoders [zstd.SpeedBestCompression + 1]sync.Pool
	zstdDecoders sync.Pool
)

func (z zstdCodec) deflate(dst, src []byte) []byte {
	pool := &zstdEncoders[z.level]
	enc, ok := pool.Get().(*zstd.Encoder)
	if !ok {
		var err error
		enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(z.level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxFrame))
		if err != nil {
			return append(dst, src...) // no shorter than src: the frame is sent as it is
		}
	}
	defer pool.Put(enc)
	return enc.EncodeAll(src, dst)
}

func (zstdCodec) inflater(src *frameSource) (inflater, error) {
	if r, ok := zstdDecoders.Get().(*zstdInflater); ok {
		if err := r.Reset(src); err != nil {
			return nil, err
		}
		return r, nil
	}
	d, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &zstdInflater{d}, nil
}

type zstdInflater struct{ *zstd.Decoder }

func (r *zstdInflater) free() { zstdDecoders.Put(r) }
