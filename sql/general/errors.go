package general

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// mapError turns any error into MySQL's: its own pass through, the engine's and the library's are translated. c may be nil.
func mapError(c *sql.Context, err error) error {
	if err == nil {
		return nil
	}
	err = translated(c, err)
	noteForeignKey(c, err)
	return err
}

func translated(c *sql.Context, err error) error {
	var own *mysqlerr.Error
	if errors.As(unwrapGMS(err), &own) {
		return own
	}
	if e := engineError(c, err); e != nil {
		return e.Because(err)
	}
	if e := contextError(c, err); e != nil {
		return e
	}
	cause := unwrapGMS(err)
	if e := engineError(c, cause); e != nil {
		return e.Because(err)
	}
	var se *mysql.SQLError
	if errors.As(cause, &se) && se.Num != mysql.ERUnknownError {
		return mysqlerr.Signal(mysqlerr.Code(se.Num), stateOf(se), se.Message).Because(err)
	}
	return libraryError(c, cause).Because(err)
}

func stateOf(se *mysql.SQLError) string {
	if s := mysqlerr.State(mysqlerr.Code(se.Num)); s != mysqlerr.UnknownState || se.State == "" {
		return s
	}
	return se.State
}

// unwrapGMS removes the library's wrappers, which do not implement Unwrap.
func unwrapGMS(err error) error {
	for range 8 {
		switch w := err.(type) {
		case sql.WrappedInsertError:
			err = w.Cause
			continue
		case sql.WrappedTypeConversionError:
			err = w.Err
			continue
		case sql.IgnorableError:
			return err
		}
		break
	}
	return err
}

