package segment

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/storage/page"
)

// lines is what the footer of an open log file will say of its records, in the order of the file: about six bytes a record, so that sealing need
// not read 32 MiB back. All files of a node together keep at most maxLines bytes; a file for which there is no more room, or whose records
// do not lie back to back, keeps none and is read back when it is sealed.
//
//	varint page - previous page, varint LSN - previous LSN, uvarint length, u8 flags, and with FreeRange uvarint pages
type lines struct {
	chunks [][]byte
	gauge  *atomic.Int64 // bytes of chunks of the node; nil: none are kept
	prev   entry
	first  uint32 // offset of the first record
	n      int
}

const (
	linesChunk = 64 << 10
	maxLine    = 4*binary.MaxVarintLen64 + 1
	maxLines   = 64 << 20
)

var lineChunks = sync.Pool{New: func() any { return new([linesChunk]byte) }}

// add appends the line of e, which lies right behind the one before.
func (ls *lines) add(e *entry) {
	if ls.gauge == nil {
		return
	}
	if ls.n == 0 {
		ls.first = e.off
		ls.prev = entry{off: e.off}
	}
	if e.off != ls.prev.off+ls.prev.size {
		ls.drop()
		return
	}
	k := len(ls.chunks) - 1
	if k < 0 || cap(ls.chunks[k])-len(ls.chunks[k]) < maxLine {
		if ls.gauge.Add(linesChunk) > maxLines {
			ls.gauge.Add(-linesChunk)
			ls.drop()
			return
		}
		ls.chunks = append(ls.chunks, lineChunks.Get().(*[linesChunk]byte)[:0])
		k++
	}
	b := binary.AppendVarint(ls.chunks[k], int64(e.page)-int64(ls.prev.page))
	b = binary.AppendVarint(b, int64(e.lsn-ls.prev.lsn))
	b = binary.AppendUvarint(b, uint64(e.size))
	b = append(b, e.flags)
	if e.flags&flagFree != 0 {
		b = binary.AppendUvarint(b, uint64(e.free))
	}
	ls.chunks[k] = b
	ls.prev = *e
	ls.n++
}

// drop forgets the lines for good.
func (ls *lines) drop() {
	for _, c := range ls.chunks {
		lineChunks.Put((*[linesChunk]byte)(c[:linesChunk]))
	}
	if ls.gauge != nil {
		ls.gauge.Add(-int64(len(ls.chunks)) * linesChunk)
	}
	*ls = lines{}
}

// entries appends what the lines say to dst; false when none are kept.
func (ls *lines) entries(dst *[]entry) bool {
	if ls.gauge == nil {
		return false
	}
	e := entry{off: ls.first}
	for _, b := range ls.chunks {
		for len(b) > 0 {
			v, k := binary.Varint(b)
			e.page += uint32(v)
			b = b[k:]
			v, k = binary.Varint(b)
			e.lsn += page.LSN(v)
			b = b[k:]
			u, k := binary.Uvarint(b)
			e.off += e.size
			e.size, e.flags, e.free = uint32(u), b[k], 0
			b = b[k+1:]
			if e.flags&flagFree != 0 {
				u, k = binary.Uvarint(b)
				e.free = uint32(u)
				b = b[k:]
			}
			*dst = append(*dst, e)
		}
	}
	return true
}

// sealer is the scratch of writing a footer: some 20 MiB for a log file of small records, which a node needs now and then.
type sealer struct {
	entries, sorted []entry
	body            []byte
}

var sealers = sync.Pool{New: func() any { return new(sealer) }}
