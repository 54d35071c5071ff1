package builtin

import (
	"slices"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
)

// Lacking are functions that the library lacks, by name.
var Lacking = map[string]sql.Function{}

// Replaced are functions in the place of the library's of the same names.
var Replaced = map[string]sql.Function{}

// ReplaceBuiltins puts our own functions in the place of the library's that answer otherwise than MySQL, and adds some that it lacks.
// It changes the library's package variable, so it runs once.
var ReplaceBuiltins = sync.OnceFunc(func() {
	own := map[string]sql.Function{}
	for _, f := range []sql.Function{
		sql.NewFunction0("user", newUser), sql.NewFunction0("session_user", newUser), sql.NewFunction0("system_user", newUser),
		sql.FunctionN{Name: "last_insert_id", Fn: newLastInsertID},
		sql.Function4{Name: "insert", Fn: newInsertText}, sql.Function1{Name: "soundex", Fn: newSoundex},
		sql.Function1{Name: "crc32", Fn: newCRC32},
		sql.FunctionN{Name: PlaceFunction, Fn: newIntervalIndex},
	} {
		own[f.FunctionName()] = f
	}
	for _, f := range Replaced {
		own[f.FunctionName()] = f
	}
	for _, f := range slices.Concat(clockFunctions(), jsonReaders(), jsonCalls()) {
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

// Session is what functions ask of the session that calls them: the context's.
type Session interface {
	// Login is the account as the client named itself.
	Login() (user, host string)
	// Execution tells executions of statements from each other; nil outside of one.
	Execution() any
	// GiveInsertID tells what LAST_INSERT_ID(expr) was given.
	GiveInsertID(id uint64)
}

// newUser is USER(): the client as it named itself, CURRENT_USER() being the account that matched.
func newUser(ctx *sql.Context) sql.Expression {
	text := ""
	if s, ok := ctx.Session.(Session); ok {
		user, host := s.Login()
		text = user + "@" + host
	}
	return expression.NewLiteral(text, types.LongText)
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
	if n, ok := datum.Integer(v); ok && err == nil {
		if s, ok := ctx.Session.(Session); ok {
			s.GiveInsertID(uint64(n))
		}
	}
	return v, err
}
