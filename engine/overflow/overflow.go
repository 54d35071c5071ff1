package overflow

import (
	"context"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

// Ref names a long value in its row: RefSize bytes in its stored form.
type Ref struct {
	First  page.No
	Length uint32
}

// RefSize is the stored size of a Ref.
const RefSize = 12

func (r Ref) Append(dst []byte) []byte   { panic("being built") }
func ParseRef(b []byte) (r Ref, ok bool) { panic("being built") }

// Write stores val in pages of ino's owner, durable with the log up to the LSN of whatever later names it. begin (may be nil) is
// called with the Ref in the MTR that allocates the first page, so that an undo record can name it: from there on a crash leaks nothing
// if that record leads to Free. No latch may be held.
func Write(ctx context.Context, sp *space.Space, ino space.Inode, owner uint64, val []byte, begin func(m *mtr.MTR, r Ref) error) (Ref, error) {
	panic("being built")
}

// Read copies bytes [off, off+len(dst)) of the value to dst and returns how many there were.
func Read(ctx context.Context, sp *space.Space, owner uint64, r Ref, off uint32, dst []byte) (int, error) {
	panic("being built")
}

// Free gives the value's pages back, in bounded MTRs; of a value whose Write did not finish too. It may be repeated.
func Free(ctx context.Context, sp *space.Space, ino space.Inode, owner uint64, r Ref) error {
	panic("being built")
}
