package segment

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Log files and image files share header, footer and trailer (docs/format/segment-log.md).
const (
	fileHeader  = 128
	fileTrailer = 64
	fileFormat  = 1

	logMagic   = 0x474f4c5a // "ZLOG"
	imageMagic = 0x474d495a // "ZIMG"
	endMagic   = 0x444e455a // "ZEND"
)

// entry is one line of a footer: where a record or an image lies.
type entry struct {
	page  uint32 // relative to the PG's first page
	lsn   page.LSN
	off   uint32
	size  uint32
	flags uint8
	free  uint32 // pages of a FreeRange record
}

// Flags of entries, on disk and in the index.
const (
	flagInit   = 1 << 0 // a record that begins with Init
	flagFree   = 1 << 1 // a FreeRange record
	flagAbsent = 1 << 2 // an image: the page does not exist as of its LSN
	flagRaw    = 1 << 3 // an image that hardly compresses
)

// mark is a point in a log file: no record before off has an LSN above max.
type mark struct {
	off uint32
	max page.LSN
}

const markEvery = 64 << 10

// footer is what a sealed file says about itself.
type footer struct {
	entries  []entry // sorted by (page, lsn)
	marks    []mark
	min, max page.LSN
	dataEnd  int64
}

// within reports whether an entry begins in [from, to).
func (ft *footer) within(from, to int64) bool {
	for i := range ft.entries {
		if off := int64(ft.entries[i].off); off >= from && off < to {
			return true
		}
	}
	return false
}

// writeHeader stamps a new file. Bytes 48 to 79 are reserved for encryption at rest: key id and nonce.
func writeHeader(f vfs.File, magic uint32, st *State, seq uint32) error {
	b := make([]byte, fileHeader)
	binary.LittleEndian.PutUint32(b, magic)
	binary.LittleEndian.PutUint32(b[8:], fileFormat)
	binary.LittleEndian.PutUint32(b[12:], seq)
	copy(b[16:], st.Volume[:])
	binary.LittleEndian.PutUint32(b[32:], uint32(st.PG))
	binary.LittleEndian.PutUint64(b[40:], st.Self.Incarnation)
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], page.Castagnoli))
	_, err := f.WriteAt(b, 0)
	return err
}

// checkHeader returns ErrNewerFormat, errDamaged or nil. A file of another life of the segment is damaged too.
func checkHeader(f vfs.File, magic uint32, st *State) error {
	b := make([]byte, fileHeader)
	if _, err := f.ReadAt(b, 0); err != nil {
		if err == io.EOF {
			return errDamaged
		}
		return err
	}
	if binary.LittleEndian.Uint32(b) != magic || crc32.Checksum(b[8:], page.Castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return errDamaged
	}
	if binary.LittleEndian.Uint32(b[8:]) > fileFormat {
		return fmt.Errorf("%s: %w", f.Name(), ErrNewerFormat)
	}
	if proto.VolumeID(b[16:32]) != st.Volume || binary.LittleEndian.Uint32(b[32:]) != uint32(st.PG) ||
		binary.LittleEndian.Uint64(b[40:]) != st.Self.Incarnation {
		return errDamaged
	}
	return nil
}

// sort orders the entries by (page, LSN). They come in the order of the file, which is nearly that of LSNs: so they are dealt out by page,
// digit by digit, which keeps their order, and only what then is out of order within a page is sorted by comparing.
func (ft *footer) sort(w *sealer) {
	from, to := ft.entries, slices.Grow(w.sorted[:0], len(ft.entries))[:len(ft.entries)]
	top := uint32(0)
	for i := range from {
		top = max(top, from[i].page)
	}
	const digit = 11
	var count [1 << digit]uint32
	for shift := 0; shift < 32 && top>>shift != 0; shift += digit {
		clear(count[:])
		for i := range from {
			count[from[i].page>>shift&(1<<digit-1)]++
		}
		sum := uint32(0)
		for d := range count {
			count[d], sum = sum, sum+count[d]
		}
		for i := range from {
			d := from[i].page >> shift & (1<<digit - 1)
			to[count[d]] = from[i]
			count[d]++
		}
		from, to = to, from
	}
	late := false
	for i := 1; i < len(from) && !late; i++ {
		late = from[i-1].page == from[i].page && from[i-1].lsn > from[i].lsn
	}
	if late { // gossip filled a hole
		slices.SortFunc(from, func(a, b entry) int { return cmp.Or(cmp.Compare(a.page, b.page), cmp.Compare(a.lsn, b.lsn)) })
	}
	ft.entries, w.sorted = from, to
}

func encodeFooter(ft *footer, w *sealer) []byte {
	ft.sort(w)
	es := ft.entries
	b := binary.AppendUvarint(slices.Grow(w.body[:0], 12*len(es)+16+fileTrailer), uint64(len(es)))
	var prev entry
	for i, e := range es {
		b = binary.AppendUvarint(b, uint64(e.page-prev.page))
		if i > 0 && e.page == prev.page {
			b = binary.AppendUvarint(b, uint64(e.lsn-prev.lsn))
		} else {
			b = binary.AppendUvarint(b, uint64(e.lsn-ft.min))
		}
		b = binary.AppendUvarint(b, uint64(e.off))
		b = binary.AppendUvarint(b, uint64(e.size))
		b = append(b, e.flags)
		if e.flags&flagFree != 0 {
			b = binary.AppendUvarint(b, uint64(e.free))
		}
		prev = e
	}
	b = binary.AppendUvarint(b, uint64(len(ft.marks)))
	var pm mark
	for _, m := range ft.marks {
		b = binary.AppendUvarint(b, uint64(m.off-pm.off))
		b = binary.AppendUvarint(b, uint64(m.max-pm.max))
		pm = m
	}
	w.body = b
	return b
}

