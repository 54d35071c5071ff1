package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// errMalformed means that a payload is not the message that its frame's type says.
var errMalformed = errors.New("malformed message")

// coder encodes to or decodes from b, little-endian. Each message is described once, by a function
// that is run in either direction, so the two cannot disagree. Decoding checks every length against
// the bytes that are there before anything is allocated; after the first error all else is a no-op.
type coder struct {
	b   []byte // encoding: what was written; decoding: what is left
	dec bool
	err error
}

func (c *coder) fail(what string) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %w", what, errMalformed)
	}
}

// take returns the next n bytes while decoding, nil after an error.
func (c *coder) take(n int) []byte {
	if c.err != nil || n < 0 || n > len(c.b) {
		c.fail("cut short")
		return nil
	}
	p := c.b[:n]
	c.b = c.b[n:]
	return p
}

// end fails unless everything was decoded.
func (c *coder) end() error {
	if c.err == nil && len(c.b) > 0 {
		c.fail("trailing bytes")
	}
	return c.err
}

func u8[T ~uint8](c *coder, p *T) {
	if !c.dec {
		c.b = append(c.b, uint8(*p))
	} else if b := c.take(1); b != nil {
		*p = T(b[0])
	}
}

func u32[T ~uint32](c *coder, p *T) {
	if !c.dec {
		c.b = binary.LittleEndian.AppendUint32(c.b, uint32(*p))
	} else if b := c.take(4); b != nil {
		*p = T(binary.LittleEndian.Uint32(b))
	}
}

func u64[T ~uint64](c *coder, p *T) {
	if !c.dec {
		c.b = binary.LittleEndian.AppendUint64(c.b, uint64(*p))
	} else if b := c.take(8); b != nil {
		*p = T(binary.LittleEndian.Uint64(b))
	}
}

func u64s[T ~uint64](c *coder, ps ...*T) {
	for _, p := range ps {
		u64(c, p)
	}
}

func (c *coder) uvarint(p *uint64) {
	if !c.dec {
		c.b = binary.AppendUvarint(c.b, *p)
		return
	}
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.fail("varint")
		return
	}
	*p = v
	c.take(n)
}

func (c *coder) bool(p *bool) {
	var v uint8
	if *p {
		v = 1
	}
	u8(c, &v)
	if v > 1 {
		c.fail("boolean")
	}
	*p = v == 1
}

func (c *coder) float(p *float64) {
	v := math.Float64bits(*p)
	u64(c, &v)
	*p = math.Float64frombits(v)
}

func (c *coder) time(p *time.Time) {
	v := uint64(p.UnixNano())
	u64(c, &v)
	if c.dec {
		*p = time.Unix(0, int64(v))
	}
}

const maxString = 255

func str[T ~string](c *coder, p *T) {
	if !c.dec {
		if len(*p) > maxString {
			c.fail("string too long")
			return
		}
		c.b = append(append(c.b, uint8(len(*p))), *p...)
	} else if n := c.take(1); n != nil {
		*p = T(c.take(int(n[0])))
	}
}

// bytes codes a length and as many bytes. Decoded, they alias the payload.
func (c *coder) bytes(p *[]byte) {
	n := uint32(len(*p))
	u32(c, &n)
	if !c.dec {
		c.b = append(c.b, *p...)
	} else {
		*p = c.take(int(n))
	}
}

// list codes a count and as many elements of at least minSize encoded bytes each. Decoding reuses the slice.
func list[T any](c *coder, p *[]T, minSize int, each func(*coder, *T)) {
	n := uint32(len(*p))
	u32(c, &n)
	if c.dec {
		*p = (*p)[:0]
		if c.err != nil || int(n) > len(c.b)/minSize {
			c.fail("list")
			return
		}
		*p = slices.Grow(*p, int(n))[:n]
	}
	for i := range *p {
		each(c, &(*p)[i])
	}
}

func (c *coder) volume(p *proto.VolumeID) {
	if !c.dec {
		c.b = append(c.b, p[:]...)
	} else if b := c.take(len(p)); b != nil {
		copy(p[:], b)
	}
}

// sender codes what most requests begin with: of which volume, in which timeline, under which epoch.
func (c *coder) sender(v *proto.VolumeID, timeline *uint32, epoch *uint64) {
	c.volume(v)
	u32(c, timeline)
	u64(c, epoch)
}

func (c *coder) int(p *int) {
	v := uint32(*p)
	u32(c, &v)
	if v > math.MaxInt32 {
		c.fail("integer")
	}
	*p = int(v)
}

func (c *coder) member(m *proto.Member) {
	str(c, &m.Node)
	str(c, &m.AZ)
	u8(c, &m.Kind)
	u64(c, &m.Incarnation)
}

func (c *coder) membership(m *proto.Membership) {
	u64(c, &m.Epoch)
	c.int(&m.Quorum.WriteAny)
	c.int(&m.Quorum.WriteFull)
	c.int(&m.Quorum.ReadAny)
	c.int(&m.Quorum.ReadFull)
	list(c, &m.Members, 11, (*coder).member)
}

func (c *coder) interval(iv *proto.Interval) {
	u32(c, &iv.Timeline)
	u64(c, &iv.From)
	u64(c, &iv.To)
}

func (c *coder) history(h *proto.History) {
	u64(c, &h.Version)
	list(c, &h.Intervals, 20, (*coder).interval)
}

// chain codes the volume-chain entries of a sample as deltas: a crashed writer leaves many.
func (c *coder) chain(p *[]proto.ChainLSN) {
	var at page.LSN
	list(c, p, 5, func(c *coder, e *proto.ChainLSN) {
		up, back, backPG := uint64(e.LSN-at), delta(e.LSN, e.PrevVolume), delta(e.LSN, e.PrevPG)
		c.uvarint(&up)
		c.uvarint(&back)
		c.uvarint(&backPG)
		c.uvarint(&e.Epoch)
		c.bool(&e.CPL)
		if c.dec {
			e.LSN = at + page.LSN(up)
			e.PrevVolume, e.PrevPG = undelta(e.LSN, back), undelta(e.LSN, backPG)
			if e.LSN < at || e.PrevVolume > e.LSN || e.PrevPG > e.LSN {
				c.fail("chain")
			}
		}
		at = e.LSN
	})
}

func delta(lsn, prev page.LSN) uint64 {
	if prev == 0 {
		return 0
	}
	return uint64(lsn - prev)
}

func undelta(lsn page.LSN, d uint64) page.LSN {
	if d == 0 {
		return 0
	}
	return lsn - page.LSN(d)
}
