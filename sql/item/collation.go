package item

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Strengths of a collation, MySQL's coercibilities: of two texts the stronger one's, that of the lower number, is used.
const (
	explicit  = 0 // COLLATE
	conflict  = 1 // two of the same strength disagree (MySQL's NONE)
	implicit  = 2 // a column
	system    = 3 // USER(), VERSION()
	coercible = 4 // a literal
	ofNumber  = 5 // a number or a time as text
	ignorable = 6 // NULL
)

var coercibility = [...]string{"EXPLICIT", "NONE", "IMPLICIT", "SYSCONST", "COERCIBLE", "NUMERIC", "IGNORABLE", "IGNORABLE"}

// mixed combines the collations of texts as MySQL does (DTCollation::aggregate). Two columns of different collations make a text with the
// strength conflict, which may be shown but not compared; ok is false where not even a text can be made of them.
func mixed(c *sql.Context, attrs ...*Attr) (coll sql.CollationID, coerc byte, ok bool) {
	coll, coerc, ok = sql.Collation_binary, 7, true
	for _, a := range attrs {
		ac, as := a.Coll, a.Coerc
		switch {
		case a.Kind == Null:
			ac, as = sql.Collation_binary, ignorable
		case a.Kind == JSON:
			ac, as = sql.Collation_utf8mb4_bin, implicit
		case !a.text():
			ac, as = sql.Collation_Unspecified, ofNumber // its text fits any collation
		}
		switch {
		case coerc == 7:
			coll, coerc = ac, as
		case !ok && as > explicit: // settled by a COLLATE only
		case !ok:
			coll, coerc, ok = ac, as, true
		default:
			coll, coerc, ok = combined(coll, coerc, ac, as)
		}
	}
	if coll == sql.Collation_Unspecified { // all of them numbers
		coll, coerc = c.GetCollation(), coercible
	}
	return coll, coerc, ok
}

// combined is mixed of two, a on the left.
func combined(a sql.CollationID, as byte, b sql.CollationID, bs byte) (sql.CollationID, byte, bool) {
	switch {
	case a == sql.Collation_Unspecified && (bs <= coercible || bs == ofNumber):
		return b, bs, true
	case b == sql.Collation_Unspecified && (as <= coercible || as == ofNumber):
		return a, as, true
	case a == b:
		return a, min(as, bs), true
	case a == sql.Collation_binary && as <= bs, b == sql.Collation_binary && as < bs:
		return a, as, true
	case a == sql.Collation_binary, b == sql.Collation_binary:
		return b, bs, true
	case a.CharacterSet() != b.CharacterSet():
		switch {
		case superset(a, as, b, bs), as < bs && bs >= system:
			return a, as, true
		case superset(b, bs, a, as), bs < as && as >= system:
			return b, bs, true
		}
		return sql.Collation_binary, conflict, false
	case as < bs:
		return a, as, true
	case bs < as:
		return b, bs, true
	case as == explicit:
		return a, conflict, false
	case binaryOrder(a):
		return a, as, true
	case binaryOrder(b):
		return b, bs, true
	}
	return a.CharacterSet().BinaryCollation(), conflict, true
}

// superset reports whether a text of b may become one of a: it is stronger, or as strong and can say more, and is of Unicode or b of ASCII, which every set has.
func superset(a sql.CollationID, as byte, b sql.CollationID, bs byte) bool {
	x, y := a.CharacterSet(), b.CharacterSet()
	if y == sql.CharacterSet_ascii {
		return as <= bs
	}
	return unicode(x) && (as < bs || as == bs && (!unicode(y) || x.MaxLength() > y.MaxLength()))
}

func unicode(s sql.CharacterSetID) bool {
	name := s.Name()
	return strings.HasPrefix(name, "utf") || name == "ucs2"
}

func binaryOrder(c sql.CollationID) bool { return strings.HasSuffix(c.Name(), "_bin") }

// compared is the collation in which texts are compared by a function or operator, or the error that there is none: 1267, 1270 or 1271.
func compared(c *sql.Context, op string, attrs ...*Attr) (sql.CollationID, error) {
	coll, coerc, ok := mixed(c, attrs...)
	if ok && coerc != conflict {
		return coll, nil
	}
	return coll, illegalMix(c, op, attrs...)
}

// illegalMix names the collations of two or three texts that do not go together.
func illegalMix(c *sql.Context, op string, attrs ...*Attr) error {
	var args []any
	for _, a := range attrs {
		coll, coerc, _ := mixed(c, a)
		args = append(args, coll.Name(), coercibility[coerc])
	}
	switch args = append(args, op); len(attrs) {
	case 2:
		return mysqlerr.New(mysqlerr.ER_CANT_AGGREGATE_2COLLATIONS, args...)
	case 3:
		return mysqlerr.New(mysqlerr.ER_CANT_AGGREGATE_3COLLATIONS, args...)
	}
	return mysqlerr.New(mysqlerr.ER_CANT_AGGREGATE_NCOLLATIONS, op)
}
