package general

import (
	"maps"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// mysql.user, mysql.password_history and information_schema.USER_ATTRIBUTES.

// accountsTable is mysql.user: the library's with the columns that it leaves empty. It is read-only: accounts are changed by the statements for accounts.
func accountsTable(e *Engine, name string) *ownTable {
	t, _, _ := e.mysqlDB().GetTableInsensitive(nil, "user") // it is there, and gives no error
	schema := t.Schema(nil)
	at := map[string]int{}
	for i, c := range schema {
		at[c.Name] = i
	}
	return &ownTable{name: name, schema: schema, rows: func(c *sql.Context) (out []sql.Row, _ error) {
		for _, a := range e.allAccounts() {
			row, err := mysql_db.UserToRow(c, a.user)
			if err != nil {
				return nil, err
			}
			set := func(column string, v any) { row[at[column]] = v }
			o := a.options
			set("max_questions", uint32(o.Queries))
			set("max_updates", uint32(o.Updates))
			set("max_connections", uint32(o.Connections))
			set("max_user_connections", uint32(o.UserConnections))
			if o.Expired {
				set("password_expired", uint16(2))
			}
			for column, n := range map[string]*int64{"password_lifetime": o.Lifetime, "Password_reuse_history": o.History, "Password_reuse_time": o.ReuseDays} {
				if n != nil {
					set(column, uint16(*n))
				}
			}
			if o.RequireCurrent != nil {
				set("Password_require_current", map[bool]uint16{false: 1, true: 2}[*o.RequireCurrent])
			}
			if details := userDetails(o); len(details) > 0 {
				set("User_attributes", types.JSONDocument{Val: details})
			}
			out = append(out, row)
		}
		return out, nil
	}}
}

// userDetails is mysql.user.User_attributes.
func userDetails(o accountOptions) map[string]any {
	out := map[string]any{}
	if len(o.Attributes) > 0 {
		out["metadata"] = o.Attributes
	}
	if o.Secondary != "" {
		out["additional_password"] = o.Secondary
	}
	if o.FailedLogins != 0 || o.LockDays != 0 {
		out["Password_locking"] = map[string]any{"failed_login_attempts": o.FailedLogins, "password_lock_time_days": o.LockDays}
	}
	return out
}

// allAccounts are all accounts and roles in order, as they are now; not to be changed.
func (e *Engine) allAccounts() []accountDraft {
	options := e.allOptions()
	var out []accountDraft
	rd := e.mysqlDB().Reader()
	rd.VisitUsers(func(u *mysql_db.User) {
		out = append(out, accountDraft{user: u, options: options[authID{u.User, u.Host}]})
	})
	rd.Close()
	slices.SortFunc(out, func(a, b accountDraft) int {
		return compareIDs(authID{a.user.User, a.user.Host}, authID{b.user.User, b.user.Host})
	})
	return out
}

// passwordHistoryTable is mysql.password_history.
func passwordHistoryTable(e *Engine, name string) *ownTable {
	return &ownTable{name: name, schema: mysqlColumns(name, "Host", varchar255, "User", varchar32, "Password_timestamp", timestamp6, "Password", types.Text), rows: func(*sql.Context) (out []sql.Row, _ error) {
		options := e.allOptions()
		for _, id := range slices.SortedFunc(maps.Keys(options), compareIDs) {
			for _, old := range options[id].Former {
				out = append(out, sql.Row{id.Host, id.User, old.Set, old.Hash})
			}
		}
		return out, nil
	}}
}

// userAttributesTable is information_schema.USER_ATTRIBUTES: of all accounts for those who may read the database mysql or make users, for others their own.
func userAttributesTable(e *Engine) *ownTable {
	return &ownTable{name: "USER_ATTRIBUTES", schema: infoColumns("USER_ATTRIBUTES", "USER", "HOST", "ATTRIBUTE"), rows: func(c *sql.Context) (out []sql.Row, _ error) {
		s := sessionOf(c)
		all := s.mayRead(c, "mysql") || s.Allowed("CREATE USER")
		for _, a := range e.allAccounts() {
			if !all && (authID{a.user.User, a.user.Host}) != (authID{s.login.AccountUser, s.login.AccountHost}) {
				continue
			}
			row := sql.Row{a.user.User, a.user.Host, nil}
			if text := attributeText(a.options); text != "" {
				row[2] = text
			}
			out = append(out, row)
		}
		return out, nil
	}}
}
