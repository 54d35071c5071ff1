package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// The update queue's files, little-endian (docs/format/update-queue.md):
//
//	file    two copies of the file header, a sector each; then batches, each from a sector's start
//	batch   header of 64 bytes, entries
//	entry   header of 64 bytes, redo records of one segment
//
// A batch counts when its CRC holds and its generation is its file's: a recycled file still holds old batches.
const (
	sector      = 512
	queueHeader = 2 * sector
	batchHeader = 64
	entryHeader = 64

	queueMagic  = 0x4555515a // "ZQUE"
	batchMagic  = 0x5441425a // "ZBAT"
	queueFormat = 1
)

var (
	errNoBatch = errors.New("no batch here")
	// ErrNewerFormat means that the directory was written by a newer version of the software.
	ErrNewerFormat = errors.New("written in a newer format than this version knows")
)

// encodeFileHeader returns a file's first two sectors. organised is as in a batch: what the file held before is not missed.
func encodeFileHeader(gen, organised uint64) []byte {
	b := make([]byte, queueHeader)
	for i := 0; i < queueHeader; i += sector {
		h := b[i : i+64]
		binary.LittleEndian.PutUint32(h, queueMagic)
		binary.LittleEndian.PutUint32(h[8:], queueFormat)
		binary.LittleEndian.PutUint64(h[16:], gen)
		binary.LittleEndian.PutUint64(h[24:], organised)
		binary.LittleEndian.PutUint32(h[4:], crc32.Checksum(h[8:], page.Castagnoli))
	}
	return b
}

// decodeFileHeader reads either copy; errNoBatch when neither is valid.
func decodeFileHeader(b []byte) (gen, organised uint64, err error) {
	for i := 0; i+64 <= len(b) && i < queueHeader; i += sector {
		h := b[i : i+64]
		if binary.LittleEndian.Uint32(h) != queueMagic || crc32.Checksum(h[8:], page.Castagnoli) != binary.LittleEndian.Uint32(h[4:]) {
			continue
		}
		if binary.LittleEndian.Uint32(h[8:]) > queueFormat {
			return 0, 0, fmt.Errorf("update queue: %w", ErrNewerFormat)
		}
		return binary.LittleEndian.Uint64(h[16:]), binary.LittleEndian.Uint64(h[24:]), nil
	}
	return 0, 0, errNoBatch
}

// soundHeaders reports whether both copies of a file's header are sound and of that generation.
func soundHeaders(b []byte, gen uint64) bool {
	for i := 0; i < queueHeader; i += sector {
		if g, _, err := decodeFileHeader(b[i : i+sector]); err != nil || g != gen {
			return false
		}
	}
	return true
}

// batchHead is a batch's header.
type batchHead struct {
	gen       uint64
	seq       uint64 // of the batch, over all files
	synced    uint64 // batches up to this one were durable when this one was written: what is missing of them is damage
	organised uint64 // batches up to this one are durable in the segments' own files
	length    uint32 // of the entries
	entries   uint32
}

// batchSize is what a batch takes of its file.
func batchSize(length int) int { return (batchHeader + length + sector - 1) &^ (sector - 1) }

// sealBatch fills in the header at the start of b, which holds the whole batch unpadded.
func sealBatch(b []byte, h *batchHead) {
	binary.LittleEndian.PutUint32(b, batchMagic)
	binary.LittleEndian.PutUint64(b[8:], h.gen)
	binary.LittleEndian.PutUint64(b[16:], h.seq)
	binary.LittleEndian.PutUint64(b[24:], h.synced)
	binary.LittleEndian.PutUint64(b[32:], h.organised)
	binary.LittleEndian.PutUint32(b[40:], uint32(len(b)-batchHeader))
	binary.LittleEndian.PutUint32(b[44:], h.entries)
	clear(b[48:batchHeader])
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[8:], page.Castagnoli))
}

