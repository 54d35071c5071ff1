package builtin

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/regex"
)

// REGEXP_LIKE (and the operators REGEXP and RLIKE), REGEXP_INSTR, REGEXP_SUBSTR and REGEXP_REPLACE. The library's, without ICU, match Go's syntax by bytes.

// regexpCall is one of them. Its arguments: text, pattern, then by function replacement, position, occurrence, return option, match type.
type regexpCall struct {
	expression.NaryExpression
	name string
	last *atomic.Pointer[compiledRegexp] // shared by the copies of a plan
}

// compiledRegexp is what was compiled last, and of what.
type compiledRegexp struct {
	pattern string
	options regex.Options
	p       *regex.Pattern
}

// regexpArguments are the least and the most arguments of each function.
var regexpArguments = map[string][2]int{"regexp_like": {2, 3}, "regexp_instr": {2, 6}, "regexp_substr": {2, 5}, "regexp_replace": {3, 6}}

// regexpTick is how long a match may take for one unit of regexp_time_limit, whose default is 32. ICU counts steps, some ten thousand a unit; a clock that
// stops a match must leave room for a crowded machine.
const regexpTick = 100 * time.Millisecond

// maxRegexpResult bounds what REGEXP_REPLACE makes, in bytes.
const maxRegexpResult = 64 << 20

func init() {
	for name := range regexpArguments {
		Replaced[name] = sql.FunctionN{Name: name, Fn: func(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
			return NewRegexpCall(name, args...)
		}}
	}
}

// NewRegexpCall is a call of REGEXP_LIKE and its kin, by name.
func NewRegexpCall(name string, args ...sql.Expression) (sql.Expression, error) {
	if n := regexpArguments[name]; len(args) < n[0] || len(args) > n[1] {
		return nil, sql.ErrInvalidArgumentNumber.New(name, n[0], len(args))
	}
	return &regexpCall{expression.NaryExpression{ChildExpressions: args}, name, new(atomic.Pointer[compiledRegexp])}, nil
}

var _ sql.FunctionExpression = (*regexpCall)(nil)
var _ sql.CollationCoercible = (*regexpCall)(nil)

func (x *regexpCall) FunctionName() string         { return x.name }
func (x *regexpCall) Description() string          { return "matches a regular expression" }
func (x *regexpCall) IsNullable(*sql.Context) bool { return true }
func (x *regexpCall) String() string               { return callText(x.name, x.ChildExpressions) }

func (x *regexpCall) Type(*sql.Context) sql.Type {
	switch x.name {
	case "regexp_like":
		return types.Boolean
	case "regexp_instr":
		return types.Int64
	}
	return types.LongText
}

func (x *regexpCall) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	a, as := sql.GetCoercibility(c, x.ChildExpressions[0])
	b, bs := sql.GetCoercibility(c, x.ChildExpressions[1])
	return sql.ResolveCoercibility(a, as, b, bs)
}

func (x *regexpCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	n := *x
	n.ChildExpressions = ch
	return &n, nil
}

// regexpOptions are the numbers that a call may give.
type regexpOptions struct{ position, occurrence, after int64 }

func (x *regexpCall) Eval(c *sql.Context, r sql.Row) (any, error) {
	args := make([]any, len(x.ChildExpressions))
	for i, e := range x.ChildExpressions {
		v, err := e.Eval(c, r)
		if err != nil || v == nil {
			return nil, err
		}
		args[i] = v
	}
	text, err := textValue(c, args[0])
	if err != nil {
		return nil, err
	}
	rest, with := args[2:], ""
	if x.name == "regexp_replace" {
		if with, err = textValue(c, args[2]); err != nil {
			return nil, err
		}
		rest = args[3:]
	}
	o, match, err := x.options(c, rest)
	if err != nil {
		return nil, err
	}
	p, err := x.compiled(c, args[1], match)
	if err != nil {
		return nil, err
	}
	return x.run(p, text, with, o)
}

// options reads the arguments past the texts.
func (x *regexpCall) options(c *sql.Context, rest []any) (o regexpOptions, match string, err error) {
	o = regexpOptions{position: 1}
	into := []*int64{&o.position, &o.occurrence, &o.after}
	switch x.name {
	case "regexp_like":
		into = nil
	case "regexp_substr", "regexp_replace":
		into = into[:2]
	}
	for i, v := range rest {
		if i < len(into) {
			if *into[i], err = integerOf(c, v); err != nil {
				return o, "", err
			}
		} else if match, err = textValue(c, v); err != nil {
			return o, "", err
		}
	}
	if o.after != 0 && o.after != 1 {
		return o, "", mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, x.name+": return_option must be 1 or 0")
	}
	return o, match, nil
}

