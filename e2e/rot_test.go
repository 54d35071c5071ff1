//go:build e2e

package e2e

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// This file accounts for every flipped byte. It reads the files of a storage node by their documented formats (docs/format), not by
// the node's own code, and takes the node's word only for what it repaired.

// flipped is one flipped byte.
type flipped struct {
	path     string
	at       int64
	was, now byte
}

// rot flips n random bits in the files below dir, but for those too small to hold data (the lock, the node's name). No byte is flipped twice.
func rot(t *testing.T, dir string, n int, all map[string]map[int64]flipped) (files int) {
	t.Helper()
	type target struct {
		path string
		size int64
	}
	var targets []target
	var total int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // files come and go while the node works
		}
		if info, err := d.Info(); err == nil && info.Size() > 4096 {
			targets = append(targets, target{path, info.Size()})
			total += info.Size()
		}
		return nil
	})
	if err != nil || total == 0 {
		t.Fatalf("nothing to damage in %s: %v", dir, err)
	}
	hit := func(path string, at int64) {
		if _, twice := all[path][at]; twice {
			return
		}
		if f, ok := flip(path, at); ok {
			if all[path] == nil {
				all[path] = map[int64]flipped{}
			}
			all[path][at] = f
		}
	}
	for range n {
		at := rand.Int64N(total)
		for _, f := range targets {
			if at >= f.size {
				at -= f.size
				continue
			}
			hit(f.path, at)
			break
		}
	}
	for _, f := range targets { // headers, footers and superblocks are small: chance alone would hardly meet them
		hit(f.path, rand.Int64N(64))
		hit(f.path, f.size-1-rand.Int64N(64))
		if filepath.Base(f.path) == "super" {
			hit(f.path, rand.Int64N(400))
			hit(f.path, superSlot+rand.Int64N(400))
		}
	}
	return len(targets)
}

func flip(path string, at int64) (flipped, bool) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return flipped{}, false
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		return flipped{}, false
	}
	was := b[0]
	b[0] ^= 1 << rand.IntN(8)
	_, err = f.WriteAt(b[:], at)
	return flipped{path, at, was, b[0]}, err == nil
}

// fates of flipped bytes.
const (
	fateMended    = "found and mended"               // the byte is right again, and the node's log names the block
	fateRewritten = "overwritten in the normal run"  // superblock slots and queue files are written over and over
	fateDropped   = "in files that were dropped"     // garbage collection
	fateUnneeded  = "found, but needed by nobody"    // the node's log names the block and says that no peer has it any more
	fateDeadImage = "in superseded images"           // a newer sound image of the page exists, or the log says that it was begun anew
	fateDeadQueue = "in dead parts of queue files"   // organised durably, a former use, padding, unused
	fateSlack     = "in unused space of superblocks" // behind the superblock in its slot
	fateMissed    = "MISSED"                         // live and not found
)

// record is a block that a node's log says it repaired, or need not repair.
type record struct {
	off, size int64
	unneeded  bool
}

var recordLine = regexp.MustCompile(`msg="damage (repaired|needs no repair)".* dir=(\S+) file=(\S+) off=(\d+) size=(\d+)`)

// records reads what a storage node's log says of damage, by path.
func records(t *testing.T, c *cluster, id string) map[string][]record {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, "log", id+".log"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]record{}
	for _, m := range recordLine.FindAllStringSubmatch(string(b), -1) {
		off, _ := strconv.ParseInt(m[4], 10, 64)
		size, _ := strconv.ParseInt(m[5], 10, 64)
		path := filepath.Join(m[2], m[3])
		out[path] = append(out[path], record{off, size, m[1] != "repaired"})
	}
	return out
}

