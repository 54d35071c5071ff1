package item

import (
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// maxText bounds what REPEAT and the like make: max_allowed_packet's default.
const maxText = 64 << 20

// textual is a function of texts that the library computes in bytes or otherwise than MySQL: LPAD, RPAD, REPEAT, SPACE, FIELD, STRCMP, SUBSTRING_INDEX.
type textual struct {
	function
	name string
	with comparator
}

// newTextual returns nil where the library has to do.
func newTextual(c *sql.Context, env *Env, name, shown string, list []sql.Expression) (*textual, error) {
	x := &textual{name: name}
	if name == "space" && len(list) == 1 { // repeats a blank
		list = []sql.Expression{expression.NewLiteral(" ", types.MustCreateString(sqltypes.VarChar, 1, c.GetCollation())), list[0]}
	}
	x.function = newFunction(c, env, shown, list, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		n, err := newTextual(c, env, name, shown, ch)
		if err != nil || n == nil {
			return x
		}
		return n
	})
	for i := range x.args {
		if k := x.args[i].Kind; name != "quote" && (k == Other || k == JSON) {
			return nil, nil
		}
	}
	switch name {
	case "lpad", "rpad", "repeat", "space":
		texts := []*Attr{&x.args[0].Attr}
		if len(x.args) > 2 {
			texts = append(texts, &x.args[2].Attr)
		}
		coll, coerc, ok := mixed(c, texts...)
		if !ok {
			return nil, illegalMix(c, name, texts...)
		}
		x.become(Attr{Kind: String, Coll: coll, Coerc: coerc})
		x.nulls = true
		if name == "repeat" || name == "space" {
			x.with.way = asText
		}
	case "substring_index":
		coll, err := compared(c, name, &x.args[0].Attr, &x.args[1].Attr)
		if err != nil {
			return nil, err
		}
		_, coerc, _ := mixed(c, &x.args[0].Attr, &x.args[1].Attr)
		x.become(Attr{Kind: String, Coll: coll, Coerc: coerc})
	case "quote":
		a := &x.args[0].Attr
		is := Attr{Kind: String, Coll: a.Coll, Coerc: a.Coerc}
		if !a.text() {
			is.Coll, is.Coerc = c.GetCollation(), 4
		}
		x.become(is)
	case "strcmp":
		coll, err := compared(c, name, attrs(x.args)...)
		if err != nil {
			return nil, err
		}
		x.with = comparator{way: asText}
		x.with.setCollation(coll)
		x.become(Attr{Kind: Int, Prec: 1})
	case "field":
		x.with = comparator{way: asReal}
		texts, ints, exact := true, true, true
		for i := range x.args {
			a := &x.args[i]
			texts = texts && (a.text() || a.temporal() || a.Kind == Null)
			ints = ints && (a.integer() || a.Kind == Null)
			exact = exact && a.exactOrNull()
		}
		switch {
		case texts:
			coll, err := compared(c, name, attrs(x.args)...)
			if err != nil {
				return nil, err
			}
			x.with.way = asText
			x.with.setCollation(coll)
		case ints:
			x.with.way = asInt
		case exact:
			x.with.way = asDecimal
		}
		x.become(Attr{Kind: Int, Prec: 3})
	}
	return x, nil
}

func (x *textual) Eval(c *sql.Context, r sql.Row) (any, error) {
	switch x.name {
	case "lpad", "rpad":
		return x.pad(c, r)
	case "repeat", "space":
		return x.repeat(c, r)
	case "substring_index":
		return x.part(c, r)
	case "quote":
		s, null, err := x.args[0].str(c, r)
		if err != nil {
			return nil, err
		}
		if null {
			return x.made("NULL"), nil
		}
		return x.made("'" + quoted.Replace(s) + "'"), nil
	case "strcmp":
		a, null, err := x.args[0].str(c, r)
		if err != nil || null {
			return nil, err
		}
		b, null, err := x.args[1].str(c, r)
		if err != nil || null {
			return nil, err
		}
		return int64(x.with.texts(a, b)), nil
	}
	return x.field(c, r)
}

// quoted escapes what QUOTE does.
var quoted = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\x1a", `\Z`)

func (x *textual) made(s string) any {
	if x.is.Coll == sql.Collation_binary {
		return []byte(s)
	}
	return s
}