// compiled is the pattern, compiled anew when it or its options are others than last time.
func (x *regexpCall) compiled(c *sql.Context, pattern any, match string) (*regex.Pattern, error) {
	o, err := x.matchOptions(c, match)
	if err != nil {
		return nil, err
	}
	text, err := textValue(c, pattern)
	if err != nil {
		return nil, err
	}
	if last := x.last.Load(); last != nil && last.pattern == text && last.options == o {
		return last.p, nil
	}
	if err := x.sameCharset(c); err != nil {
		return nil, err
	}
	p, err := regex.Compile(text, o)
	if err != nil {
		return nil, err
	}
	x.last.Store(&compiledRegexp{text, o, p})
	return p, nil
}

// matchOptions are those of the collation, then of the letters, of which the last one counts.
func (x *regexpCall) matchOptions(c *sql.Context, match string) (o regex.Options, err error) {
	collation, _ := x.CollationCoercibility(c)
	o.IgnoreCase = strings.HasSuffix(collation.Name(), "_ci")
	for _, letter := range match {
		switch letter {
		case 'c':
			o.IgnoreCase = false
		case 'i':
			o.IgnoreCase = true
		case 'm':
			o.Multiline = true
		case 'n':
			o.DotAll = true
		case 'u':
			o.UnixLines = true
		default:
			return o, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, x.name)
		}
	}
	_, v, _ := sql.SystemVariables.GetGlobal("regexp_time_limit")
	if n, ok := datum.Integer(v); ok && n > 0 {
		o.Limit = time.Duration(n) * regexpTick
	}
	return o, nil
}

// sameCharset refuses a binary string beside another (3995), as MySQL has done since 8.0.22.
func (x *regexpCall) sameCharset(c *sql.Context) error {
	var names [2]string
	for i := range names {
		t := x.ChildExpressions[i].Type(c)
		if !types.IsText(t) {
			return nil
		}
		if names[i] = "binary"; !types.IsBinaryType(t) {
			collation, _ := sql.GetCoercibility(c, x.ChildExpressions[i])
			names[i] = collation.Name()
		}
	}
	if (names[0] == "binary") != (names[1] == "binary") {
		if names[1] == "binary" {
			names[0], names[1] = names[1], names[0]
		}
		return mysqlerr.New(mysqlerr.ER_CHARACTER_SET_MISMATCH, names[0], names[1], x.name)
	}
	return nil
}

func (x *regexpCall) run(p *regex.Pattern, text, with string, o regexpOptions) (any, error) {
	in := []rune(text)
	if o.position < 1 || o.position > int64(len(in))+1 {
		return nil, mysqlerr.New(mysqlerr.ER_REGEXP_INDEX_OUTOFBOUNDS_ERROR)
	}
	start := int(o.position - 1)
	occurrence := int(min(max(o.occurrence, 0), 1<<31))
	if x.name == "regexp_replace" {
		if o.occurrence < 0 {
			occurrence = 1
		}
		return p.Replace(in, with, start, occurrence, maxRegexpResult)
	}
	from, to, found, err := p.Find(in, start, max(occurrence, 1))
	switch {
	case err != nil:
		return nil, err
	case x.name == "regexp_like":
		return found, nil
	case x.name == "regexp_instr":
		switch {
		case !found:
			return int64(0), nil
		case o.after == 1:
			return int64(to + 1), nil
		}
		return int64(from + 1), nil
	case !found:
		return nil, nil
	}
	return string(in[from:to]), nil
}

// textValue is a value as a text.
func textValue(c *sql.Context, v any) (string, error) {
	v, _, err := types.LongText.Convert(c, v)
	if err != nil {
		return "", err
	}
	s, _, err := sql.Unwrap[string](c, v)
	return s, err
}

// callText is how a call of a function is shown.
func callText(name string, args []sql.Expression) string {
	list := make([]string, len(args))
	for i, e := range args {
		list[i] = e.String()
	}
	return name + "(" + strings.Join(list, ",") + ")"
}
