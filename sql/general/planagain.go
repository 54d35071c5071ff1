package general

import (
	"reflect"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
)

// repeats says whether a statement's plan may be used again; the zero value: not known yet.
type repeats uint8

const (
	always repeats = iota + 1
	never
)

// pureFunctions give the same for the same arguments and settings, whenever and by whomever they are called, and keep nothing.
var pureFunctions = map[string]bool{}

// sessionFunctions read the session or the clock when they are evaluated, which is no part of analysis where no table is read.
var sessionFunctions = map[string]bool{}

func init() {
	for _, name := range strings.Fields(`abs acos ascii asin atan atan2 avg bin bit_and bit_count bit_length bit_or bit_xor ceil ceiling char_length
		character_length coalesce concat concat_ws conv cos cot count crc32 date date_add date_format date_sub datediff day dayname dayofmonth dayofweek
		dayofyear degrees elt exp field find_in_set floor format from_days from_unixtime greatest hex hour if ifnull inet_aton inet_ntoa instr isnull lcase
		least left length ln locate log log10 log2 lower lpad ltrim makedate max md5 microsecond mid min minute mod month monthname nullif oct octet_length
		ord pi position pow power quarter radians repeat replace reverse right round rpad rtrim sec_to_time second sha sha1 sha2 sign sin space sqrt
		std stddev stddev_pop stddev_samp str_to_date strcmp substr substring substring_index sum tan time time_to_sec timestamp to_days truncate ucase
		unhex upper var_pop var_samp variance week weekday weekofyear year yearweek`) {
		pureFunctions[name] = true
	}
	for _, name := range strings.Fields("connection_id current_user database found_rows last_insert_id now current_timestamp row_count schema user session_user system_user version") {
		sessionFunctions[name] = true
	}
}

// plansAgain reports whether nothing in a statement but what its key holds has a say in its plan.
func plansAgain(st *Statement) bool {
	if st.Class != Read || st.locking || st.listsDatabases || st.keepsWarnings {
		return false
	}
	if _, ok := st.ast.(sqlparser.SelectStatement); !ok {
		return false
	}
	tableless := readsNoTable(st.ast)
	ok := true
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		ok = ok && plansNode(n, tableless)
		return ok, nil
	}, st.ast)
	return ok
}

// readsNoTable recognises SELECT @@version, DATABASE(): nothing is looked up, so nothing is computed before the statement runs.
func readsNoTable(st sqlparser.Statement) bool {
	sel, ok := st.(*sqlparser.Select)
	if !ok || sel.Where != nil || sel.Having != nil || sel.GroupBy != nil || sel.OrderBy != nil || len(sel.From) > 1 || hasSubquery(sel) {
		return false
	}
	if len(sel.From) == 0 {
		return true
	}
	t, ok := sel.From[0].(*sqlparser.AliasedTableExpr)
	if !ok {
		return false
	}
	name, ok := t.Expr.(sqlparser.TableName)
	return ok && grammar.IsDual(name)
}

func plansNode(n sqlparser.SQLNode, tableless bool) bool {
	switch n := n.(type) {
	case *sqlparser.With:
		return n == nil
	case *sqlparser.Into:
		return n == nil
	case *sqlparser.AliasedTableExpr:
		_, values := n.Expr.(*sqlparser.ValuesStatement)
		return n.AsOf == nil && !n.Lateral && !values
	case sqlparser.TableExpr:
		switch n.(type) {
		case *sqlparser.ParenTableExpr, *sqlparser.JoinTableExpr:
			return true
		}
		return false
	case *sqlparser.ColName:
		name := n.Name.String()
		return !strings.HasPrefix(name, "@") || tableless && strings.HasPrefix(name, "@@")
	case *sqlparser.FuncExpr:
		name := n.Name.Lowered()
		if tableless && sessionFunctions[name] && len(n.Exprs) == 0 {
			return true
		}
		return pureFunctions[name] && n.Over == nil && n.Qualifier.IsEmpty()
	case *sqlparser.ComparisonExpr:
		op := strings.ToLower(n.Operator)
		return !strings.Contains(op, "regexp") && !strings.Contains(op, "rlike")
	case sqlparser.InjectedExpr:
		switch n.Expression.(type) {
		case keptLiteral, keptOperand:
			return true
		}
		return false
	case sqlparser.Expr:
		switch n.(type) {
		case *sqlparser.AndExpr, *sqlparser.OrExpr, *sqlparser.XorExpr, *sqlparser.NotExpr, *sqlparser.ParenExpr, *sqlparser.RangeCond, *sqlparser.IsExpr,
			*sqlparser.ExistsExpr, *sqlparser.SQLVal, *sqlparser.NullVal, sqlparser.BoolVal, sqlparser.ValTuple, *sqlparser.Subquery, *sqlparser.BinaryExpr,
			*sqlparser.UnaryExpr, *sqlparser.IntervalExpr, *sqlparser.CollateExpr, *sqlparser.ExtractFuncExpr, *sqlparser.CaseExpr, *sqlparser.ConvertExpr,
			*sqlparser.SubstrExpr, *sqlparser.TrimExpr, *sqlparser.ConvertUsingExpr, *sqlparser.CharExpr, *sqlparser.GroupConcatExpr:
			return true
		}
		return false
	}
	return true
}

// statelessPackages hold the expressions of which plans that are kept may consist. Subqueries, in package plan, keep results.
var statelessPackages = map[string]bool{
	"github.com/dolthub/go-mysql-server/sql/expression":                      true,
	"github.com/dolthub/go-mysql-server/sql/expression/function":             true,
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation": true,
	"github.com/zoryadb/zorya/sql/item":                                      true,
	"github.com/zoryadb/zorya/sql/exact":                                     true,
	"github.com/zoryadb/zorya/sql/general":                                   true,
	"github.com/zoryadb/zorya/sql/rules":                                     true,
	"github.com/zoryadb/zorya/sql/windows":                                   true,
}

// keepsNothing reports whether an expression keeps nothing from one execution to the next.
func keepsNothing(e sql.Expression) bool {
	ok := true
	sql.Inspect(nil, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e.(type) {
		case nil:
			return true
		case *expression.DistinctExpression, sql.ExpressionWithNodes, *match:
			ok = false
		default:
			t := reflect.TypeOf(e)
			if t.Kind() == reflect.Pointer {
				t = t.Elem()
			}
			ok = ok && statelessPackages[t.PkgPath()]
		}
		return ok
	})
	return ok
}

func hasSubquery(sel *sqlparser.Select) (found bool) {
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n.(type) {
		case *sqlparser.Subquery, *sqlparser.ExistsExpr:
			found = true
		}
		return !found, nil
	}, sel)
	return found
}
