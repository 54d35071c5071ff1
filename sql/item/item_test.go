package item

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	builtin "github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
)

// column is an operand whose type is all that counts.
func column(t sql.Type) sql.Expression { return expression.NewGetField(0, t, "c", true) }

func text(n int64) sql.Type {
	return types.MustCreateString(sqltypes.VarChar, n, sql.Collation_utf8mb4_general_ci)
}

var (
	tinyint   = column(types.Int8)
	smallintU = column(types.Uint16)
	integer4  = column(types.Int32)
	bigint    = column(types.Int64)
	bigintU   = column(types.Uint64)
	dec52     = column(types.MustCreateDecimalType(5, 2))
	dec104    = column(types.MustCreateDecimalType(10, 4))
	double    = column(types.Float64)
	varchar   = column(text(10))
	day       = column(types.Date)
	moment0   = column(types.MustCreateDatetimeType(sqltypes.Datetime, 0))
	moment3   = column(types.MustCreateDatetimeType(sqltypes.Datetime, 3))
	clock     = column(types.Time)
	year      = column(types.Year)
	null      = expression.NewLiteral(nil, types.Null)
	one       = expression.NewLiteral(int8(1), types.Int8)
	six       = expression.NewLiteral(int8(6), types.Int8)
)

// shown is an expression's static type: what MySQL calls its data type, its digits where they are exact, and its decimals.
func shown(c *sql.Context, e sql.Expression) string {
	a := Of(c, e)
	u := ""
	if a.Unsigned {
		u = " unsigned"
	}
	switch a.Kind {
	case Null:
		return "null"
	case Int:
		return "int" + u
	case Decimal:
		return fmt.Sprintf("decimal(%d,%d)%s", a.Prec, a.Dec, u)
	case Real:
		if a.Dec < notFixed {
			return fmt.Sprintf("double(%d)", a.Dec)
		}
		return "double"
	case String:
		return "text " + a.Coll.Name()
	case Date:
		return "date"
	case Datetime:
		return fmt.Sprintf("datetime(%d)", a.Dec)
	case Time:
		return "time"
	case Year:
		return "year"
	}
	return fmt.Sprint("kind ", a.Kind)
}

// give is what package item makes of an expression.
func give(t *testing.T, c *sql.Context, e sql.Expression) sql.Expression {
	t.Helper()
	out, err := (&Env{}).Expr(c, e, false)
	if err != nil {
		t.Fatalf("%s: %v", e, err)
	}
	if out == nil {
		return e
	}
	return out
}

func call(t *testing.T, c *sql.Context, name string, args ...sql.Expression) sql.Expression {
	t.Helper()
	switch name {
	case "greatest", "least":
		return give(t, c, NewPending(name, args))
	case "+", "-", "*":
		return give(t, c, expression.NewArithmetic(args[0], args[1], name))
	case "/":
		return give(t, c, expression.NewDiv(args[0], args[1]))
	case "%":
		return give(t, c, expression.NewMod(args[0], args[1]))
	case "div":
		return give(t, c, expression.NewIntDiv(args[0], args[1]))
	}
	for _, f := range builtin.BuiltIns {
		if strings.EqualFold(f.FunctionName(), name) {
			e, err := f.NewInstance(c, args)
			if err != nil {
				t.Fatal(err)
			}
			return give(t, c, e)
		}
	}
	t.Fatalf("no function %s", name)
	return nil
}

