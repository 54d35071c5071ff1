package volume

import (
	"errors"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// LAL is the LSN allocation limit: no LSN is given out more than this above VDL. Recovery annuls
// (VDL, VDL+LAL], so no record of a dead writer can lie above what it annulled.
const LAL page.LSN = 10_000_000

// Errors of a Volume. They reach every caller at once.
var (
	// ErrFenced means that a newer writer has opened the volume: nothing more can be written.
	ErrFenced = proto.ErrFenced
	// ErrClosed means that Close was called.
	ErrClosed = errors.New("volume is closed")
)
