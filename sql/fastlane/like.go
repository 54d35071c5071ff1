package fastlane

import (
	"unsafe"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/zoryadb/zorya/engine/row"
)

// likePattern is the pattern of a LIKE, and the collation of the column that it is compared with.
type likePattern struct {
	arg       int
	collation uint16
}

// likeEscape is MySQL's escape character where a statement names none.
const likeEscape = '\\'

// prepareLikes makes the library's matchers, which the general lane uses too.
func (x *exec) prepareLikes() error {
	for i := range x.p.likes {
		l := &x.p.likes[i]
		a := &x.q.Args[l.arg]
		if a.Kind != ArgString {
			return ErrDecline
		}
		m, err := expression.ConstructLikeMatcher(sql.CollationID(l.collation), string(a.B), likeEscape)
		if err != nil {
			return ErrDecline
		}
		x.likes = append(x.likes, m)
	}
	return nil
}

// alike reports whether a string matches a pattern. The matcher does not keep the string, so that its bytes need not be copied.
func (x *exec) alike(like int, d *row.Datum) bool {
	return x.likes[like].Match(unsafe.String(unsafe.SliceData(d.B), len(d.B)))
}

// scansWell declines a LIKE that would be tested on each row of a table where the general lane has an index to begin with.
func (b *binder) scansWell(conds []*predicate) bool {
	for _, c := range conds {
		if c.cmp != cmpLike {
			continue
		}
		for i := range b.p.steps {
			s := &b.p.steps[i]
			if s.t != c.at.t || len(s.access.eq) > 0 || len(s.access.ranges) > 0 || s.access.tuple != nil {
				continue
			}
			for _, ix := range b.p.tables[s.t].def.Indexes {
				if !ix.Hidden && len(ix.Parts) > 0 && ix.Parts[0].Column == c.at.c {
					return false
				}
			}
		}
	}
	return true
}