// TestTypes: the static type of operators and functions, by MySQL 8.0's rules (reference manual, 12.3, 12.5, 12.6, 12.25; the server's
// Item_func::resolve_type).
func TestTypes(t *testing.T) {
	c := sql.NewEmptyContext()
	for _, x := range []struct {
		name string
		args []sql.Expression
		want string
	}{
		{"+", []sql.Expression{tinyint, integer4}, "int"},
		{"+", []sql.Expression{smallintU, tinyint}, "int unsigned"},
		{"-", []sql.Expression{smallintU, tinyint}, "int unsigned"},
		{"+", []sql.Expression{dec52, integer4}, "decimal(13,2)"},
		{"+", []sql.Expression{dec52, dec104}, "decimal(11,4)"},
		{"*", []sql.Expression{dec52, dec104}, "decimal(15,6)"},
		{"+", []sql.Expression{dec52, double}, "double"},
		{"+", []sql.Expression{varchar, tinyint}, "double"},
		{"+", []sql.Expression{day, tinyint}, "int"},
		{"+", []sql.Expression{moment3, tinyint}, "decimal(18,3)"},
		{"+", []sql.Expression{year, tinyint}, "int unsigned"},
		{"/", []sql.Expression{tinyint, integer4}, "decimal(7,4)"},
		{"/", []sql.Expression{dec52, integer4}, "decimal(9,6)"},
		{"/", []sql.Expression{double, integer4}, "double"},
		{"%", []sql.Expression{dec52, dec104}, "decimal(10,4)"},
		{"div", []sql.Expression{dec52, tinyint}, "int"},
		{"ifnull", []sql.Expression{tinyint, smallintU}, "int"},
		{"ifnull", []sql.Expression{integer4, bigintU}, "decimal(21,0)"},
		{"ifnull", []sql.Expression{tinyint, null}, "int"},
		{"ifnull", []sql.Expression{dec52, dec104}, "decimal(10,4)"},
		{"ifnull", []sql.Expression{dec52, double}, "double"},
		{"ifnull", []sql.Expression{varchar, tinyint}, "text utf8mb4_general_ci"},
		{"coalesce", []sql.Expression{day, moment3}, "datetime(3)"},
		{"coalesce", []sql.Expression{day, null}, "date"},
		{"coalesce", []sql.Expression{year, year}, "year"},
		{"if", []sql.Expression{tinyint, day, varchar}, "text utf8mb4_general_ci"},
		{"nullif", []sql.Expression{dec52, double}, "decimal(5,2)"},
		{"greatest", []sql.Expression{smallintU, one}, "int"},
		{"greatest", []sql.Expression{bigintU, bigint}, "decimal(21,0)"},
		{"least", []sql.Expression{dec52, tinyint}, "decimal(5,2)"},
		{"least", []sql.Expression{day, day}, "date"},
		{"abs", []sql.Expression{dec52}, "decimal(5,2)"},
		{"abs", []sql.Expression{varchar}, "double"},
		{"floor", []sql.Expression{dec52}, "int"},
		{"ceil", []sql.Expression{double}, "double(0)"},
		{"round", []sql.Expression{dec104, one}, "decimal(8,1)"},
		{"truncate", []sql.Expression{dec104, one}, "decimal(7,1)"},
		{"round", []sql.Expression{dec52, six}, "decimal(9,6)"},
		{"truncate", []sql.Expression{dec52, six}, "decimal(9,6)"},
		{"round", []sql.Expression{double, one}, "double(1)"},
		{"round", []sql.Expression{integer4, one}, "int"},
		{"sign", []sql.Expression{dec52}, "int"},
		{"year", []sql.Expression{day}, "int"},
		{"length", []sql.Expression{varchar}, "int"},
		{"field", []sql.Expression{varchar, varchar}, "int"},
		{"substring_index", []sql.Expression{varchar, varchar, one}, "text utf8mb4_general_ci"},
		{"lpad", []sql.Expression{varchar, one, varchar}, "text utf8mb4_general_ci"},
	} {
		if got := shown(c, call(t, c, x.name, x.args...)); got != x.want {
			t.Errorf("%s of %s: %s, want %s", x.name, typesOf(c, x.args), got, x.want)
		}
	}
}

func typesOf(c *sql.Context, list []sql.Expression) string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = shown(c, e)
	}
	return strings.Join(out, ", ")
}

// TestComparedAs: what two operands are compared as (reference manual, 12.3).
func TestComparedAs(t *testing.T) {
	c := sql.NewEmptyContext()
	word := expression.NewLiteral("x", text(1))
	span := expression.NewLiteral("01:00:00", text(8))
	for _, x := range []struct {
		l, r sql.Expression
		want way
	}{
		{tinyint, bigintU, asInt}, {tinyint, dec52, asDecimal}, {tinyint, double, asReal}, {tinyint, varchar, asReal},
		{varchar, varchar, asText}, {varchar, word, asText}, {day, moment3, asMoment}, {day, varchar, asMoment}, {moment0, clock, asMoment},
		{clock, span, asSpan}, {clock, varchar, asText}, {clock, clock, asSpan}, {clock, tinyint, asReal}, {year, one, asInt},
		{null, varchar, asText}, {null, tinyint, asInt},
	} {
		l, r := Of(c, x.l), Of(c, x.r)
		if got := wayOf(&l, &r); got != x.want {
			t.Errorf("%s with %s: %d, want %d", shown(c, x.l), shown(c, x.r), got, x.want)
		}
		if got := wayOf(&r, &l); got != x.want {
			t.Errorf("%s with %s: %d, want %d", shown(c, x.r), shown(c, x.l), got, x.want)
		}
	}
}

// TestQuotients: a quotient is the same whether 128 bits hold it or not.
func TestQuotients(t *testing.T) {
	texts := []string{"0", "0.00", "1", "-1", "3", "-7.5", "0.001", "99999999.99", "-123456789.123456789", "18446744073709551615", "0.000000000000000001", "1e3", "7e-20", "12345678901234567890.5"}
	quick := 0
	for _, x := range texts {
		for _, y := range texts {
			a, _, err := apd.NewFromString(x)
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := apd.NewFromString(y)
			if err != nil {
				t.Fatal(err)
			}
			if b.IsZero() {
				continue
			}
			for _, decimals := range []int{0, 9, 18, 27} {
				got := quickQuotient(a, b, decimals)
				if got == nil {
					continue
				}
				quick++
				down, z, want := wide, new(apd.Decimal), new(apd.Decimal)
				down.Rounding = apd.RoundDown
				_, _ = down.Quo(z, a, b)
				_, _ = down.Quantize(want, z, int32(-decimals))
				if want.IsZero() {
					want.Negative = false
				}
				if got.Text('f') != want.Text('f') || got.Exponent != want.Exponent {
					t.Errorf("%s / %s to %d decimals: %s, want %s", x, y, decimals, got, want)
				}
			}
		}
	}
	if quick < 100 {
		t.Errorf("%d quotients only", quick)
	}
}