func engineError(c *sql.Context, err error) *mysqlerr.Error {
	switch {
	case errors.Is(err, table.ErrLockTimeout):
		return mysqlerr.New(mysqlerr.ER_LOCK_WAIT_TIMEOUT)
	case errors.Is(err, table.ErrDeadlock):
		return mysqlerr.New(mysqlerr.ER_LOCK_DEADLOCK)
	case errors.Is(err, table.ErrLocked):
		return mysqlerr.NewMessage(3572, "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set.")
	case errors.Is(err, table.ErrKilled):
		return mysqlerr.New(mysqlerr.ER_QUERY_INTERRUPTED)
	case errors.Is(err, table.ErrDefChanged):
		return mysqlerr.New(mysqlerr.ER_TABLE_DEF_CHANGED)
	case errors.Is(err, table.ErrReadOnly):
		return mysqlerr.New(mysqlerr.ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
	case errors.Is(err, table.ErrAutoIncFull):
		return mysqlerr.New(mysqlerr.ER_AUTOINC_READ_FAILED)
	case errors.Is(err, table.ErrTooBig):
		return mysqlerr.New(mysqlerr.ER_TOO_BIG_ROWSIZE, 65535)
	case errors.Is(err, table.ErrClosed):
		return mysqlerr.New(mysqlerr.ER_SERVER_SHUTDOWN)
	case errors.Is(err, table.ErrSchemaExists):
		return mysqlerr.NewMessage(mysqlerr.ER_DB_CREATE_EXISTS, "%s", "Can't create database; database exists")
	case errors.Is(err, table.ErrNoTable):
		return noSuchTable(c, "")
	case errors.Is(err, table.ErrNoSchema):
		return mysqlerr.NewMessage(mysqlerr.ER_BAD_DB_ERROR, "Unknown database")
	case errors.Is(err, table.ErrTableExists):
		return mysqlerr.NewMessage(mysqlerr.ER_TABLE_EXISTS_ERROR, "Table already exists")
	}
	return nil
}

// contextError explains a cancelled context: its cause, if that is an error for the client.
func contextError(c *sql.Context, err error) error {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if c != nil {
		var own *mysqlerr.Error
		if errors.As(context.Cause(c), &own) {
			return own
		}
	}
	return mysqlerr.New(mysqlerr.ER_QUERY_INTERRUPTED).Because(err)
}

// pattern translates one message of the library.
type pattern struct {
	re   *regexp.Regexp
	make func(c *sql.Context, m []string) *mysqlerr.Error
}

func args(code mysqlerr.Code, groups ...int) func(*sql.Context, []string) *mysqlerr.Error {
	return func(_ *sql.Context, m []string) *mysqlerr.Error {
		list := make([]any, len(groups))
		for i, g := range groups {
			list[i] = m[g]
		}
		return mysqlerr.New(code, list...)
	}
}

func text(code mysqlerr.Code, format string, groups ...int) func(*sql.Context, []string) *mysqlerr.Error {
	return func(_ *sql.Context, m []string) *mysqlerr.Error {
		list := make([]any, len(groups))
		for i, g := range groups {
			list[i] = m[g]
		}
		return mysqlerr.NewMessage(code, format, list...)
	}
}

// notUpdatable is the error of a statement that would change a view or a derived table.
func notUpdatable(c *sql.Context, verb string) *mysqlerr.Error {
	name := ""
	if s := sessionOf(c); s != nil && s.cur != nil {
		name = targetOf(s.cur.st.ast)
	}
	if verb == "INSERT" || verb == "REPLACE" {
		return mysqlerr.NewMessage(mysqlerr.ER_NON_INSERTABLE_TABLE, "The target table %s of the INSERT is not insertable-into", name)
	}
	return mysqlerr.New(mysqlerr.ER_NON_UPDATABLE_TABLE, name, verb)
}

// targetOf names the table that a statement writes, by its alias if it has one.
func targetOf(st sqlparser.Statement) string {
	var from sqlparser.TableExprs
	switch n := st.(type) {
	case *sqlparser.Insert:
		return n.Table.Name.String()
	case *sqlparser.Update:
		from = n.TableExprs
	case *sqlparser.Delete:
		from = n.TableExprs
	}
	for len(from) > 0 {
		switch t := from[0].(type) {
		case *sqlparser.AliasedTableExpr:
			if name, ok := t.Expr.(sqlparser.TableName); ok && t.As.IsEmpty() {
				return name.Name.String()
			}
			return t.As.String()
		case *sqlparser.JoinTableExpr:
			from = sqlparser.TableExprs{t.LeftExpr}
			continue
		}
		break
	}
	return ""
}

func numbered(code mysqlerr.Code, name, number int) func(*sql.Context, []string) *mysqlerr.Error {
	return func(_ *sql.Context, m []string) *mysqlerr.Error {
		n := 1
		if number > 0 {
			n, _ = strconv.Atoi(m[number]) // the pattern matched digits
		}
		return mysqlerr.New(code, m[name], n)
	}
}

func p(expr string, f func(*sql.Context, []string) *mysqlerr.Error) pattern {
	return pattern{regexp.MustCompile(`(?s)^` + expr), f}
}

// patterns are tried in order. They are on the error path only.
var patterns []pattern

func init() {
	patterns = []pattern{
		p(`(?:duplicate (?:primary|unique) key given.*?)?`+dupMarker+`(.*)\x00(.*)\x00(.*?)(?:: |$)`, duplicateError),
		p(`table not found: ([^,]*)`, func(c *sql.Context, m []string) *mysqlerr.Error { return noSuchTable(c, m[1]) }),
		p(`Unknown table '(.*)'`, func(c *sql.Context, m []string) *mysqlerr.Error { return unknownTable(c, m[1]) }),
		p(`table with name (.*) already exists`, args(mysqlerr.ER_TABLE_EXISTS_ERROR, 1)),
		p(`database not found: ([^,]*)`, args(mysqlerr.ER_BAD_DB_ERROR, 1)),
		p(`no database selected`, args(mysqlerr.ER_NO_DB_ERROR)),
		p(`can't create database (.*); database exists`, args(mysqlerr.ER_DB_CREATE_EXISTS, 1)),
		p(`column "(.*?)" could not be found in any table in scope`, func(c *sql.Context, m []string) *mysqlerr.Error { return unknownColumn(c, m[1]) }),
		p(`table "(.*?)" does not have column "(.*?)"`, func(c *sql.Context, m []string) *mysqlerr.Error { return unknownColumn(c, m[2]) }),
		p(`Unknown column '(.*)' in '(.*)'`, func(c *sql.Context, m []string) *mysqlerr.Error {
			if strings.HasSuffix(m[2], " clause") {
				return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, m[1], m[2])
			}
			return unknownColumn(c, m[1])
		}),
		p(`column "(.*?)" does not exist in scope, but there is an alias`, func(c *sql.Context, m []string) *mysqlerr.Error { return unknownColumn(c, m[1]) }),
		p(`unknown column: '(.*)' in index`, args(mysqlerr.ER_KEY_COLUMN_DOES_NOT_EXITS, 1)),
		p(`unknown columns to index for table "?.*?"?: (.*)`, args(mysqlerr.ER_KEY_COLUMN_DOES_NOT_EXITS, 1)),
		p(`key column '(.*)' doesn't exist in table`, args(mysqlerr.ER_KEY_COLUMN_DOES_NOT_EXITS, 1)),
		p(`ambiguous column name "(.*?)"`, func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_NON_UNIQ_ERROR, m[1], clauseOf(c, m[1]))
		}),
		p(`ambiguous column or alias name "(.*?)"`, func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_NON_UNIQ_ERROR, m[1], clauseOf(c, m[1]))
		}),
		p(`Column "(.*?)" in order clause is ambiguous`, text(mysqlerr.ER_NON_UNIQ_ERROR, "Column '%s' in order clause is ambiguous", 1)),
		p(`Column "(.*?)" already exists`, args(mysqlerr.ER_DUP_FIELDNAME, 1)),
		p("duplicate column name: `(.*)`", args(mysqlerr.ER_DUP_FIELDNAME, 1)),
		p(`Not unique table/alias: (.*)`, args(mysqlerr.ER_NONUNIQ_TABLE, 1)),
		p(`Duplicate key name '(.*)'`, args(mysqlerr.ER_DUP_KEYNAME, 1)),
		p("Identifier name '(.*)' is too long", args(mysqlerr.ER_TOO_LONG_IDENT, 1)),
		p(`column name '(.*)' is non-nullable but attempted to set a value of null`, args(mysqlerr.ER_BAD_NULL_ERROR, 1)),
		p(`Field '(.*)' doesn't have a default value`, args(mysqlerr.ER_NO_DEFAULT_FOR_FIELD, 1)),
		p(`string '.*' is too large for column '(.*)'`, numbered(mysqlerr.ER_DATA_TOO_LONG, 1, 0)),
		p(`Check constraint "(.*?)" violated`, args(mysqlerr.ER_CHECK_CONSTRAINT_VIOLATED, 1)),
		p("cannot add or update a child row - Foreign key violation on fk: `(.*)`, table: `(.*)`, referenced table: `(.*)`, key: `(.*)`", func(c *sql.Context, m []string) *mysqlerr.Error {
			return foreignKeyError(c, mysqlerr.ER_NO_REFERENCED_ROW_2, m)
		}),
		p("cannot delete or update a parent row - Foreign key violation on fk: `(.*)`, table: `(.*)`, referenced table: `(.*)`, key: `(.*)`", func(c *sql.Context, m []string) *mysqlerr.Error {
			return foreignKeyError(c, mysqlerr.ER_ROW_IS_REFERENCED_2, m)
		}),
		p("cannot add or update a child row: a foreign key constraint fails \\((.*)\\)", args(mysqlerr.ER_NO_REFERENCED_ROW_2, 1)),
		p(`(?:error: )?can't drop '(.*)'; check that column/key exists`, args(mysqlerr.ER_CANT_DROP_FIELD_OR_KEY, 1)),
		p(`Invalid default value for '(.*)'`, args(mysqlerr.ER_INVALID_DEFAULT, 1)),
		p(`(?:error: )?Multiple primary keys defined`, args(mysqlerr.ER_MULTIPLE_PRI_KEY)),
		p(`(?:error: )?(?:incorrect table definition: )?there can be only one auto`, args(mysqlerr.ER_WRONG_AUTO_KEY)),
		p(`All parts of PRIMARY KEY must be NOT NULL`, args(mysqlerr.ER_PRIMARY_CANT_HAVE_NULL)),
		p(`There's no spatial reference with SRID (\d+)`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.Signal(3548, "SR001", "There's no spatial reference system with SRID "+m[1]+".")
		}),
		p(`the view (.*?)\.(.*) already exists`, args(mysqlerr.ER_TABLE_EXISTS_ERROR, 2)),
		p(`the view (.*?)\.(.*) does not exist`, func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_BAD_TABLE_ERROR, m[1]+"."+m[2])
		}),
		p(`View '(.*)\.(.*)' references invalid`, args(mysqlerr.ER_VIEW_INVALID, 1, 2)),
		p(`trigger "(.*)" does not exist`, args(mysqlerr.ER_TRG_DOES_NOT_EXIST)),
		p(`stored procedure "(.*)" already exists`, text(mysqlerr.ER_SP_ALREADY_EXISTS, "PROCEDURE %s already exists", 1)),
		p(`stored procedure "(.*)" does not exist`, func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_SP_DOES_NOT_EXIST, "PROCEDURE %s does not exist", qualify(c, m[1]))
		}),
		p("`(.*)` expected `(\\d+)` parameters but got `(\\d+)`", func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_SP_WRONG_NO_OF_ARGS, "Incorrect number of arguments for PROCEDURE %s; expected %s, got %s", qualify(c, m[1]), m[2], m[3])
		}),
		p(`Event '(.*)' already exists`, args(mysqlerr.ER_EVENT_ALREADY_EXISTS, 1)),
		p(`(?:Unknown event|Event) '(.*)'`, args(mysqlerr.ER_EVENT_DOES_NOT_EXIST, 1)),
		p("function: '(.*)' not found", func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION %s does not exist", qualify(c, m[1]))
		}),
		p(`function '(.*?)' expected .* arguments?, .* received`, text(mysqlerr.ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT,
			"Incorrect parameter count in the call to native function '%s'", 1)),
		p(`Unknown system variable '(?:@@)?(?:(?:session|global|local)\.)?(.*)'`, args(mysqlerr.ER_UNKNOWN_SYSTEM_VARIABLE, 1)),
		p(`Variable '(.*)' is a read only variable`, text(mysqlerr.ER_INCORRECT_GLOBAL_LOCAL_VAR, "Variable '%s' is a read only variable", 1)),
		p(`Variable '(.*)' is a SESSION variable`, text(mysqlerr.ER_LOCAL_VARIABLE, "Variable '%s' is a SESSION variable and can't be used with SET GLOBAL", 1)),
		p(`Variable '(.*)' is a GLOBAL variable`, text(mysqlerr.ER_GLOBAL_VARIABLE, "Variable '%s' is a GLOBAL variable and should be set with SET GLOBAL", 1)),
		p(`Variable '(.*)' can't be set to the value of '(.*)'`, args(mysqlerr.ER_WRONG_VALUE_FOR_VAR, 1, 2)),
		p(`Unknown or incorrect time zone: (.*)`, args(mysqlerr.ER_UNKNOWN_TIME_ZONE, 1)),
		p(`Unknown prepared statement handler \((.*)\) given to (\S+)`, args(mysqlerr.ER_UNKNOWN_STMT_HANDLER, 1, 2)),
		p(`number of values does not match number of columns provided`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_WRONG_VALUE_COUNT_ON_ROW, 1)
		}),
		p(`Column count doesn't match value count at row (\d+)`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			n, _ := strconv.Atoi(m[1])
			return mysqlerr.New(mysqlerr.ER_WRONG_VALUE_COUNT_ON_ROW, n)
		}),
		p(`column '(.*)' specified twice`, args(mysqlerr.ER_FIELD_SPECIFIED_TWICE, 1)),
		p(`(?:the subquery returned more than 1 row)`, args(mysqlerr.ER_SUBQUERY_NO_1_ROW)),
		p(`Result consisted of more than one row`, args(mysqlerr.ER_TOO_MANY_ROWS)),
		p(`operand should have (\d+) columns?`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			n, _ := strconv.Atoi(m[1])
			return mysqlerr.New(mysqlerr.ER_OPERAND_COLUMNS, n)
		}),
		p(`(?i)the used SELECT statements have a different number of columns`, args(mysqlerr.ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT)),
		p(`in aggregated query without GROUP BY, expression #(\d+) of SELECT list contains nonaggregated column '(.*?)'`, text(mysqlerr.ER_MIX_OF_GROUP_FUNC_AND_FIELDS,
			"In aggregated query without GROUP BY, expression #%s of SELECT list contains nonaggregated column '%s'; this is incompatible with sql_mode=only_full_group_by", 1, 2)),
		p(`(?i)expression #(\d+) of SELECT list is not in GROUP BY clause.*?'(.*?)'`, text(mysqlerr.ER_WRONG_FIELD_WITH_GROUP,
			"Expression #%s of SELECT list is not in GROUP BY clause and contains nonaggregated column '%s' which is not functionally dependent on columns in GROUP BY clause; this is incompatible with sql_mode=only_full_group_by", 1, 2)),
		p(`Invalid use of group function`, args(mysqlerr.ER_INVALID_GROUP_FUNC_USE)),
		p(`Incorrect datetime value: '(.*)'`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongTime(c, m[1]) }),
		p(`value "?(.*?)"? is outside of .* range`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongTime(c, m[1]) }),
		p(`value (.*) is not a valid (?:Time|Year)`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongTime(c, m[1]) }),
		p(`(?:error: )?'(.*)' is not a valid value for '(.*)'`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongValue(c, m[1], m[2]) }),
		p(`value (.*) is not a valid Decimal`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongValue(c, m[1], "decimal") }),
		p(`(.*) out of range for (.*)`, func(c *sql.Context, m []string) *mysqlerr.Error { return outOfRange(c, m[1], m[2]) }),
		p(`Out of range value for column of Decimal type (.*)`, func(c *sql.Context, m []string) *mysqlerr.Error { return outOfRange(c, m[1], "decimal") }),
		p(`.*BIGINT (?:UNSIGNED )?value is out of range(.*)`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_DATA_OUT_OF_RANGE, "%s", m[0])
		}),
		p(`Data truncated for column '(.*)' at row (\d+)`, numbered(mysqlerr.WARN_DATA_TRUNCATED, 1, 2)),
		p(`Truncated incorrect (.*?) value: (.*)`, text(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Truncated incorrect %s value: '%s'", 1, 2)),
		p(`Incorrect string value: '(.*)' for column '(.*)' at row (\d+)`, text(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "Incorrect string value: '%s' for column '%s' at row %s", 1, 2, 3)),
		p(`Invalid JSON text: (.*)`, text(3140, "Invalid JSON text: %s", 1)),
		p(`Invalid JSON text in argument (.*)`, text(3141, "Invalid JSON text in argument %s", 1)),
		p(`The value specified for generated column "(.*?)" in table "(.*?)" is not allowed`, text(3105,
			"The value specified for generated column '%s' in table '%s' is not allowed.", 1, 2)),
		p(`default value attempted to return null but column is non-nullable`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_BAD_NULL_ERROR, "")
		}),
		p(`blob/text column '(.*)' used in key specification without a key length`, args(mysqlerr.ER_BLOB_KEY_WITHOUT_LENGTH, 1)),
		p(`incorrect prefix key`, args(mysqlerr.ER_WRONG_SUB_KEY)),
		p(`specified key was too long; max key length is (\d+) bytes`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_TOO_LONG_KEY, 3072)
		}),
		p(`Unknown collation: (.*)`, args(mysqlerr.ER_UNKNOWN_COLLATION, 1)),
		p(`Unknown character set: (.*)`, args(mysqlerr.ER_UNKNOWN_CHARACTER_SET, 1)),
		p(`COLLATION '(.*)' is not valid for CHARACTER SET '(.*)'`, args(mysqlerr.ER_COLLATION_CHARSET_MISMATCH, 1, 2)),
		p(`Access denied for user (.*) to database '(.*)'`, text(mysqlerr.ER_DBACCESS_DENIED_ERROR, "Access denied for user %s to database '%s'", 1, 2)),
		p(`Access denied for user (.*) to table '(.*)'`, func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "%s command denied to user %s for table '%s'", verbOf(c), m[1], m[2])
		}),
		p(`command denied to user (.*)`, deniedError),
		p(`Operation (CREATE|ALTER|DROP) (USER|ROLE) failed for (.*)`, text(mysqlerr.ER_CANNOT_USER, "Operation %s %s failed for %s", 1, 2, 3)),
		p(`You are not allowed to create a user with GRANT`, args(mysqlerr.ER_CANT_CREATE_USER_WITH_GRANT)),
		p(`There is no such grant defined for user '(.*)' on host '(.*)'`, args(mysqlerr.ER_NONEXISTING_GRANT, 1, 2)),
		p(`Unknown authorization ID (.*)`, text(3523, "Unknown authorization ID %s", 1)),
		p(`expected a table and found view: '(.*)' `, func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_WRONG_OBJECT, "'%s' is not BASE TABLE", qualify(c, m[1]))
		}),
		p(`'(.*)' is not VIEW`, func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_WRONG_OBJECT, "'%s' is not VIEW", qualify(c, m[1]))
		}),
		p(`table doesn't support (INSERT INTO|REPLACE INTO|UPDATE|DELETE FROM)`, func(c *sql.Context, m []string) *mysqlerr.Error {
			return notUpdatable(c, strings.Fields(m[1])[0])
		}),
		p(`expected insert destination to be resolved or unresolved table`, func(c *sql.Context, _ []string) *mysqlerr.Error {
			return notUpdatable(c, "INSERT")
		}),
		p(`database is not updatable|The target table (.*) of the (\S+) is not updatable`, text(mysqlerr.ER_NON_UPDATABLE_TABLE, "The target table %s of the %s is not updatable", 1, 2)),
		p(`WITH RECURSIVE iteration limit exceeded`, text(3636, "Recursive query aborted after 1001 iterations. Try increasing @@cte_max_recursion_depth to a larger value.")),
		p(`unsupported (?:feature|syntax): (.*)`, args(mysqlerr.ER_NOT_SUPPORTED_YET, 1)),
		p(`Invalid regular expression: (.*)`, text(3696, "The regular expression contains an error: %s", 1)),
		p(`invalid arguments\. expected: (\d+), found: (\d+)`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "EXECUTE")
		}),
		p(`unbound variable`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "EXECUTE")
		}),
		p(`Incorrect database name '(.*)'`, args(mysqlerr.ER_WRONG_DB_NAME, 1)),
		p(`SAVEPOINT (.*) does not exist`, text(mysqlerr.ER_SP_DOES_NOT_EXIST, "SAVEPOINT %s does not exist", 1)),
		p(`LOAD DATA is unable to open file: (.*)`, text(mysqlerr.ER_FILE_NOT_FOUND, "File not found: %s", 1)),
		p(`File '(.*)' already exists`, args(mysqlerr.ER_FILE_EXISTS_ERROR, 1)),
		p(`The MySQL server is running with the --secure-file-priv option`, text(mysqlerr.ER_OPTION_PREVENTS_STATEMENT,
			"The MySQL server is running with the --secure-file-priv option so it cannot execute this statement")),
	}
}

