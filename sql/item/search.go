package item

import (
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// searching is a function that looks for a text in another one: LOCATE, POSITION, INSTR, FIND_IN_SET and REPLACE.
type searching struct {
	function
	name   string
	with   comparator
	sought int // the argument that is looked for; the other one of the first two is searched
}

func newSearching(c *sql.Context, env *Env, name, shown string, list []sql.Expression) (*searching, error) {
	x := &searching{name: name}
	x.function = newFunction(c, env, shown, list, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		n, err := newSearching(c, env, name, shown, ch)
		if err != nil {
			return x
		}
		return n
	})
	if name == "instr" || name == "replace" {
		x.sought = 1
	}
	texts := x.args[:2]
	if name == "replace" {
		texts = x.args[:3]
	}
	coll, err := compared(c, name, attrs(texts)...)
	if err != nil {
		return nil, err
	}
	_, coerc, _ := mixed(c, attrs(texts)...)
	x.with.way = asText
	x.with.setCollation(coll)
	switch name {
	case "replace":
		x.become(Attr{Kind: String, Coll: coll, Coerc: coerc})
	case "find_in_set":
		x.become(Attr{Kind: Int, Prec: 3})
	default:
		x.become(Attr{Kind: Int, Prec: 10})
	}
	return x, nil
}

func (x *searching) Eval(c *sql.Context, r sql.Row) (any, error) {
	var texts [2]string
	for i := range texts {
		s, null, err := x.args[i].str(c, r)
		if err != nil || null {
			return nil, err
		}
		texts[i] = s
	}
	sought, in := texts[x.sought], texts[1-x.sought]
	switch x.name {
	case "replace":
		return x.replace(c, r, in, sought)
	case "find_in_set":
		return x.member(sought, in), nil
	}
	from := int64(1)
	if len(x.args) > 2 {
		n, null, err := x.args[2].whole(c, r)
		if err != nil || null {
			return nil, err
		}
		if from = n.bits; n.unsigned || from < 1 {
			return int64(0), nil
		}
	}
	return x.position(sought, in, from), nil
}

// position counts in characters from 1; 0: nowhere. As in MySQL (my_instr_mb), a place fits only if it has as many bytes as what is sought:
// 'A' is no 'ä' here, although they are equal under most collations.
func (x *searching) position(sought, in string, from int64) int64 {
	one := utf8.DecodeRuneInString
	if x.with.coll == nil && !utf8.ValidString(in) {
		one = func(s string) (rune, int) { return rune(s[0]), 1 }
	}
	at := 0
	for n := int64(1); n < from; n++ {
		if at >= len(in) {
			return 0
		}
		_, size := one(in[at:])
		at += size
	}
	for n := from; at+len(sought) <= len(in); n++ {
		if place := in[at : at+len(sought)]; x.same(place, sought) {
			return n
		}
		if at == len(in) {
			break
		}
		_, size := one(in[at:])
		at += size
	}
	return 0
}

// same compares without regard to padding: spaces at the end count.
func (x *searching) same(a, b string) bool {
	return a == b || x.with.coll != nil && utf8.ValidString(a) && spaces(a) == spaces(b) && x.with.texts(a, b) == 0
}

func spaces(s string) int { return len(s) - len(strings.TrimRight(s, " ")) }

// member is FIND_IN_SET. Nothing is in the empty list, not even the empty text, and nothing that has a comma is in any. A list of fewer bytes is not looked
// through, though a member may be equal: 'ä' is not in 'A' (Item_func_find_in_set::val_int).
func (x *searching) member(sought, list string) int64 {
	if list == "" || len(list) < len(sought) || strings.Contains(sought, ",") {
		return 0
	}
	for i, s := range strings.Split(list, ",") {
		if x.same(s, sought) {
			return int64(i + 1)
		}
	}
	return 0
}

// replace compares bytes. What stands for the text is computed first, so that NULL makes NULL of all (Item_func_replace::val_str of MySQL 8.0).
func (x *searching) replace(c *sql.Context, r sql.Row, in, sought string) (any, error) {
	made := func(s string) any {
		if x.is.Coll == sql.Collation_binary {
			return []byte(s)
		}
		return s
	}
	with, null, err := x.args[2].str(c, r)
	if err != nil || null {
		return nil, err
	}
	if sought == "" {
		return made(in), nil
	}
	if grown := len(in) + strings.Count(in, sought)*(len(with)-len(sought)); grown > maxText {
		c.Warn(int(mysqlerr.ER_WARN_ALLOWED_PACKET_OVERFLOWED), "Result of replace() was larger than max_allowed_packet (%d) - truncated", maxText)
		return nil, nil
	}
	return made(strings.ReplaceAll(in, sought, with)), nil
}
