package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/s2"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
)

// imageFile holds page images, each behind a header of blobHeader bytes:
//
//	u32 CRC32C of what follows, u32 length of the data, u64 page, u64 LSN, u8 flags, u8 reserved, u16 gap's offset, u16 gap's length, u16 reserved
//
// The data is the page without its longest run of zeros, the gap, compressed with s2. s2 would turn the run into a few bytes, too, but takes
// it apart a byte at a time: 50 us for a page that is half empty, twenty times what all the rest of a read from memory takes. Segment.mu guards all but f.
type imageFile struct {
	seq      uint32
	f        vfs.File
	size     int64
	synced   int64
	out      writeOut
	sealed   bool
	newName  bool
	min, max page.LSN
	entries  []entry // while open: the footer to be
	live     int     // index entries that point here
	liveSize int64
	refs     int
	dead     bool
}

const blobHeader = 32

func imageName(seq uint32) string { return fmt.Sprintf("img-%010d", seq) }

// appendBlob appends the image of page no as of lsn to dst. p is sealed, or nil for an absent page. tmp is
// scratch of s2.MaxEncodedLen(page.Size).
func appendBlob(dst []byte, no page.No, lsn page.LSN, p, tmp []byte) (out []byte, size uint32, flags uint8) {
	at, gapOff, gapLen := len(dst), 0, 0
	dst = append(dst, make([]byte, blobHeader)...)
	switch {
	case p == nil:
		flags = flagAbsent
	default:
		gapOff, gapLen = zeroGap(p)
		data := len(dst)
		dst = append(append(dst, p[:gapOff]...), p[gapOff+gapLen:]...)
		rest := dst[data:]
		flags = flagRaw
		if promising(rest, tmp) {
			if c := s2.Encode(tmp, rest); len(c) < len(rest)/rawShare*(rawShare-1) {
				dst, flags = append(dst[:data], c...), 0
			}
		}
	}
	b := dst[at:]
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-blobHeader))
	binary.LittleEndian.PutUint64(b[8:], uint64(no))
	binary.LittleEndian.PutUint64(b[16:], uint64(lsn))
	b[24] = flags
	binary.LittleEndian.PutUint16(b[26:], uint16(gapOff))
	binary.LittleEndian.PutUint16(b[28:], uint16(gapLen))
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[4:], page.Castagnoli))
	return dst, uint32(len(b)), flags
}

// rawShare: a page that would shrink by less than a quarter is not worth being taken apart at every read, which costs as much as
// all the rest of a read from memory (sysbench's digits shrink by an eighth).
const rawShare = 4

// promising looks at some of a page's bytes and reports whether all of them may shrink by a quarter. To find that they do not takes s2 ten times as long, and
// pages of digits, as sysbench's, do not. A sample shrinks by up to a tenth less than its page, for what repeats after more than its length is not repeated in
// it: so three quarters of the saving are enough.
func promising(b, tmp []byte) bool {
	if len(b) <= 2*sampleBytes {
		return true
	}
	at := (len(b) - sampleBytes) / 2 // rows, rather than what a page begins or ends with
	return len(s2.Encode(tmp, b[at:at+sampleBytes])) < sampleBytes/16*13
}

// sampleBytes is a handful of rows.
const sampleBytes = 2 << 10

// zeroGap is the longest run of zeros in a page, in words of 8 bytes.
func zeroGap(p []byte) (off, n int) {
	for i := 0; i+8 <= len(p); {
		if binary.LittleEndian.Uint64(p[i:]) != 0 {
			i += 8
			continue
		}
		j := i + 8
		for j+8 <= len(p) && binary.LittleEndian.Uint64(p[j:]) == 0 {
			j += 8
		}
		if j-i > n {
			off, n = i, j-i
		}
		i = j
	}
	return off, n
}

// blobInfo is a blob's header.
type blobInfo struct {
	no             page.No
	lsn            page.LSN
	flags          uint8
	gapOff, gapLen int // zeros that data does not have
	data           []byte
}