// libraryError translates by message: the library's kinds are many, and some are not exported.
func libraryError(c *sql.Context, err error) *mysqlerr.Error {
	msg := err.Error()
	for i := range patterns {
		if m := patterns[i].re.FindStringSubmatch(msg); m != nil {
			return patterns[i].make(c, m)
		}
	}
	if strings.HasPrefix(msg, "Code: INVALID_ARGUMENT") || strings.Contains(msg, "syntax error at position") {
		src := ""
		if c != nil {
			src = c.Query()
		}
		return parseError(src, msg)
	}
	return mysqlerr.NewMessage(mysqlerr.ER_UNKNOWN_ERROR, "%s", msg)
}

// dupMarker opens the text that the editor gives a duplicate key: value, table, index.
const dupMarker = "\x00dup\x00"

func duplicateText(value, tableName, indexName string) string {
	return dupMarker + value + "\x00" + tableName + "\x00" + indexName
}

func duplicateError(_ *sql.Context, m []string) *mysqlerr.Error {
	return mysqlerr.NewMessage(mysqlerr.ER_DUP_ENTRY, "Duplicate entry '%s' for key '%s.%s'", m[1], m[2], m[3])
}

// noSuchTable is 1146 with the database that the statement looked in.
func noSuchTable(c *sql.Context, name string) *mysqlerr.Error {
	if s := sessionOf(c); s != nil && s.cur != nil && s.cur.missing != [2]string{} {
		if m := s.cur.missing; name == "" || strings.EqualFold(m[1], name) {
			return mysqlerr.New(mysqlerr.ER_NO_SUCH_TABLE, m[0], m[1])
		}
	}
	db := ""
	if c != nil && c.Session != nil {
		db = c.GetCurrentDatabase()
	}
	if i := strings.IndexByte(name, '.'); i > 0 {
		db, name = name[:i], name[i+1:]
	} else if q := qualifierOf(c, name); q != "" {
		db = q
	}
	if strings.EqualFold(db, sql.InformationSchemaDatabaseName) {
		return mysqlerr.New(mysqlerr.ER_UNKNOWN_TABLE, name, sql.InformationSchemaDatabaseName)
	}
	return mysqlerr.New(mysqlerr.ER_NO_SUCH_TABLE, db, name)
}

