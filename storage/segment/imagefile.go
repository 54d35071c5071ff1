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
//	u32 CRC32C of what follows, u32 length of the data, u64 page, u64 LSN, u8 flags, 7 reserved
//
// The data is the page compressed with s2, which turns runs of zeros into a few bytes. Segment.mu guards all but f.
type imageFile struct {
	seq      uint32
	f        vfs.File
	size     int64
	synced   int64
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

// appendBlob appends the image of page no as of lsn to dst. p is nil for an absent page. tmp is
// scratch of s2.MaxEncodedLen(page.Size).
func appendBlob(dst []byte, no page.No, lsn page.LSN, p, tmp []byte) (out []byte, size uint32, flags uint8) {
	at := len(dst)
	dst = append(dst, make([]byte, blobHeader)...)
	switch {
	case p == nil:
		flags = flagAbsent
	default:
		c := s2.Encode(tmp, p)
		if len(c) >= page.Size {
			c, flags = p, flagRaw
		}
		dst = append(dst, c...)
	}
	b := dst[at:]
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-blobHeader))
	binary.LittleEndian.PutUint64(b[8:], uint64(no))
	binary.LittleEndian.PutUint64(b[16:], uint64(lsn))
	b[24] = flags
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[4:], page.Castagnoli))
	return dst, uint32(len(b)), flags
}

// blobInfo is a blob's header.
type blobInfo struct {
	no    page.No
	lsn   page.LSN
	flags uint8
	data  []byte
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
		flags: b[24], data: b[blobHeader:n]}
	return bi, n, nil
}

// decodeInto fills p with the page.
func (bi *blobInfo) decodeInto(p []byte) error {
	switch {
	case bi.flags&flagAbsent != 0:
		clear(p)
	case bi.flags&flagRaw != 0:
		if len(bi.data) != page.Size {
			return errDamaged
		}
		copy(p, bi.data)
	default:
		if n, err := s2.DecodedLen(bi.data); err != nil || n != page.Size {
			return errDamaged
		}
		if _, err := s2.Decode(p, bi.data); err != nil {
			return errDamaged
		}
	}
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