// account says what became of each flipped byte of a node's files.
func account(t *testing.T, c *cluster, id string, all map[string]map[int64]flipped) (fates map[string]int, missed []string) {
	t.Helper()
	dir := filepath.Join(c.dir, "nodes", id)
	recs := records(t, c, id)
	fates = map[string]int{}
	var queues *queueFiles
	for path, flips := range all {
		if !strings.HasPrefix(path, dir+string(filepath.Separator)) {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			fates[fateDropped] += len(flips)
			continue
		}
		sound := append([]byte(nil), b...) // as it would be without the flips that are still there
		for at, f := range flips {
			if at < int64(len(b)) && b[at] == f.now {
				sound[at] = f.was
			}
		}
		kind, _, _ := strings.Cut(filepath.Base(path), "-")
		if kind == "queue" && queues == nil {
			queues = readQueue(t, filepath.Dir(path))
		}
		for at, f := range flips {
			named, unneeded := false, false
			for _, r := range recs[path] {
				if at >= r.off && at < r.off+r.size {
					named, unneeded = true, unneeded || r.unneeded
				}
			}
			// A superblock or batch written since may hold by chance what the flip had made of the byte: its checksum tells.
			still := at < int64(len(b)) && b[at] == f.now && !(kind == "super" && soundSlot(b, at)) && !(kind == "queue" && soundBatch(b, at))
			fate := fateMissed
			switch {
			case !still && (kind == "super" || kind == "queue") && !named:
				fate = fateRewritten
			case !still && named:
				fate = fateMended
			case unneeded:
				fate = fateUnneeded
			case kind == "super" && slack(sound, at):
				fate = fateSlack
			case kind == "img" && (superseded(filepath.Dir(path), path, sound, at) || emptied(filepath.Dir(path), sound, at)):
				fate = fateDeadImage
			case kind == "queue" && !queues.live(path, sound, at):
				fate = fateDeadQueue
			}
			fates[fate]++
			if fate == fateMissed {
				missed = append(missed, fmt.Sprintf("%s at %d of %d: was %#x, made %#x, still so: %v, named: %v; of %+v", path, at, len(b), f.was, f.now, still, named, blobAt(sound, at)))
			}
		}
	}
	return fates, missed
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const superSlot = 256 << 10

// slack reports whether a byte of a superblock file lies behind the superblock in its slot (docs/format/superblock.md).
func slack(b []byte, at int64) bool {
	slot := b[at/superSlot*superSlot:]
	return at%superSlot >= 24+int64(binary.LittleEndian.Uint32(slot[8:]))
}

// soundSlot reports whether the slot of a superblock file that holds a byte is sound as it is.
func soundSlot(b []byte, at int64) bool {
	slot := b[at/superSlot*superSlot:]
	n := 24 + int64(binary.LittleEndian.Uint32(slot[8:]))
	return at%superSlot < n && n <= int64(len(slot)) && crc32.Checksum(slot[8:n], castagnoli) == binary.LittleEndian.Uint32(slot[4:])
}

// soundBatch reports whether a byte of a queue file lies in a batch that is sound as it is.
func soundBatch(b []byte, at int64) bool {
	gen, _ := queueHeader(b)
	for _, x := range batches(b, gen) {
		if at >= x.at && at < x.at+x.size {
			return true
		}
	}
	return false
}

// blob is an image in an image file.
type blob struct {
	at, size int64
	page     uint64
	lsn      uint64
}

// blobs lists the images of a file (docs/format/image-file.md): those at whose place the checksum holds.
func blobs(b []byte) (out []blob) {
	for at := int64(128); at+32 <= int64(len(b)); {
		n := 32 + int64(binary.LittleEndian.Uint32(b[at+4:]))
		if n > 32+16<<10 || at+n > int64(len(b)) {
			at++
			continue
		}
		if crc32.Checksum(b[at+4:at+n], castagnoli) != binary.LittleEndian.Uint32(b[at:]) {
			at++
			continue
		}
		out = append(out, blob{at, n, binary.LittleEndian.Uint64(b[at+8:]), binary.LittleEndian.Uint64(b[at+16:])})
		at += n
	}
	return out
}

// superseded reports whether a byte of an image file lies in an image of whose page there is another sound one that is as new or newer.
func superseded(dir, path string, sound []byte, at int64) (found bool) {
	x := blobAt(sound, at)
	if x.size == 0 {
		return false
	}
	eachFile(dir, "img-*", func(file string, b []byte) {
		for _, y := range blobs(b) {
			if y.page == x.page && y.lsn >= x.lsn && (file != path || y.at != x.at) {
				found = true
			}
		}
	})
	return found
}

// eachFile reads the files of a segment of one kind. The node goes on working: when a file went away between the listing and the reading, what it held
// is in a younger one by then, so the directory is listed again.
func eachFile(dir, pattern string, fn func(file string, b []byte)) {
	seen := map[string]bool{}
	for again, try := true, 0; again && try < 1000; try++ {
		again = false
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, file := range files {
			if seen[file] {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				again = true
				continue
			}
			seen[file] = true
			fn(file, b)
		}
	}
}

// blobAt is the image that holds a byte of an image file, the zero value if none does.
func blobAt(b []byte, at int64) blob {
	for _, x := range blobs(b) {
		if at >= x.at && at < x.at+x.size {
			return x
		}
	}
	return blob{}
}

// emptied reports whether a byte of an image file lies in an image whose page a later record frees or begins anew: nothing of the image is left in
// what the page is now.
func emptied(dir string, sound []byte, at int64) (found bool) {
	x := blobAt(sound, at)
	if x.size == 0 {
		return false
	}
	eachFile(dir, "log-*", func(_ string, b []byte) {
		for _, r := range emptyings(b) {
			if r.lsn > x.lsn && x.page >= r.page && x.page < r.page+r.pages {
				found = true
			}
		}
	})
	return found
}

// emptying is a record that frees pages or begins one anew.
type emptying struct{ lsn, page, pages uint64 }

// emptyings lists those of a log file (docs/format/segment-log.md, redo.md).
func emptyings(b []byte) (out []emptying) {
	for at := 128; at+17 <= len(b); {
		n := int(b[at+4]) | int(b[at+5])<<8 | int(b[at+6])<<16
		if n < 17 || at+n > len(b) || crc32.Checksum(b[at+4:at+n], castagnoli) != binary.LittleEndian.Uint32(b[at:]) {
			at++
			continue
		}
		flags, lsn, rest := b[at+7], binary.LittleEndian.Uint64(b[at+8:]), b[at+16:at+n]
		at += n
		if flags&(4|8) == 0 {
			continue
		}
		next := func() uint64 {
			v, k := binary.Uvarint(rest)
			rest = rest[max(k, 0):]
			return v
		}
		for range 4 { // epoch and links
			next()
		}
		r := emptying{lsn, next(), 1}
		if flags&2 != 0 {
			for range next() {
				next()
			}
		}
		if flags&4 != 0 {
			r.pages = next()
		}
		out = append(out, r)
	}
	return out
}

// queueFiles is what the files of an update queue say (docs/format/update-queue.md).
type queueFiles struct {
	organised uint64 // batches up to this one are durable elsewhere
	newest    uint64 // generation: of the active file
}

func readQueue(t *testing.T, dir string) *queueFiles {
	t.Helper()
	q := &queueFiles{}
	files, _ := filepath.Glob(filepath.Join(dir, "queue-*"))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		gen, organised := queueHeader(b)
		q.newest, q.organised = max(q.newest, gen), max(q.organised, organised)
		for _, x := range batches(b, gen) {
			q.organised = max(q.organised, x.organised)
		}
	}
	return q
}