// qualifierOf is the database that the running statement names a table with.
func qualifierOf(c *sql.Context, name string) (db string) {
	x := executionOf(c)
	if x == nil || x.st == nil {
		return ""
	}
	node, ok := x.st.ast.(sqlparser.SQLNode)
	if !ok {
		return ""
	}
	_ = sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
		if t, ok := n.(sqlparser.TableName); ok && db == "" && strings.EqualFold(t.Name.String(), name) {
			db = t.DbQualifier.String()
		}
		return true, nil
	}, node)
	return db
}

func unknownTable(c *sql.Context, name string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.ER_UNKNOWN_TABLE, name, clauseOf(c, name))
}

func qualify(c *sql.Context, name string) string {
	if strings.Contains(name, ".") || c == nil || c.Session == nil {
		return name
	}
	return c.GetCurrentDatabase() + "." + name
}

func unknownColumn(c *sql.Context, name string) *mysqlerr.Error {
	if s := sessionOf(c); s != nil && s.cur != nil {
		if set, ok := s.cur.st.ast.(*sqlparser.Set); ok {
			for _, x := range set.Exprs {
				if x.Name != nil && x.Name.Name.EqualString(name) {
					return mysqlerr.New(mysqlerr.ER_UNKNOWN_SYSTEM_VARIABLE, name)
				}
			}
		}
	}
	return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, clauseOf(c, name))
}

