package segment

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
)

// The superblock is a file of two slots, each
//
//	u32 magic, u32 CRC32C of what follows, u32 length, u32 format, u64 generation, JSON
//
// A write syncs the one and then the other, so that a torn write leaves the older, and rot in one never
// brings an older promise back: the valid slot of the highest generation counts. JSON, because it is written seldom and must be
// readable by tools that rebuild the cluster's metadata from it (docs/format/superblock.md).
const (
	superName   = "super"
	superMagic  = 0x5a53_5542 // "ZSUB"
	superFormat = 1
	superSlot   = 256 << 10
	superHeader = 24
)

// ErrNewerFormat means that the files were written by a newer version of the software.
var ErrNewerFormat = errors.New("written in a newer format than this version knows")

// superblock is what is written: the protocol's state, and where the segment's own log was synced to.
type superblock struct {
	State
	LogFile   uint32 // log files before this one were durable as a whole ...
	LogSynced int64  // ... and this much of it: damage below is no torn tail
	// The same of image files: what lies below may have been relied upon when older files were dropped.
	ImageFile   uint32
	ImageSynced int64
}

func encodeSuper(sb *superblock, gen uint64) ([]byte, error) {
	body, err := json.Marshal(sb)
	if err != nil {
		return nil, err
	}
	if len(body) > superSlot-superHeader {
		return nil, fmt.Errorf("superblock of %d bytes does not fit its slot of %d", len(body), superSlot)
	}
	b := make([]byte, superHeader, superHeader+len(body))
	binary.LittleEndian.PutUint32(b, superMagic)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(body)))
	binary.LittleEndian.PutUint32(b[12:], superFormat)
	binary.LittleEndian.PutUint64(b[16:], gen)
	b = append(b, body...)
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], page.Castagnoli))
	return b, nil
}

func decodeSuper(b []byte, sb *superblock) (gen uint64, err error) {
	if len(b) < superHeader || binary.LittleEndian.Uint32(b) != superMagic {
		return 0, errDamaged
	}
	n := int(binary.LittleEndian.Uint32(b[8:]))
	if n > len(b)-superHeader {
		return 0, errDamaged
	}
	b = b[:superHeader+n]
	if crc32.Checksum(b[8:], page.Castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return 0, errDamaged
	}
	if binary.LittleEndian.Uint32(b[12:]) > superFormat {
		return 0, ErrNewerFormat
	}
	*sb = superblock{}
	if err := json.Unmarshal(b[superHeader:], sb); err != nil {
		return 0, errDamaged
	}
	return binary.LittleEndian.Uint64(b[16:]), nil
}

// errDamaged is the internal mark of a block whose checksum or form is wrong.
var errDamaged = errors.New("damaged block")

// writeSuper writes generation gen durably, to one slot after the other.
func writeSuper(f vfs.File, sb *superblock, gen uint64) error {
	b, err := encodeSuper(sb, gen)
	if err != nil {
		return err
	}
	for slot := int64(0); slot < 2; slot++ {
		if _, err := f.WriteAt(b, slot*superSlot); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// readSuper returns the newest valid superblock, and whether both slots hold it. A segment with neither valid is unusable.
func readSuper(f vfs.File) (sb superblock, gen uint64, both bool, err error) {
	err = errDamaged
	for slot := int64(0); slot < 2; slot++ {
		b := make([]byte, superSlot)
		n, rerr := f.ReadAt(b, slot*superSlot)
		if rerr != nil && rerr != io.EOF {
			return sb, 0, false, rerr
		}
		var one superblock
		g, derr := decodeSuper(b[:n], &one)
		switch {
		case errors.Is(derr, ErrNewerFormat):
			return sb, 0, false, derr
		case derr == nil && (err != nil || g > gen):
			sb, gen, err = one, g, nil
		case derr == nil:
			both = g == gen
		}
	}
	return sb, gen, both, err
}