// parseBlob verifies the blob at the start of b. It is total.
func parseBlob(b []byte) (bi blobInfo, n int, err error) {
	if len(b) < blobHeader {
		return bi, 0, errDamaged
	}
	dl := binary.LittleEndian.Uint32(b[4:])
	if dl > page.Size || int(dl) > len(b)-blobHeader {
		return bi, 0, errDamaged
	}
	n = blobHeader + int(dl)
	if crc32.Checksum(b[4:n], page.Castagnoli) != binary.LittleEndian.Uint32(b) {
		return bi, 0, errDamaged
	}
	bi = blobInfo{no: page.No(binary.LittleEndian.Uint64(b[8:])), lsn: page.LSN(binary.LittleEndian.Uint64(b[16:])),
		flags: b[24], gapOff: int(binary.LittleEndian.Uint16(b[26:])), gapLen: int(binary.LittleEndian.Uint16(b[28:])), data: b[blobHeader:n]}
	return bi, n, nil
}

// decodeInto fills p with the page.
func (bi *blobInfo) decodeInto(p []byte) error {
	if bi.flags&flagAbsent != 0 {
		clear(p)
		return nil
	}
	n, behind := page.Size-bi.gapLen, bi.gapOff+bi.gapLen
	if behind > page.Size {
		return errDamaged
	}
	if bi.flags&flagRaw != 0 {
		if len(bi.data) != n {
			return errDamaged
		}
		copy(p, bi.data[:bi.gapOff])
		copy(p[behind:], bi.data[bi.gapOff:])
	} else {
		if k, err := s2.DecodedLen(bi.data); err != nil || k != n {
			return errDamaged
		}
		if _, err := s2.Decode(p[:n], bi.data); err != nil {
			return errDamaged
		}
		copy(p[behind:], p[bi.gapOff:n])
	}
	clear(p[bi.gapOff:behind])
	return nil
}

// scanBlobs calls fn for each image in [off, end) and returns where it stopped.
func scanBlobs(f vfs.File, off, end int64, fn func(off int64, bi *blobInfo, size int)) (int64, error) {
	buf := make([]byte, min(scanWindow+page.Size+blobHeader, max(end-off, 0)))
	for off < end {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), end-off)], off)
		if err != nil && err != io.EOF {
			return off, err
		}
		if n == 0 {
			return off, errDamaged
		}
		b := buf[:n]
		for len(b) > 0 {
			bi, k, err := parseBlob(b)
			if err != nil {
				if len(b) < n && off+int64(len(b)) < end {
					break // maybe it only continues beyond the window
				}
				return off, errDamaged
			}
			fn(off, &bi, k)
			off += int64(k)
			b = b[k:]
		}
	}
	return off, nil
}

// resyncBlob reports whether an image of the PG begins in (off, end).
func resyncBlob(f vfs.File, off, end int64, first page.No, pages uint32) bool {
	buf := make([]byte, scanWindow+page.Size+blobHeader)
	for off++; off < end; off += scanWindow {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), end-off)], off)
		if n == 0 || (err != nil && err != io.EOF) {
			return false
		}
		for i := 0; i < min(n-blobHeader, scanWindow); i++ {
			// Cheap looks before the checksum: a page of ours, a length that can be.
			if no := page.No(binary.LittleEndian.Uint64(buf[i+8:])); no-first >= page.No(pages) || binary.LittleEndian.Uint32(buf[i+4:]) > page.Size {
				continue
			}
			if _, _, err := parseBlob(buf[i:n]); err == nil {
				return true
			}
		}
	}
	return false
}

func (im *imageFile) note(e entry) {
	if len(im.entries) == 0 || e.lsn < im.min {
		im.min = e.lsn
	}
	im.max = max(im.max, e.lsn)
	im.entries = append(im.entries, e)
}

func sealImages(im *imageFile) error {
	return seal(im.f, &footer{entries: im.entries, min: im.min, max: im.max, dataEnd: im.size}, new(sealer))
}