// clauseOf finds the clause of the current statement that names a column, for messages.
func clauseOf(c *sql.Context, name string) string {
	const list = "field list"
	s := sessionOf(c)
	if s == nil || s.cur == nil {
		return list
	}
	sel, ok := s.cur.st.ast.(*sqlparser.Select)
	if !ok {
		switch n := s.cur.st.ast.(type) {
		case *sqlparser.Update:
			if n.Where != nil && names(n.Where, name) && !names(n.Exprs, name) {
				return "where clause"
			}
		case *sqlparser.Delete:
			return "where clause"
		}
		return list
	}
	for _, part := range []struct {
		node sqlparser.SQLNode
		text string
	}{{sel.SelectExprs, list}, {sel.From, "on clause"}, {sel.Where, "where clause"}, {sel.GroupBy, "group statement"},
		{sel.Having, "having clause"}, {sel.OrderBy, "order clause"}} {
		if names(part.node, name) {
			return part.text
		}
	}
	return list
}

// names reports whether a syntax tree names a column, as t.c or c.
func names(n sqlparser.SQLNode, name string) bool {
	if n == nil {
		return false
	}
	last := name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		last = name[i+1:]
	}
	found := false
	_ = sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
		if col, ok := n.(*sqlparser.ColName); ok && col.Name.EqualString(last) {
			found = true
		}
		return !found, nil
	}, n)
	return found
}

