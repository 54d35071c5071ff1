package engine

import (
	"fmt"
	"testing"

	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// After a restart a listing's tables are opened ahead of it; what is not there is left out.
func TestReadAhead(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	names := []string{"nowhere"}
	for i := range 40 {
		names = append(names, fmt.Sprintf("t%d", i))
		e.sbtest(names[i+1])
	}
	e.crash()
	if e.db.cache.Get("s", "t7") != nil {
		t.Fatal("a table is open after a restart")
	}
	e.db.ReadAhead(bg, "s", names)
	for _, n := range names[1:] {
		if e.db.cache.Get("s", n) == nil {
			t.Errorf("%s was not opened", n)
		}
	}
}
