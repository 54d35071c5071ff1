package row

import "fmt"

// Entry is what a secondary leaf holds beside its key: the id of the last transaction that made, deleted or revived the
// entry. When that transaction is visible to a snapshot, the entry alone tells whether the snapshot's version of the
// row has this key: it has unless Deleted.
type Entry struct {
	Trx     uint64 // 48 bits
	Deleted bool
}

// EntrySize is the stored size of an Entry.
const EntrySize = 7

// AppendEntry appends e in its stored form.
func AppendEntry(dst []byte, e Entry) []byte {
	var b [EntrySize]byte
	putUint(b[:], e.Trx, 6)
	if e.Deleted {
		b[6] = flagDeleted
	}
	return append(dst, b[:]...)
}

// ParseEntry reads it back.
func ParseEntry(b []byte) (Entry, error) {
	if len(b) != EntrySize {
		return Entry{}, fmt.Errorf("secondary entry of %d bytes: %w", len(b), ErrCorrupt)
	}
	return Entry{Trx: getUint(b, 6), Deleted: b[6]&flagDeleted != 0}, nil
}