// parseBatch verifies the batch at the start of b. It is total; body aliases b.
func parseBatch(b []byte) (h batchHead, body []byte, err error) {
	if len(b) < batchHeader || binary.LittleEndian.Uint32(b) != batchMagic {
		return h, nil, errNoBatch
	}
	h.length = binary.LittleEndian.Uint32(b[40:])
	if uint64(h.length) > uint64(len(b)-batchHeader) {
		return h, nil, errNoBatch
	}
	b = b[:batchHeader+int(h.length)]
	if crc32.Checksum(b[8:], page.Castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return h, nil, errNoBatch
	}
	h.gen = binary.LittleEndian.Uint64(b[8:])
	h.seq = binary.LittleEndian.Uint64(b[16:])
	h.synced = binary.LittleEndian.Uint64(b[24:])
	h.organised = binary.LittleEndian.Uint64(b[32:])
	h.entries = binary.LittleEndian.Uint32(b[44:])
	return h, b[batchHeader:], nil
}

// entryHead says whose records follow, and what their frame told.
type entryHead struct {
	key         proto.SegmentKey
	incarnation uint64
	epoch       uint64
	vdl, mrpl   page.LSN
	length      uint32
}

func (e *entryHead) encode(b []byte) {
	copy(b, e.key.Volume[:])
	binary.LittleEndian.PutUint32(b[16:], uint32(e.key.PG))
	binary.LittleEndian.PutUint32(b[20:], e.length)
	binary.LittleEndian.PutUint64(b[24:], e.incarnation)
	binary.LittleEndian.PutUint64(b[32:], e.epoch)
	binary.LittleEndian.PutUint64(b[40:], uint64(e.vdl))
	binary.LittleEndian.PutUint64(b[48:], uint64(e.mrpl))
	clear(b[56:entryHeader])
}

// nextEntry splits the first entry off a batch's body.
func nextEntry(b []byte) (e entryHead, raw, rest []byte, ok bool) {
	if len(b) < entryHeader {
		return e, nil, nil, false
	}
	e.key.Volume = proto.VolumeID(b[:16])
	e.key.PG = proto.PG(binary.LittleEndian.Uint32(b[16:]))
	e.length = binary.LittleEndian.Uint32(b[20:])
	e.incarnation = binary.LittleEndian.Uint64(b[24:])
	e.epoch = binary.LittleEndian.Uint64(b[32:])
	e.vdl = page.LSN(binary.LittleEndian.Uint64(b[40:]))
	e.mrpl = page.LSN(binary.LittleEndian.Uint64(b[48:]))
	b = b[entryHeader:]
	if uint64(e.length) > uint64(len(b)) {
		return e, nil, nil, false
	}
	return e, b[:e.length], b[e.length:], true
}

// scanned is what a queue file holds.
type scanned struct {
	gen        uint64
	batches    int
	first, seq uint64 // of the first and last batch
	synced     uint64 // highest claim
	organised  uint64
	missing    []gap // sequence numbers that are not there although later ones are
	torn       int64 // where the scan ended
}

type gap struct{ from, to uint64 } // inclusive

// scanFile walks a file's batches in order; fn is called for each. anyGeneration is a mutant. It is total.
func scanFile(b []byte, gen uint64, anyGeneration bool, fn func(h *batchHead, body []byte)) scanned {
	sc := scanned{gen: gen}
	for off := queueHeader; off+batchHeader <= len(b); {
		h, body, err := parseBatch(b[off:])
		if err != nil || (h.gen != gen && !anyGeneration) || h.seq <= sc.seq {
			off += sector // damage, the end, or what a former life of the file left: only a later batch of ours tells
			continue
		}
		if sc.batches > 0 && h.seq != sc.seq+1 {
			sc.missing = append(sc.missing, gap{sc.seq + 1, h.seq - 1})
		}
		if sc.batches == 0 {
			sc.first = h.seq
		}
		sc.batches++
		sc.seq, sc.synced, sc.organised = h.seq, max(sc.synced, h.synced), max(sc.organised, h.organised)
		fn(&h, body)
		off += batchSize(int(h.length))
		sc.torn = int64(off)
	}
	return sc
}
