package general

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

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

// dupMarker opens the text that the editor gives a duplicate key: value, table, index.
const dupMarker = "\x00dup\x00"

// jsonPathError is 3143, or 3149 for a path with a wildcard where one value is meant.
func jsonPathError(_ *sql.Context, m []string) *mysqlerr.Error {
	if strings.Contains(m[0], "* to an int") || strings.Contains(m[0], "**") {
		return mysqlerr.New(mysqlerr.ER_INVALID_JSON_PATH_WILDCARD)
	}
	return mysqlerr.NewMessage(mysqlerr.ER_INVALID_JSON_PATH, "Invalid JSON path expression. The error is around character position %s.", m[1])
}

func init() {
	patterns = []pattern{
		p(`(?:duplicate (?:primary|unique) key given.*?)?`+dupMarker+`(.*)\x00(.*)\x00(.*?)(?:: |$)`, duplicateError),
		p(`Foreign key cascade delete/update exceeds max depth of (\d+)`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_FK_DEPTH_EXCEEDED, maxCascade)
		}),
		p(`table not found: ([^,]*)`, func(c *sql.Context, m []string) *mysqlerr.Error { return noSuchTable(c, m[1]) }),
		p(`Unknown table '(.*)'`, func(c *sql.Context, m []string) *mysqlerr.Error { return unknownTable(c, m[1]) }),
		p(`table with name (.*) already exists`, args(mysqlerr.ER_TABLE_EXISTS_ERROR, 1)),
		p(`database not found: ([^,]*)`, args(mysqlerr.ER_BAD_DB_ERROR, 1)),
		p(`no database selected`, args(mysqlerr.ER_NO_DB_ERROR)),
		p(`can't create database (.*); database exists`, args(mysqlerr.ER_DB_CREATE_EXISTS, 1)),
		p(`column "(.*?)" could not be found in any table in scope`, func(c *sql.Context, m []string) *mysqlerr.Error { return unknownColumn(c, m[1]) }),
		p(`table "(.*?)" does not have column "(.*?)"`, func(c *sql.Context, m []string) *mysqlerr.Error { return unknownColumn(c, m[1]+"."+m[2]) }),
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
		p(`ambiguous column name "(.*?)"`, ambiguousColumn),
		p(`ambiguous column or alias name "(.*?)"`, ambiguousColumn),
		p(`column ordinal out of range: (\d+)`, func(c *sql.Context, m []string) *mysqlerr.Error { return unknownColumn(c, m[1]) }),
		p(`expected positive integer order by literal`, func(c *sql.Context, _ []string) *mysqlerr.Error { return unknownColumn(c, "0") }),
		p(`Column "(.*?)" in order clause is ambiguous`, text(mysqlerr.ER_NON_UNIQ_ERROR, "Column '%s' in order clause is ambiguous", 1)),
		p(`Column "(.*?)" already exists`, args(mysqlerr.ER_DUP_FIELDNAME, 1)),
		p("duplicate column name: `(.*)`", args(mysqlerr.ER_DUP_FIELDNAME, 1)),
		p(`Not unique table/alias: (.*)`, args(mysqlerr.ER_NONUNIQ_TABLE, 1)),
		p(`Duplicate key name '(.*)'`, args(mysqlerr.ER_DUP_KEYNAME, 1)),
		p(`strconv\.(?:ParseInt|Atoi): parsing "\d+": value out of range`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_TOO_BIG_DISPLAYWIDTH, "", uint32(math.MaxUint32)) // it does not say of which column
		}),
		p(`attempted to evaluate uninitialized subquery`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "a subquery that refers to the row in ON DUPLICATE KEY UPDATE")
		}),
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
		p("Invalid syntax: negative limit", func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "EXECUTE")
		}),
		p(`limit expression expected to be numeric or procedure parameter, found invalid column: (.*)`, func(c *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.Syntax(c.Query(), max(strings.LastIndex(c.Query(), m[1]), 0))
		}),
		p("cannot add or update a child row: a foreign key constraint fails \\((.*)\\)", args(mysqlerr.ER_NO_REFERENCED_ROW_2, 1)),
		p(`(?:error: )?can't drop '(.*)'; check that column/key exists`, args(mysqlerr.ER_CANT_DROP_FIELD_OR_KEY, 1)),
		p(`Invalid default value for '(.*)'`, args(mysqlerr.ER_INVALID_DEFAULT, 1)),
		p(`Invalid ON UPDATE clause for '(.*)' column`, args(mysqlerr.ER_INVALID_ON_UPDATE, 1)),
		p(`(?:error: )?Multiple primary keys defined`, args(mysqlerr.ER_MULTIPLE_PRI_KEY)),
		p(`(?:error: )?(?:incorrect table definition: )?there can be only one auto`, args(mysqlerr.ER_WRONG_AUTO_KEY)),
		p(`All parts of PRIMARY KEY must be NOT NULL`, args(mysqlerr.ER_PRIMARY_CANT_HAVE_NULL)),
		p(`All parts of a SPATIAL index must be NOT NULL`, args(mysqlerr.ER_SPATIAL_CANT_HAVE_NULL)),
		p(`a SPATIAL index may only contain a geometrical type column`, args(mysqlerr.ER_SPATIAL_MUST_HAVE_GEOM_COL)),
		p(`(?i)too many key parts specified; max (\d+) parts allowed`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_TOO_MANY_KEY_PARTS, "Too many key parts specified; max %s parts allowed", m[1])
		}),
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
		p(`Invalid argument to (NTILE|NTH_VALUE|LAG|LEAD)`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, strings.ToLower(m[1]))
		}),
		p(`incompatible type for default value: (.*)`, invalidDefault),
		p(`value (.*) (?:was not found in the set|is not valid for this set)`, wrongSetValue),
		p(`(?:TIMESTAMP|DATETIME|TIME) supports precision from 0 to 6`, tooPrecise),
		p(`length is (\d+) but max allowed is (\d+)`, tooLongColumn),
		p(`expression '.*': couldn't convert to json: Invalid JSON text: (.*)`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(3141, "Invalid JSON text in argument 1 to function cast_as_json: \"%s\" at position 0.", builtin.JSONFault(m[1]))
		}),
		p(`Invalid use of group function`, args(mysqlerr.ER_INVALID_GROUP_FUNC_USE)),
		p(`Incorrect datetime value: '(.*)'`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongTime(c, m[1]) }),
		p(`value "?(.*?)"? is outside of .* range`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongTime(c, m[1]) }),
		p(`value (.*) is not a valid (?:Time|Year)`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongTime(c, m[1]) }),
		p(`(?:error: )?'(.*)' is not a valid value for '(.*)'`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongValue(c, m[1], m[2]) }),
		p(`value (.*) is not a valid Decimal`, func(c *sql.Context, m []string) *mysqlerr.Error { return wrongValue(c, m[1], "decimal") }),
		p(`.* out of range for random_bytes`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_DATA_OUT_OF_RANGE, "length", "random_bytes")
		}),
		p(`Invalid argument to ESCAPE`, func(*sql.Context, []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "ESCAPE")
		}),
		p(`(.*) out of range for (.*)`, func(c *sql.Context, m []string) *mysqlerr.Error { return outOfRange(c, m[1], m[2]) }),
		p(`Out of range value for column of Decimal type (.*)`, func(c *sql.Context, m []string) *mysqlerr.Error { return outOfRange(c, m[1], "decimal") }),
		p(`.*BIGINT (?:UNSIGNED )?value is out of range(.*)`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.NewMessage(mysqlerr.ER_DATA_OUT_OF_RANGE, "%s", m[0])
		}),
		p(`Data truncated for column '(.*)' at row (\d+)`, numbered(mysqlerr.WARN_DATA_TRUNCATED, 1, 2)),
		p(`Truncated incorrect (.*?) value: (.*)`, text(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Truncated incorrect %s value: '%s'", 1, 2)),
		p(`Incorrect string value: '(.*)' for column '(.*)' at row (\d+)`, text(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "Incorrect string value: '%s' for column '%s' at row %s", 1, 2, 3)),
		p(`Invalid JSON path expression. .* at character (\d+) of (.*)`, jsonPathError),
		p(`Invalid JSON path expression. Path must start with`, func(c *sql.Context, _ []string) *mysqlerr.Error { return jsonPathError(c, []string{"", "1"}) }),
		p(`[Ii]nvalid data type for JSON data in argument (\d+) to function (\w+)`, text(mysqlerr.ER_INVALID_TYPE_FOR_JSON,
			"Invalid data type for JSON data in argument %s to function %s; a JSON string or JSON type is required.", 1, 2)),
		p(`JSON documents may not contain NULL member names`, args(mysqlerr.ER_JSON_DOCUMENT_NULL_KEY)),
		p(`The path expression '\$' is not allowed in this context`, args(mysqlerr.ER_JSON_VACUOUS_PATH)),
		p(`(?:A path|Path) expression is not a path to a cell in an array`, args(mysqlerr.ER_INVALID_JSON_PATH_ARRAY_CELL)),
		p(`JSON column '(.*)' supports indexing only via`, args(mysqlerr.ER_JSON_USED_AS_KEY, 1)),
		p(`missing value for JSON_TABLE column '(.*)'`, args(mysqlerr.ER_MISSING_JSON_TABLE_VALUE, 1)),
		p(`unsupported JSON function: (\w+)`, args(mysqlerr.ER_NOT_SUPPORTED_YET, 1)),
		p(`Invalid JSON text: (.*)`, text(3140, "Invalid JSON text: %s", 1)),
		p(`(?s)Invalid JSON text in argument (\d+) to function (\w+): "(.*)"$`, builtin.InvalidJSONArgument),
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
		p(`LOAD DATA is unable to open file: \w+ (.*): no such file or directory`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.EE_STAT, m[1], 2, "No such file or directory")
		}),
		p(`LOAD DATA is unable to open file: \w+ (.*): permission denied`, func(_ *sql.Context, m []string) *mysqlerr.Error {
			return mysqlerr.New(mysqlerr.EE_FILENOTFOUND, m[1], 13, "Permission denied")
		}),
		p(`LOAD DATA is unable to open file: (.*)`, text(mysqlerr.ER_FILE_NOT_FOUND, "File not found: %s", 1)),
		p(`File '(.*)' already exists`, args(mysqlerr.ER_FILE_EXISTS_ERROR, 1)),
		p(`The MySQL server is running with the --secure-file-priv option`, text(mysqlerr.ER_OPTION_PREVENTS_STATEMENT,
			"The MySQL server is running with the --secure-file-priv option so it cannot execute this statement")),
	}
	patterns = append(patterns, definitionPatterns()...)
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
		return grammar.SyntaxError(src, msg)
	}
	return mysqlerr.NewMessage(mysqlerr.ER_UNKNOWN_ERROR, "%s", msg)
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