func queueHeader(b []byte) (gen, organised uint64) {
	for at := 0; at < 1024; at += 512 {
		if h := b[at : at+64]; crc32.Checksum(h[8:], castagnoli) == binary.LittleEndian.Uint32(h[4:]) {
			return binary.LittleEndian.Uint64(h[16:]), binary.LittleEndian.Uint64(h[24:])
		}
	}
	return 0, 0
}

type batch struct {
	at, size       int64
	seq, organised uint64
}

// batches lists the sound batches of a file's present use.
func batches(b []byte, gen uint64) (out []batch) {
	for at := int64(1024); at+64 <= int64(len(b)); {
		h := b[at:]
		n := 64 + int64(binary.LittleEndian.Uint32(h[40:]))
		if binary.LittleEndian.Uint32(h) != 0x5441425a || at+n > int64(len(b)) || binary.LittleEndian.Uint64(h[8:]) != gen ||
			crc32.Checksum(h[8:n], castagnoli) != binary.LittleEndian.Uint32(h[4:]) {
			at += 512
			continue
		}
		out = append(out, batch{at, n, binary.LittleEndian.Uint64(h[16:]), binary.LittleEndian.Uint64(h[32:])})
		at += (n + 511) &^ 511
	}
	return out
}

// live reports whether a restart would need a byte: of the header of a file that holds a batch which is not durable elsewhere, or of
// such a batch.
func (q *queueFiles) live(path string, sound []byte, at int64) bool {
	gen, _ := queueHeader(sound)
	needed := gen == q.newest
	for _, x := range batches(sound, gen) {
		if x.seq <= q.organised {
			continue
		}
		needed = true
		if at >= x.at && at < x.at+x.size {
			return true
		}
	}
	return needed && at < 1024 && at%512 < 64
}
