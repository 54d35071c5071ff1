package item

import (
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
)

// What a column must hold that is made for an expression's values, as CREATE TABLE ... SELECT makes it: how long its text may be, and NULL. MySQL calls them
// max_length and maybe_null.

// fixedWidths are the functions whose text has a length of its own.
var fixedWidths = map[string]int{"md5": 32, "sha": 40, "sha1": 40, "uuid": 36, "user": 288, "current_user": 288, "session_user": 288, "system_user": 288,
	"database": 64, "schema": 64, "version": 60, "dayname": 9, "monthname": 9, "inet_ntoa": 15, "bin": 64, "oct": 64, "conv": 64, "charset": 64, "collation": 64}

// Width is the most characters that the text of e may have; ok is false if that is not known.
func Width(c *sql.Context, e sql.Expression) (chars int, ok bool) {
	switch x := e.(type) {
	case *expression.Alias:
		return Width(c, x.Child)
	case *expression.Literal:
		if s, isText := x.Value().(string); isText {
			return utf8.RuneCountInString(s), true
		}
	case *held:
		return Width(c, x.of)
	case *given:
		if x.is.Kind == String {
			return Width(c, x.args[0].Expression)
		}
	case *choice:
		return widest(c, x.Children(), x.values)
	case *cast:
		if x.as == "char" && x.length >= 0 {
			return x.length, true
		}
		if x.as == "char" {
			return Width(c, x.Children()[0])
		}
	case *plan.Subquery:
		if p, isProjector := x.Query.(sql.Projector); isProjector && len(p.ProjectedExprs()) == 1 {
			return Width(c, p.ProjectedExprs()[0])
		}
	case *aggregation.Max:
		return Width(c, x.Child)
	case *aggregation.Min:
		return Width(c, x.Child)
	}
	a := Of(c, e)
	if a.Kind != String {
		return shownWidth(&a)
	}
	if _, isColumn := e.(*expression.GetField); !isColumn {
		if n, known := calledWidth(c, e); known {
			return n, true
		}
	}
	if t, isString := e.Type(c).(sql.StringType); isString && (t.Type() == sqltypes.Char || t.Type() == sqltypes.VarChar) {
		return int(t.MaxCharacterLength()), true
	}
	return 0, false
}

// shownWidth is how many characters values other than strings have.
func shownWidth(a *Attr) (int, bool) {
	fraction := 0
	if a.Dec > 0 {
		fraction = a.Dec + 1
	}
	switch a.Kind {
	case Null:
		return 0, true
	case Int:
		if a.Unsigned {
			return a.Prec, true
		}
		return a.Prec + 1, true
	case Decimal:
		n := a.Prec + 1
		if a.Dec > 0 {
			n++
		}
		return n, true
	case Real:
		return 23, true
	case Date:
		return 10, true
	case Datetime:
		return 19 + fraction, true
	case Time:
		return 10 + fraction, true
	case Year:
		return 4, true
	case Enum, Set:
		switch t := a.typ.(type) {
		case sql.EnumType:
			longest := 0
			for _, v := range t.Values() {
				longest = max(longest, utf8.RuneCountInString(v))
			}
			return longest, true
		case sql.SetType:
			all := 0
			for _, v := range t.Values() {
				all += utf8.RuneCountInString(v) + 1
			}
			return max(all-1, 0), true
		}
	}
	return 0, false
}

func widest(c *sql.Context, list []sql.Expression, of []int) (chars int, ok bool) {
	for _, i := range of {
		n, ok := Width(c, list[i])
		if !ok {
			return 0, false
		}
		chars = max(chars, n)
	}
	return chars, len(of) > 0
}