// foreignKeyError prints the constraint as MySQL does.
func foreignKeyError(c *sql.Context, code mysqlerr.Code, m []string) *mysqlerr.Error {
	detail := fmt.Sprintf("`%s`, CONSTRAINT `%s`", m[2], m[1])
	if s := sessionOf(c); s != nil && s.cur != nil {
		if f, schema := s.findForeignKey(c, m[2], m[1]); f != nil {
			detail = fmt.Sprintf("`%s`.`%s`, %s", schema, m[2], f.text(schema))
		}
	}
	return mysqlerr.New(code, detail)
}

// findForeignKey looks for a constraint among the tables that the statement opened.
func (s *Session) findForeignKey(c *sql.Context, tableName, name string) (*foreignKey, string) {
	for k := range s.cur.opened {
		if !strings.EqualFold(k[1], tableName) {
			continue
		}
		d, err := s.e.catalog.Definition(c, k[0], k[1])
		if err != nil {
			continue
		}
		var a tableAttrs
		if fromJSON(d.Attrs, &a) != nil {
			continue
		}
		for i := range a.FKs {
			if strings.EqualFold(a.FKs[i].Name, name) {
				return &a.FKs[i], k[0]
			}
		}
	}
	return nil, ""
}

func wrongTime(c *sql.Context, v string) *mysqlerr.Error {
	for _, kind := range []string{"date", "datetime", "timestamp", "time"} {
		if col := columnOfKind(c, kind); col != "" {
			shown := kind
			if kind == "timestamp" {
				shown = "datetime"
			}
			return mysqlerr.NewMessage(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect %s value: '%s' for column '%s' at row 1", shown, v, col)
		}
	}
	return mysqlerr.NewMessage(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect datetime value: '%s'", v)
}

// columnOfKind names a written column of exactly this type, parameters aside.
func columnOfKind(c *sql.Context, kind string) string {
	s := sessionOf(c)
	if s == nil || s.cur == nil || s.cur.st.Class != Write {
		return ""
	}
	for _, t := range s.cur.opened {
		m, err := s.e.metas.get(c, t.Def())
		if err != nil {
			continue
		}
		for _, col := range m.schema {
			base, _, _ := strings.Cut(strings.ToLower(col.Type.String()), "(")
			if base == kind && s.cur.writes(col.Name) {
				return col.Name
			}
		}
	}
	return ""
}

func wrongValue(c *sql.Context, v, typ string) *mysqlerr.Error {
	kind := "integer"
	switch {
	case strings.HasPrefix(typ, "date"), strings.HasPrefix(typ, "time"):
		return wrongTime(c, v)
	case strings.HasPrefix(typ, "dec"):
		kind = "decimal"
	case strings.HasPrefix(typ, "float"), strings.HasPrefix(typ, "double"):
		kind = "double"
	}
	return mysqlerr.NewMessage(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "Incorrect %s value: '%s' for column '%s' at row 1", kind, v, columnByType(c, typ))
}

func outOfRange(c *sql.Context, v, typ string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, columnByType(c, typ), 1)
}

// columnByType names the column that a conversion failed for: the library tells its type only, so it is
// named when the statement's tables have one such column among those it writes.
func columnByType(c *sql.Context, typ string) string {
	s := sessionOf(c)
	if s == nil || s.cur == nil {
		return ""
	}
	var found []string
	for _, t := range s.cur.opened {
		m, err := s.e.metas.get(c, t.Def())
		if err != nil {
			continue
		}
		for _, col := range m.schema {
			if strings.HasPrefix(strings.ToLower(col.Type.String()), strings.ToLower(strings.TrimSpace(typ))) && s.cur.writes(col.Name) {
				found = append(found, col.Name)
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// writes reports whether the statement names a column as one that it sets.
func (x *execution) writes(name string) bool {
	switch n := x.st.ast.(type) {
	case *sqlparser.Insert:
		if len(n.Columns) == 0 {
			return true
		}
		for _, col := range n.Columns {
			if col.EqualString(name) {
				return true
			}
		}
		return false
	case *sqlparser.Update:
		return names(n.Exprs, name)
	}
	return true
}

func verbOf(c *sql.Context) string {
	if c == nil {
		return "SELECT"
	}
	word, _, _ := strings.Cut(strings.TrimSpace(c.Query()), " ")
	return strings.ToUpper(word)
}

func deniedError(c *sql.Context, m []string) *mysqlerr.Error {
	s := sessionOf(c)
	if s != nil && s.cur != nil {
		switch n := s.cur.st.ast.(type) {
		case *sqlparser.Select:
			if t := firstTable(n.From); t != "" {
				return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "SELECT command denied to user %s for table '%s'", m[1], t)
			}
		case *sqlparser.Insert:
			return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "INSERT command denied to user %s for table '%s'", m[1], n.Table.Name.String())
		case *sqlparser.Update:
			return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "UPDATE command denied to user %s for table '%s'", m[1], firstTable(n.TableExprs))
		case *sqlparser.Delete:
			return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "DELETE command denied to user %s for table '%s'", m[1], firstTable(n.TableExprs))
		case *sqlparser.DDL:
			return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "%s command denied to user %s for table '%s'", verbOf(c), m[1], n.Table.Name.String())
		case *sqlparser.DBDDL:
			return mysqlerr.NewMessage(mysqlerr.ER_DBACCESS_DENIED_ERROR, "Access denied for user %s to database '%s'", m[1], n.DBName)
		}
	}
	return mysqlerr.NewMessage(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "Access denied; you need the required privilege(s) for this operation")
}

