package page

import "encoding/binary"

// An op list is a sequence of ops, each
//
//	u16 little-endian: kind in the two highest bits, a page offset in the other fourteen
//	Set   uvarint n, n bytes             copy the bytes to offset
//	Move  uvarint src, uvarint n         copy n bytes from src to offset; ranges may overlap
//	Fill  uvarint n, byte b              set n bytes at offset to b
//	Init  u8 type, uvarint owner         zero the page, set type and owner; must come first, offset is 0
const (
	kindSet  = 0
	kindMove = 1
	kindFill = 2
	kindInit = 3

	offMask = 1<<14 - 1
)

// MaxSetOverhead bounds the bytes that AppendSet adds beside its data.
const MaxSetOverhead = 2 + 3

// AppendSet appends to dst an op that copies b to offset off.
// It panics on a range outside [OpsStart, Size): that is a bug of the engine, found inside an MTR.
func AppendSet(dst []byte, off int, b []byte) []byte {
	mustRange(off, len(b))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(kindSet<<14|off))
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// AppendMove appends an op that copies n bytes from src to dstOff, as copy does.
func AppendMove(dst []byte, dstOff, src, n int) []byte {
	mustRange(dstOff, n)
	mustRange(src, n)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(kindMove<<14|dstOff))
	dst = binary.AppendUvarint(dst, uint64(src))
	return binary.AppendUvarint(dst, uint64(n))
}

// AppendFill appends an op that sets n bytes at off to b.
func AppendFill(dst []byte, off, n int, b byte) []byte {
	mustRange(off, n)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(kindFill<<14|off))
	dst = binary.AppendUvarint(dst, uint64(n))
	return append(dst, b)
}

// AppendInit appends the op that begins a page's life: all zeros but type and owner.
func AppendInit(dst []byte, t Type, owner uint64) []byte {
	if t == Absent {
		panic("page: Init to Absent")
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(kindInit<<14))
	dst = append(dst, byte(t))
	return binary.AppendUvarint(dst, owner)
}

func mustRange(off, n int) {
	if off < OpsStart || n <= 0 || off+n > Size {
		panic("page: op outside the page's body")
	}
}

// StartsWithInit reports whether ops replace the page rather than change it: such a record needs
// no older version (a "will-init" record).
func StartsWithInit(ops []byte) bool {
	return len(ops) >= 2 && ops[1]>>6 == kindInit
}

// op is one decoded op. data aliases the input.
type op struct {
	kind     int
	off      int
	src, n   int
	fill     byte
	typ      Type
	owner    uint64
	data     []byte
	consumed int
}

// next decodes and validates the first op of b. ok is false when it is malformed or out of range.
func next(b []byte) (o op, ok bool) {
	if len(b) < 2 {
		return o, false
	}
	h := binary.LittleEndian.Uint16(b)
	o.kind, o.off = int(h>>14), int(h&offMask)
	pos := 2
	uv := func(limit uint64) int {
		v, n := binary.Uvarint(b[pos:])
		if n <= 0 || v > limit {
			ok = false
			return 0
		}
		pos += n
		return int(v)
	}
	ok = true
	switch o.kind {
	case kindSet:
		o.n = uv(Size)
		if !ok || !inBody(o.off, o.n) || len(b)-pos < o.n {
			return o, false
		}
		o.data = b[pos : pos+o.n]
		pos += o.n
	case kindMove:
		o.src = uv(Size)
		o.n = uv(Size)
		if !ok || !inBody(o.off, o.n) || !inBody(o.src, o.n) {
			return o, false
		}
	case kindFill:
		o.n = uv(Size)
		if !ok || !inBody(o.off, o.n) || len(b)-pos < 1 {
			return o, false
		}
		o.fill = b[pos]
		pos++
	case kindInit:
		if o.off != 0 || len(b)-pos < 1 || b[pos] == byte(Absent) {
			return o, false
		}
		o.typ = Type(b[pos])
		pos++
		v, n := binary.Uvarint(b[pos:])
		if n <= 0 {
			return o, false
		}
		o.owner = v
		pos += n
	}
	o.consumed = pos
	return o, true
}

func inBody(off, n int) bool { return off >= OpsStart && n > 0 && off+n <= Size }

// CheckOps reports whether ops are well formed: every op in range, Init only in front, not empty.
func CheckOps(ops []byte) error {
	if len(ops) == 0 {
		return ErrBadOps
	}
	for first := true; len(ops) > 0; first = false {
		o, ok := next(ops)
		if !ok || (o.kind == kindInit && !first) {
			return ErrBadOps
		}
		ops = ops[o.consumed:]
	}
	return nil
}

// applyChecked runs ops that CheckOps accepted.
func applyChecked(p, ops []byte) {
	for len(ops) > 0 {
		o, ok := next(ops)
		if !ok {
			return
		}
		o.run(p)
		ops = ops[o.consumed:]
	}
}

func (o *op) run(p []byte) {
	switch o.kind {
	case kindSet:
		copy(p[o.off:], o.data)
	case kindMove:
		copy(p[o.off:o.off+o.n], p[o.src:o.src+o.n])
	case kindFill:
		f := p[o.off : o.off+o.n]
		for i := range f {
			f[i] = o.fill
		}
	case kindInit:
		clear(p[OpsStart:Size])
		p[OffType] = byte(o.typ)
		binary.LittleEndian.PutUint64(p[OffOwner:], o.owner)
	}
}

// ApplyOps runs the ops that an MTR has just appended to its record on the page it holds latched,
// without stamping an LSN: the MTR does that for all its pages when it is appended to the log. It
// panics on malformed ops: the caller built them with the Append functions above.
func ApplyOps(p, ops []byte) {
	if err := CheckOps(ops); err != nil {
		panic(err)
	}
	applyChecked(p, ops)
}

// AppendImage appends ops that recreate p whole: an Init and a Set for each stretch that is not zero.
// An MTR logs it in place of a page's ops once those are longer, and when it reorganises a page.
func AppendImage(dst, p []byte) []byte {
	dst = AppendInit(dst, GetType(p), GetOwner(p))
	const gap = 8 // zeros shorter than this are cheaper to copy than to skip
	for i := HeaderSize; i < Size; {
		if p[i] == 0 {
			i++
			continue
		}
		start, end := i, i+1
		for i = end; i < Size && i-end < gap; i++ {
			if p[i] != 0 {
				end = i + 1
			}
		}
		dst = AppendSet(dst, start, p[start:end])
		i = end
	}
	return dst
}
