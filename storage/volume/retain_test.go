package volume_test

import (
	"context"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
)

// TestRetain: retain points hold when a majority of the full members has them, and not otherwise.
func TestRetain(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{CallTimeout: 500 * time.Millisecond})
	ctx := context.Background()
	lsn, err := newGroup(0, 1).bump(c, 0)
	if err == nil {
		err = c.WaitDurable(ctx, lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Node(0).SetDown(true) // a full member
	eventually(t, "the points hold", func() bool { return c.Retain(ctx, 1, []page.LSN{lsn}) == nil })
	f.Node(2).SetDown(true) // another
	if err := c.Retain(ctx, 2, nil); err == nil {
		t.Fatal("one full member of three is a majority")
	}
	f.Node(0).SetDown(false)
	eventually(t, "they hold again", func() bool { return c.Retain(ctx, 3, []page.LSN{lsn}) == nil })
	if err := c.Retain(ctx, 4, []page.LSN{lsn, lsn - 1}); err == nil {
		t.Fatal("points out of order were taken")
	}
}