func (x *textual) pad(c *sql.Context, r sql.Row) (any, error) {
	s, null, err := x.args[0].str(c, r)
	if err != nil || null {
		return nil, err
	}
	n, null, err := x.args[1].whole(c, r)
	if err != nil || null {
		return nil, err
	}
	p, null, err := x.args[2].str(c, r)
	if err != nil || null || n.unsigned || n.bits < 0 {
		return nil, err
	}
	if n.bits > maxText {
		c.Warn(int(mysqlerr.ER_WARN_ALLOWED_PACKET_OVERFLOWED), "Result of %s() was larger than max_allowed_packet (%d) - truncated", x.name, maxText)
		return nil, nil
	}
	count, chars := utf8.RuneCountInString, func(s string) []string { return strings.Split(s, "") }
	if x.is.Coll == sql.Collation_binary {
		count = func(s string) int { return len(s) }
		chars = func(s string) (out []string) {
			for i := range len(s) {
				out = append(out, s[i:i+1])
			}
			return out
		}
	}
	have, want := count(s), int(n.bits)
	if have >= want {
		return x.made(strings.Join(chars(s)[:want], "")), nil
	}
	if p == "" {
		return x.made(""), nil
	}
	units := chars(p)
	var b strings.Builder
	for i := range want - have {
		b.WriteString(units[i%len(units)])
	}
	if x.name == "lpad" {
		return x.made(b.String() + s), nil
	}
	return x.made(s + b.String()), nil
}

func (x *textual) repeat(c *sql.Context, r sql.Row) (any, error) {
	s, null, err := x.args[0].str(c, r)
	if err != nil || null {
		return nil, err
	}
	n, null, err := x.args[1].whole(c, r)
	if err != nil || null {
		return nil, err
	}
	if !n.unsigned && n.bits <= 0 || s == "" {
		return x.made(""), nil
	}
	if n.unsigned || n.bits > maxText/int64(len(s)) {
		c.Warn(int(mysqlerr.ER_WARN_ALLOWED_PACKET_OVERFLOWED), "Result of %s() was larger than max_allowed_packet (%d) - truncated", x.name, maxText)
		return nil, nil
	}
	return x.made(strings.Repeat(s, int(n.bits))), nil
}

// part is SUBSTRING_INDEX. Delimiters are counted from the left, also where the part on the right of the last few is wanted.
func (x *textual) part(c *sql.Context, r sql.Row) (any, error) {
	s, null, err := x.args[0].str(c, r)
	if err != nil || null {
		return nil, err
	}
	by, null, err := x.args[1].str(c, r)
	if err != nil || null {
		return nil, err
	}
	n, null, err := x.args[2].whole(c, r)
	if err != nil || null {
		return nil, err
	}
	if s == "" || by == "" || n.bits == 0 {
		return x.made(""), nil
	}
	have := int64(strings.Count(s, by))
	right := !n.unsigned && n.bits < 0
	nth := n.bits // the delimiter that the part ends before, or begins behind
	if right {
		nth += have + 1
	}
	if n.unsigned || nth > have || nth <= 0 {
		return x.made(s), nil
	}
	at := 0
	for ; nth > 1; nth-- {
		at += strings.Index(s[at:], by) + len(by)
	}
	at += strings.Index(s[at:], by)
	if right {
		return x.made(s[at+len(by):]), nil
	}
	return x.made(s[:at]), nil
}

func (x *textual) field(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.args[0].value(c, r)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return int64(0), nil
	}
	for i := 1; i < len(x.args); i++ {
		w, err := x.args[i].value(c, r)
		if err != nil {
			return nil, err
		}
		if w == nil {
			continue
		}
		if x.with.way == asInt { // MySQL compares the 64 bits, whatever their signs
			n, err := x.args[0].toInteger(c, v)
			if err != nil {
				return nil, err
			}
			m, err := x.args[i].toInteger(c, w)
			if err != nil {
				return nil, err
			}
			if n.bits == m.bits {
				return int64(i), nil
			}
			continue
		}
		cmp, ok, err := x.with.compare(c, &x.args[0], &x.args[i], v, w)
		if err != nil {
			return nil, err
		}
		if ok && cmp == 0 {
			return int64(i), nil
		}
	}
	return int64(0), nil
}

// given is an argument of one of the library's functions as the type that MySQL would take it as.
type given struct{ function }

func newGiven(c *sql.Context, env *Env, e sql.Expression, as Kind) *given {
	x := &given{newFunction(c, env, e.String(), []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newGiven(c, env, ch[0], as)
	})}
	a := &x.args[0]
	is := Attr{Kind: as}
	switch as {
	case String:
		is.Coll, is.Coerc = a.Coll, a.Coerc
		if !a.text() {
			is.Coll, is.Coerc = c.GetCollation(), 5
		}
	case Int:
		is.Prec = 19
	case Datetime:
		is.Dec = 6
		x.nulls = true
	}
	x.become(is)
	return x
}

func (x *given) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.args[0].value(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if x.is.Kind == Int {
		n, err := x.args[0].toInteger(c, v)
		return n.result(n.unsigned), err
	}
	return x.args[0].as(c, &x.is, v)
}
