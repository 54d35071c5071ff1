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

// op is one decoded op.
type op struct {
	kind   int
	off, n int
	arg    int // Move: where from; Set and Fill: where their bytes begin in the list; Init: the type
	owner  uint64
}

// number decodes an offset or a length at pos of b; next is negative when there is none.
func number(b []byte, pos int) (v, next int) {
	if pos < len(b) && b[pos] < 0x80 {
		return int(b[pos]), pos + 1
	}
	x, n := binary.Uvarint(b[pos:])
	if n <= 0 || x > Size {
		return 0, -1
	}
	return int(x), pos + n
}

// next decodes and validates the op at pos of b into o. It returns where the one behind it begins, negative when it is
// malformed or out of range. Every record is decoded twice on each full member, so it copies and allocates nothing.
func (o *op) next(b []byte, pos int) int {
	if len(b)-pos < 2 {
		return -1
	}
	h := binary.LittleEndian.Uint16(b[pos:])
	o.kind, o.off = int(h>>14), int(h&offMask)
	pos += 2
	switch o.kind {
	case kindSet:
		if o.n, pos = number(b, pos); pos < 0 || !inBody(o.off, o.n) || len(b)-pos < o.n {
			return -1
		}
		o.arg = pos
		return pos + o.n
	case kindMove:
		if o.arg, pos = number(b, pos); pos < 0 {
			return -1
		}
		if o.n, pos = number(b, pos); pos < 0 || !inBody(o.off, o.n) || !inBody(o.arg, o.n) {
			return -1
		}
		return pos
	case kindFill:
		if o.n, pos = number(b, pos); pos < 0 || !inBody(o.off, o.n) || len(b)-pos < 1 {
			return -1
		}
		o.arg = pos
		return pos + 1
	default: // kindInit
		if o.off != 0 || len(b)-pos < 1 || b[pos] == byte(Absent) {
			return -1
		}
		o.arg = int(b[pos])
		pos++
		v, n := binary.Uvarint(b[pos:])
		if n <= 0 {
			return -1
		}
		o.owner = v
		return pos + n
	}
}

func inBody(off, n int) bool { return off >= OpsStart && n > 0 && off+n <= Size }

// CheckOps reports whether ops are well formed: every op in range, Init only in front, not empty.
func CheckOps(ops []byte) error {
	if len(ops) == 0 {
		return ErrBadOps
	}
	var o op
	for pos := 0; pos < len(ops); {
		first := pos == 0
		if pos = o.next(ops, pos); pos < 0 || (o.kind == kindInit && !first) {
			return ErrBadOps
		}
	}
	return nil
}

// applyChecked runs ops that CheckOps accepted.
func applyChecked(p, ops []byte) {
	var o op
	for pos := 0; pos < len(ops); {
		if pos = o.next(ops, pos); pos < 0 {
			return
		}
		o.run(p, ops)
	}
}

// run applies o, decoded from ops.
func (o *op) run(p, ops []byte) {
	switch o.kind {
	case kindSet:
		copy(p[o.off:], ops[o.arg:o.arg+o.n])
	case kindMove:
		copy(p[o.off:o.off+o.n], p[o.arg:o.arg+o.n])
	case kindFill:
		f, c := p[o.off:o.off+o.n], ops[o.arg]
		for i := range f {
			f[i] = c
		}
	case kindInit:
		clear(p[OpsStart:Size])
		p[OffType] = byte(o.arg)
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