// calledWidth is the width of a call of a function.
func calledWidth(c *sql.Context, e sql.Expression) (int, bool) {
	name, _, _ := strings.Cut(strings.ToLower(e.String()), "(")
	if n := fixedWidths[name]; n > 0 {
		return n, true
	}
	list := e.Children()
	if len(list) == 0 {
		return 0, false
	}
	switch name {
	case "concat", "concat_ws":
		total, between := 0, 0
		for i, x := range list {
			n, ok := Width(c, x)
			if !ok {
				return 0, false
			}
			if name == "concat_ws" && i == 0 {
				between = n * max(len(list)-2, 0)
				continue
			}
			total += n
		}
		return total + between, true
	case "upper", "lower", "ucase", "lcase", "trim", "ltrim", "rtrim", "reverse", "substring", "substr", "mid", "left", "right", "substring_index":
		n, ok := Width(c, list[0])
		last := list[len(list)-1]
		if l, isLiteral := last.(*expression.Literal); isLiteral && (name == "left" || name == "right" || len(list) == 3 && name != "substring_index") {
			if k, isWhole := datum.Whole(l.Value()); isWhole && k >= 0 && k < 1<<20 && (!ok || int(k) < n) {
				return int(k), true
			}
		}
		return n, ok
	case "lpad", "rpad", "space", "repeat":
		l, isLiteral := list[min(1, len(list)-1)].(*expression.Literal)
		if !isLiteral {
			return 0, false
		}
		k, isWhole := datum.Whole(l.Value())
		if !isWhole || k < 0 || k > 1<<20 {
			return 0, false
		}
		if name == "repeat" {
			n, ok := Width(c, list[0])
			return n * int(k), ok
		}
		return int(k), true
	case "greatest", "least":
		all := make([]int, len(list))
		for i := range all {
			all[i] = i
		}
		return widest(c, list, all)
	case "hex":
		if a := Of(c, list[0]); !a.text() {
			return 16, true
		}
		n, ok := Width(c, list[0])
		return n * 8, ok
	}
	return 0, false
}

// MaybeNull reports whether e may be NULL. The library knows it of columns, but not of what it takes for never NULL: sums over no row, divisions, subqueries and
// most functions. stored says whether a table is one, and not a query whose columns the library may be wrong about as well.
func MaybeNull(c *sql.Context, e sql.Expression, stored func(table string) bool) bool {
	switch x := e.(type) {
	case *expression.Alias:
		return MaybeNull(c, x.Child, stored)
	case *expression.Literal:
		return x.Value() == nil
	case *expression.GetField:
		return !stored(x.Table()) || x.IsNullable(c)
	case *aggregation.Count, *aggregation.CountDistinct:
		return false
	case *held:
		return MaybeNull(c, x.of, stored)
	case *given:
		return x.nulls || MaybeNull(c, x.args[0].Expression, stored)
	case *choice:
		if x.name != "ifnull" && x.name != "coalesce" {
			break
		}
		for _, i := range x.values {
			if !MaybeNull(c, x.Children()[i], stored) {
				return false
			}
		}
		return true
	case *arithmetic, *negation, *bitwise, *comparison, *condition:
		if e.IsNullable(c) {
			return true
		}
	default:
		if name, _, _ := strings.Cut(strings.ToLower(e.String()), "("); !nullOfNull[name] || e.IsNullable(c) {
			return true
		}
	}
	for _, ch := range e.Children() {
		if MaybeNull(c, ch, stored) {
			return true
		}
	}
	return false
}

// nullOfNull are the functions that are NULL only of NULL.
var nullOfNull = map[string]bool{"concat": true, "upper": true, "lower": true, "ucase": true, "lcase": true, "trim": true, "ltrim": true, "rtrim": true, "length": true,
	"char_length": true, "character_length": true, "octet_length": true, "now": true, "current_timestamp": true, "curdate": true, "current_date": true, "curtime": true,
	"utc_timestamp": true, "uuid": true, "rand": true, "abs": true, "floor": true, "ceil": true, "ceiling": true, "left": true, "right": true, "substring": true,
	"substr": true, "mid": true, "md5": true, "sha1": true, "hex": true, "replace": true, "reverse": true, "version": true, "connection_id": true, "row_number": true,
	"rank": true, "dense_rank": true, "greatest": true, "least": true, "ascii": true}