// decodeFooter is total: any bytes give a footer or errDamaged, and allocate in proportion to their length.
func decodeFooter(b []byte, lo page.LSN) (ft footer, err error) {
	bad := false
	uv := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			bad = true
			return 0
		}
		b = b[n:]
		return v
	}
	u32 := func() uint32 {
		v := uv()
		if v > 1<<32-1 {
			bad = true
		}
		return uint32(v)
	}
	n := uv()
	if bad || n > uint64(len(b))/5 {
		return ft, errDamaged
	}
	ft.min = lo
	ft.entries = make([]entry, 0, n)
	var prev entry
	for i := uint64(0); i < n && !bad; i++ {
		var e entry
		d := u32()
		e.page = prev.page + d
		if l := page.LSN(uv()); i > 0 && d == 0 {
			e.lsn = prev.lsn + l
		} else {
			e.lsn = lo + l
		}
		e.off, e.size = u32(), u32()
		if bad || len(b) == 0 {
			return ft, errDamaged
		}
		e.flags, b = b[0], b[1:]
		if e.flags&flagFree != 0 {
			e.free = u32()
		}
		ft.max = max(ft.max, e.lsn)
		ft.entries = append(ft.entries, e)
		prev = e
	}
	m := uv()
	if bad || m > uint64(len(b))/2 {
		return ft, errDamaged
	}
	var pm mark
	for i := uint64(0); i < m && !bad; i++ {
		pm.off += u32()
		pm.max += page.LSN(uv())
		ft.marks = append(ft.marks, pm)
	}
	if bad || len(b) != 0 {
		return ft, errDamaged
	}
	return ft, nil
}

// seal writes footer and trailer after the data and makes the whole file durable. The data is durable first: a valid trailer
// vouches for all that lies before it.
func seal(f vfs.File, ft *footer, w *sealer) error {
	if err := f.Sync(); err != nil {
		return err
	}
	body := encodeFooter(ft, w)
	t := make([]byte, fileTrailer)
	binary.LittleEndian.PutUint32(t, endMagic)
	binary.LittleEndian.PutUint64(t[8:], uint64(ft.dataEnd))
	binary.LittleEndian.PutUint32(t[16:], uint32(len(body)))
	binary.LittleEndian.PutUint32(t[20:], crc32.Checksum(body, page.Castagnoli))
	binary.LittleEndian.PutUint64(t[24:], uint64(ft.min))
	binary.LittleEndian.PutUint64(t[32:], uint64(ft.max))
	binary.LittleEndian.PutUint64(t[40:], uint64(len(ft.entries)))
	binary.LittleEndian.PutUint32(t[4:], crc32.Checksum(t[8:], page.Castagnoli))
	w.body = append(body, t...)
	if _, err := f.WriteAt(w.body, ft.dataEnd); err != nil {
		return err
	}
	if err := f.Truncate(ft.dataEnd + int64(len(body)+fileTrailer)); err != nil { // a footer that is written again may be shorter
		return err
	}
	return f.Sync()
}

// footerBytes reads and verifies a sealed file's trailer t and the footer's encoded body; errDamaged means that the file has
// none, or a damaged one. The data ends at end.
func footerBytes(f vfs.File) (t, body []byte, end int64, err error) {
	size, err := f.Size()
	if err != nil {
		return nil, nil, 0, err
	}
	if size < fileHeader+fileTrailer {
		return nil, nil, 0, errDamaged
	}
	t = make([]byte, fileTrailer)
	if _, err := f.ReadAt(t, size-fileTrailer); err != nil {
		return nil, nil, 0, err
	}
	if binary.LittleEndian.Uint32(t) != endMagic || crc32.Checksum(t[8:], page.Castagnoli) != binary.LittleEndian.Uint32(t[4:]) {
		return nil, nil, 0, errDamaged
	}
	end, n := int64(binary.LittleEndian.Uint64(t[8:])), int64(binary.LittleEndian.Uint32(t[16:]))
	if end < fileHeader || end+n+fileTrailer != size {
		return nil, nil, 0, errDamaged
	}
	body = make([]byte, n)
	if _, err := f.ReadAt(body, end); err != nil && err != io.EOF {
		return nil, nil, 0, err
	}
	if crc32.Checksum(body, page.Castagnoli) != binary.LittleEndian.Uint32(t[20:]) {
		return nil, nil, 0, errDamaged
	}
	return t, body, end, nil
}

// dataEnd is where the data of a file ends by its trailer, 0 if that is damaged.
func dataEnd(f vfs.File) int64 {
	size, err := f.Size()
	if err != nil || size < fileHeader+fileTrailer {
		return 0
	}
	t := make([]byte, fileTrailer)
	if _, err := f.ReadAt(t, size-fileTrailer); err != nil || binary.LittleEndian.Uint32(t) != endMagic ||
		crc32.Checksum(t[8:], page.Castagnoli) != binary.LittleEndian.Uint32(t[4:]) {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(t[8:]))
}

// readFooter reads a sealed file's footer; errDamaged means that it has none, or a damaged one.
func readFooter(f vfs.File) (ft footer, err error) {
	t, body, end, err := footerBytes(f)
	if err != nil {
		return ft, err
	}
	ft, err = decodeFooter(body, page.LSN(binary.LittleEndian.Uint64(t[24:])))
	ft.dataEnd = end
	ft.max = max(ft.max, page.LSN(binary.LittleEndian.Uint64(t[32:])))
	return ft, err
}
