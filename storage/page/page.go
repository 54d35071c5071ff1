// Package page owns the 16 KiB page: its header, its checksum and the byte operations that change it.
//
// Invariants:
//   - Apply is total: for any page and any op bytes it either changes the page as the ops say or
//     returns an error and leaves every byte as it was. It never panics and never allocates.
//   - Apply is the only code that changes a page, on the engine's side and on the storage node's,
//     so both reach the same bytes from the same log.
//   - Ops may not touch bytes [0, OpsStart): checksum, LSN and page number belong to this package.
//
// The byte diagram is in docs/format/page.md; the records that carry ops are in storage/redo.
package page

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Size is the size of a page in bytes.
const Size = 16 << 10

// LSN is a log sequence number: the number of a redo record in its volume's timeline, from 1.
// LSNs only grow; a crash truncation leaves gaps. 0 means "none".
type LSN uint64

// No is a page's number in its volume, from 0. Page number / pages per protection group is the
// protection group. A 64 TiB volume has 2^32 pages.
type No uint64

// MaxNo bounds page numbers (1 PiB), so that arithmetic on them cannot overflow.
const MaxNo No = 1<<36 - 1

// Type says who interprets a page's payload. Storage knows only Absent.
type Type uint8

// Absent is the type of a page that was never initialised or was freed: all its bytes are zero.
const Absent Type = 0

// Header layout, little-endian. Payload starts at HeaderSize; ops may write from OpsStart, so that
// the type and owner can be changed by an op too.
const (
	offCRC   = 0  // u32 CRC32C of bytes [4, Size), valid only on disk and on the wire
	offLSN   = 4  // u64 LSN of the last record applied
	offNo    = 12 // u64 page number
	OpsStart = 20 // first byte that an op may touch
	OffType  = 20 // u8 Type
	OffOwner = 24 // u64 owner (a tree's id), 21..23 are reserved and zero

	// HeaderSize is where a page's payload begins.
	HeaderSize = 32
	// PayloadSize is the number of bytes an owner can use.
	PayloadSize = Size - HeaderSize
)

// Castagnoli is the polynomial of every checksum in Zorya.
var Castagnoli = crc32.MakeTable(crc32.Castagnoli)

// GetLSN returns the LSN of the last record that was applied to p.
func GetLSN(p []byte) LSN { return LSN(binary.LittleEndian.Uint64(p[offLSN:])) }

// GetNo returns the page number in p's header; 0 also on an absent page.
func GetNo(p []byte) No { return No(binary.LittleEndian.Uint64(p[offNo:])) }

// GetType returns p's type.
func GetType(p []byte) Type { return Type(p[OffType]) }

// GetOwner returns p's owner.
func GetOwner(p []byte) uint64 { return binary.LittleEndian.Uint64(p[OffOwner:]) }

// Seal writes p's checksum. Call it on the copy that goes to disk or to the wire.
func Seal(p []byte) {
	binary.LittleEndian.PutUint32(p[offCRC:], crc32.Checksum(p[4:Size], Castagnoli))
}

// Verify reports whether p's checksum holds. A page of zeros (absent) verifies too.
func Verify(p []byte) bool {
	if len(p) != Size {
		return false
	}
	want := binary.LittleEndian.Uint32(p[offCRC:])
	if want == 0 && GetLSN(p) == 0 {
		return isZero(p)
	}
	return crc32.Checksum(p[4:Size], Castagnoli) == want
}

func isZero(p []byte) bool {
	for len(p) >= 8 {
		if binary.LittleEndian.Uint64(p) != 0 {
			return false
		}
		p = p[8:]
	}
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}

// Stamp sets p's LSN and number after its ops were applied. Only the two appliers of records call
// it: the engine when it appends an MTR, and Apply below.
func Stamp(p []byte, no No, lsn LSN) {
	binary.LittleEndian.PutUint64(p[offLSN:], uint64(lsn))
	binary.LittleEndian.PutUint64(p[offNo:], uint64(no))
}

// Errors of Apply. They are wrapped with the page and the LSNs.
var (
	ErrWrongChain = errors.New("record does not follow the page's LSN")
	ErrWrongPage  = errors.New("record belongs to another page")
	ErrBadOps     = errors.New("malformed page ops")
)

// Apply brings p (of Size bytes) from prev to lsn by ops. It requires that p's LSN is prev, unless
// the ops begin with Init, which needs nothing of what was there. On an error p is unchanged.
func Apply(p []byte, no No, prev, lsn LSN, ops []byte) error {
	if len(p) != Size {
		return fmt.Errorf("apply to page %d: %d bytes: %w", no, len(p), ErrWrongPage)
	}
	init := StartsWithInit(ops)
	if !init {
		if GetLSN(p) != prev || prev == 0 {
			return fmt.Errorf("apply LSN %d to page %d: page is at %d, record follows %d: %w", lsn, no, GetLSN(p), prev, ErrWrongChain)
		}
		if GetNo(p) != no {
			return fmt.Errorf("apply LSN %d to page %d: header says %d: %w", lsn, no, GetNo(p), ErrWrongPage)
		}
	}
	if lsn <= prev {
		return fmt.Errorf("apply LSN %d to page %d: not above previous %d: %w", lsn, no, prev, ErrWrongChain)
	}
	if err := CheckOps(ops); err != nil {
		return fmt.Errorf("apply LSN %d to page %d: %w", lsn, no, err)
	}
	applyChecked(p, ops)
	Stamp(p, no, lsn)
	return nil
}