func firstTable(from sqlparser.TableExprs) string {
	for _, e := range from {
		if a, ok := e.(*sqlparser.AliasedTableExpr); ok {
			if t, ok := a.Expr.(sqlparser.TableName); ok {
				return t.Name.String()
			}
		}
	}
	return ""
}

var positionRE = regexp.MustCompile(`syntax error at position (\d+)(?: near '(.*)')?`)

// parseError is 1064 in MySQL's words: from the offending token to the end, 80 characters at most.
func parseError(src, msg string) *mysqlerr.Error {
	m := positionRE.FindStringSubmatch(msg)
	pos := len(src)
	if m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			pos = n
		}
		pos = startOf(src, pos, m[2])
	}
	return parseErrorAt(src, pos)
}

// startOf finds where the token that ends near pos begins.
func startOf(src string, pos int, token string) int {
	pos = min(max(pos, 0), len(src))
	if token != "" {
		if i := strings.LastIndex(strings.ToLower(src[:min(pos+1, len(src))]), strings.ToLower(token)); i >= 0 {
			return i
		}
	}
	if strings.TrimSpace(src[pos:]) == "" {
		return len(src)
	}
	return pos
}

func parseErrorAt(src string, pos int) *mysqlerr.Error {
	pos = min(pos, len(src))
	line := 1 + strings.Count(src[:pos], "\n")
	near := src[pos:]
	if len(near) > 80 {
		near = near[:80]
	}
	return mysqlerr.NewMessage(mysqlerr.ER_PARSE_ERROR, "You have an error in your SQL syntax; check the manual that corresponds to your "+
		"MySQL server version for the right syntax to use near '%s' at line %d", near, line)
}

func (s *Session) vitessError(text string, err error) error { return parseError(text, err.Error()) }

// syntaxError is 1064 at an offset of text.
func (s *Session) syntaxError(text string, at int) error { return parseErrorAt(text, at) }
