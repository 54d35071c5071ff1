package crash

import "testing"

func TestTouches(t *testing.T) {
	for stack, want := range map[string]bool{
		"goroutine 1 [running]:\ngithub.com/zoryadb/zorya/sql/session.f()\n\t/src/engine/x.go:1":                                   false,
		"github.com/zoryadb/zorya/sql/session.f()\ngithub.com/zoryadb/zorya/engine/btree.(*Tree).Edit(0x1)\n":                      true,
		"github.com/zoryadb/zorya/engine.(*Handle).Get(...)\n":                                                                     false,
		"github.com/zoryadb/zorya/engine/row.Decode(...)\ngithub.com/zoryadb/zorya/engine.(*Handle).Get(...)\n":                    false,
		"github.com/zoryadb/zorya/storage/volume.(*Client).Append()\n":                                                             true,
		"github.com/dolthub/go-mysql-server/sql.f()\n":                                                                             false,
		"created by github.com/zoryadb/zorya/engine/btree.x in goroutine 7\ngithub.com/zoryadb/zorya/engine/table.(*Def).X(0x1)\n": false,
	} {
		if got := touches([]byte(stack)); got != want {
			t.Errorf("%q: %v", stack, got)
		}
	}
}

func TestContain(t *testing.T) {
	ended := false
	exit = func(any, []byte) { ended = true }
	func() {
		defer func() {
			if stack := Contain(recover()); len(stack) == 0 || ended {
				t.Errorf("stack of %d bytes, ended %v", len(stack), ended)
			}
		}()
		panic("a statement's")
	}()
}
