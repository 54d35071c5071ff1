package general

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What the library's privileges by database and table do not say: tables of the server's own that everybody may read, or that only PROCESS reads.

// worldTables are the tables of performance_schema that every account reads.
var worldTables = []string{"global_status", "global_variables", "keyring_keys", "performance_timers", "persisted_variables", "processlist", "session_account_connect_attrs",
	"session_status", "session_variables", "user_defined_functions", "variables_info"}

// openTables leaves out of what a statement asks the tables that everybody may read. The error is 1227, for the tables of information_schema that PROCESS reads.
func openTables(c *sql.Context, auth sqlparser.AuthInformation) (sqlparser.AuthInformation, error) {
	if auth.AuthType != sqlparser.AuthType_SELECT || !aboutTables(auth) {
		return auth, nil
	}
	var names []string
	for i := 0; i+1 < len(auth.TargetNames); i += 2 {
		db, name := auth.TargetNames[i], strings.ToLower(auth.TargetNames[i+1])
		switch strings.ToLower(cmp.Or(db, c.GetCurrentDatabase())) {
		case "performance_schema":
			if slices.Contains(worldTables, name) {
				if x := executionOf(c); x != nil {
					x.world = true
				}
				continue
			}
		case sql.InformationSchemaDatabaseName:
			if s := sessionOf(c); s != nil && (name == "files" || strings.HasPrefix(name, "innodb_")) && !s.mayGlobal(c, sql.PrivilegeType_Process) {
				return auth, mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "PROCESS")
			}
		}
		names = append(names, db, auth.TargetNames[i+1])
	}
	if len(names) == len(auth.TargetNames) {
		return auth, nil
	}
	auth.TargetNames = names
	if len(names) == 0 {
		auth.AuthType, auth.TargetType = sqlparser.AuthType_IGNORE, sqlparser.AuthTargetType_Ignore
	}
	return auth, nil
}

// aboutTables reports whether privileges on tables are asked for.
func aboutTables(auth sqlparser.AuthInformation) bool {
	return auth.TargetType == sqlparser.AuthTargetType_SingleTableIdentifier || auth.TargetType == sqlparser.AuthTargetType_MultipleTableIdentifiers
}

// deniedTable makes the library's answer to an account that has no privilege in a table's database MySQL's, which names the table: 1142.
func deniedTable(c *sql.Context, auth sqlparser.AuthInformation, err error) error {
	if err == nil || !aboutTables(auth) || !sql.ErrDatabaseAccessDeniedForUser.Is(err) {
		return err
	}
	set := sessionOf(c).e.mysqlDB().UserActivePrivilegeSet(c)
	for i := 0; i+1 < len(auth.TargetNames); i += 2 {
		db := cmp.Or(auth.TargetNames[i], c.GetCurrentDatabase())
		if !strings.EqualFold(db, sql.InformationSchemaDatabaseName) && !set.Database(db).HasPrivileges() {
			me := sessionOf(c).login
			verb := auth.AuthType
			if _, rows := columnVerbs[verb]; !rows && verb != sqlparser.AuthType_DELETE {
				verb = verbOf(c)
			}
			return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "%s command denied to user '%s'@'%s' for table '%s'", verb, me.User, me.Host, auth.TargetNames[i+1])
		}
	}
	return err
}

// Database implements sql.Catalog: performance_schema is everybody's, by name and in a statement that reads tables of it that are; mysql is not, though the library
// shows it to all.
func (c *catalog) Database(ctx *sql.Context, name string) (sql.Database, error) {
	if s := sessionOf(ctx); s != nil && strings.EqualFold(name, "mysql") && !s.mayEnter(ctx, name) {
		return nil, sql.ErrDatabaseAccessDeniedForUser.New("'"+s.login.AccountUser+"'@'"+s.login.AccountHost+"'", name)
	}
	db, err := c.Catalog.Database(ctx, name)
	if x := executionOf(ctx); err != nil && x != nil && x.world && strings.EqualFold(name, "performance_schema") && sql.ErrDatabaseAccessDeniedForUser.Is(err) {
		return c.e.monitorDatabase(name), nil
	}
	return db, err
}

// mayEnter reports whether the account has any privilege in a database.
func (s *Session) mayEnter(c *sql.Context, db string) bool {
	if s.login.AccountUser == "" && s.login.AccountHost == "" {
		return true
	}
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	return set.Count() > 0 || set.Database(db).HasPrivileges()
}
