package general

import (
	"fmt"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/collate"
)

// replaceBuiltins puts our own functions in the place of the library's that answer otherwise than MySQL, and adds some that it lacks.
// It changes the library's package variable, so it runs once.
var replaceBuiltins = sync.OnceFunc(func() {
	own := map[string]sql.Function{}
	for _, f := range []sql.Function{
		sql.Function2{Name: "instr", Fn: func(_ *sql.Context, s, sub sql.Expression) sql.Expression { return newPosition("instr", sub, s) }},
		sql.FunctionN{Name: "locate", Fn: newLocate},
		sql.FunctionN{Name: "position", Fn: newLocate},
		sql.NewFunction0("user", newUser), sql.NewFunction0("session_user", newUser), sql.NewFunction0("system_user", newUser),
		sql.Function1{Name: "sec_to_time", Fn: newSecToTime},
		sql.FunctionN{Name: "last_insert_id", Fn: newLastInsertID},
		sql.Function4{Name: "insert", Fn: newInsertText},
	} {
		own[f.FunctionName()] = f
	}
	list := make([]sql.Function, 0, len(function.BuiltIns)+len(own))
	for _, f := range function.BuiltIns {
		if r, ok := own[strings.ToLower(f.FunctionName())]; ok {
			delete(own, strings.ToLower(f.FunctionName()))
			f = r
		}
		list = append(list, f)
	}
	for _, f := range own {
		list = append(list, f)
	}
	function.BuiltIns = list
})

// newUser is USER(): the client as it named itself, CURRENT_USER() being the account that matched.
func newUser(ctx *sql.Context) sql.Expression {
	text := ""
	if s := sessionOf(ctx); s != nil {
		text = s.login.User + "@" + s.login.Host
	}
	return expression.NewLiteral(text, types.LongText)
}

func newLocate(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	if len(args) < 2 || len(args) > 3 {
		return nil, sql.ErrInvalidArgumentNumber.New("locate", "2 or 3", len(args))
	}
	return newPosition("locate", args...), nil
}

// position finds a string in another one, as the collation of the two compares.
type position struct {
	expression.NaryExpression // the string sought, the string searched, perhaps the first position
	name                      string
}

func newPosition(name string, args ...sql.Expression) sql.Expression {
	return &position{expression.NaryExpression{ChildExpressions: args}, name}
}

var _ sql.FunctionExpression = (*position)(nil)

func (p *position) FunctionName() string { return p.name }
func (p *position) Description() string  { return "finds a string in another one" }

func (p *position) Type(*sql.Context) sql.Type { return types.Int64 }

func (p *position) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (p *position) String() string {
	list := make([]string, len(p.ChildExpressions))
	for i, c := range p.ChildExpressions {
		list[i] = c.String()
	}
	return fmt.Sprintf("%s(%s)", p.name, strings.Join(list, ","))
}

func (p *position) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return newPosition(p.name, ch...), nil
}

func (p *position) Eval(ctx *sql.Context, r sql.Row) (any, error) {
	texts := make([]string, 2)
	for i := range texts {
		v, err := p.ChildExpressions[i].Eval(ctx, r)
		if err != nil || v == nil {
			return nil, err
		}
		t, _, err := types.LongText.Convert(ctx, v)
		if err != nil {
			return nil, err
		}
		if t, err = sql.UnwrapAny(ctx, t); err != nil {
			return nil, err
		}
		texts[i], _ = t.(string)
	}
	from := int64(1)
	if len(p.ChildExpressions) == 3 {
		v, err := p.ChildExpressions[2].Eval(ctx, r)
		if err != nil || v == nil {
			return nil, err
		}
		n, _, err := types.Int64.Convert(ctx, v)
		if err != nil {
			return nil, err
		}
		from = n.(int64)
	}
	coll, _ := sql.GetCoercibility(ctx, p.ChildExpressions[0])
	if c, strength := sql.GetCoercibility(ctx, p.ChildExpressions[1]); strength <= 2 || coll == sql.Collation_Unspecified {
		coll = c
	}
	return find(coll, texts[0], texts[1], from), nil
}

// find returns the position, in characters from 1, of sub in s at or after from; 0: nowhere.
func find(coll sql.CollationID, sub, s string, from int64) int64 {
	runes, want := []rune(s), []rune(sub)
	if from < 1 || from > int64(len(runes))+1 {
		return 0
	}
	c := collate.For(uint16(coll))
	same := func(a, b rune) bool { return a == b }
	if c != nil {
		same = func(a, b rune) bool {
			return a == b || string(c.AppendWeights(nil, []byte(string(a)))) == string(c.AppendWeights(nil, []byte(string(b))))
		}
	}
	for i := int(from) - 1; i+len(want) <= len(runes); i++ {
		hit := true
		for j := 0; hit && j < len(want); j++ {
			hit = same(runes[i+j], want[j])
		}
		if hit {
			return int64(i + 1)
		}
	}
	return 0
}

// secToTime is SEC_TO_TIME.
type secToTime struct{ expression.UnaryExpressionStub }

func newSecToTime(_ *sql.Context, x sql.Expression) sql.Expression {
	return &secToTime{expression.UnaryExpressionStub{Child: x}}
}

func (s *secToTime) Type(*sql.Context) sql.Type { return types.Time }
func (s *secToTime) String() string             { return fmt.Sprintf("sec_to_time(%s)", s.Child) }
func (s *secToTime) WithChildren(ctx *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(s, len(ch), 1)
	}
	return newSecToTime(ctx, ch[0]), nil
}

func (s *secToTime) Eval(ctx *sql.Context, r sql.Row) (any, error) {
	v, err := s.Child.Eval(ctx, r)
	if err != nil || v == nil {
		return nil, err
	}
	f, _, err := types.Float64.Convert(ctx, v)
	if err != nil {
		return nil, err
	}
	return types.Time.MicrosecondsToTimespan(int64(f.(float64) * 1e6)), nil
}

// lastInsertID is LAST_INSERT_ID(expr), whose value the statement's OK has for an insert id.
type lastInsertID struct{ *function.LastInsertId }

func newLastInsertID(ctx *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	f, err := function.NewLastInsertId(ctx, args...)
	if err != nil || len(args) == 0 {
		return f, err
	}
	return lastInsertID{f.(*function.LastInsertId)}, nil
}

func (l lastInsertID) WithChildren(ctx *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return newLastInsertID(ctx, ch...)
}

func (l lastInsertID) Eval(ctx *sql.Context, r sql.Row) (any, error) {
	v, err := l.LastInsertId.Eval(ctx, r)
	if n, ok := sqlInteger(v); ok && err == nil {
		if x := executionOf(ctx); x != nil {
			id := uint64(n)
			x.lastArg = &id
		}
	}
	return v, err
}
