package general

import (
	"errors"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// databaseDDL does not go through the library: its catalog lock would make all databases wait for one.
func (s *Session) databaseDDL(c *sql.Context, n *sqlparser.DBDDL) (*Result, bool, error) {
	if err := s.authorize(c, n.Auth); err != nil {
		return nil, true, err
	}
	name := n.DBName
	if grammar.SystemSchema(name) {
		if n.IfNotExists && !strings.EqualFold(name, sql.InformationSchemaDatabaseName) { // as dumps of all databases have it
			e := mysqlerr.New(mysqlerr.ER_DB_CREATE_EXISTS, name)
			c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
			return &Result{Affected: 1}, true, nil
		}
		return nil, true, s.deniedSchema(name)
	}
	switch strings.ToLower(n.Action) {
	case sqlparser.CreateStr:
		return s.createDatabase(c, n, name)
	case sqlparser.DropStr:
		res, err := s.dropDatabase(c, n, name)
		return res, true, err
	case sqlparser.AlterStr:
		db, err := s.schemaNamed(c, name)
		if err != nil {
			return nil, true, err
		}
		coll, err := charsetCollation(n.CharsetCollate, db.GetCollation(c))
		if err != nil {
			return nil, true, err
		}
		return &Result{Affected: 1}, true, db.SetCollation(c, coll)
	}
	return nil, false, nil
}

// deniedSchema refuses DDL in a schema that is the server's own.
func (s *Session) deniedSchema(name string) error {
	return mysqlerr.New(mysqlerr.ER_DBACCESS_DENIED_ERROR, s.login.User, s.login.Host, name)
}

func (s *Session) createDatabase(c *sql.Context, n *sqlparser.DBDDL, name string) (*Result, bool, error) {
	if name == "" || hidden(name) || strings.HasSuffix(name, " ") {
		return nil, true, mysqlerr.New(mysqlerr.ER_WRONG_DB_NAME, name)
	}
	if len([]rune(name)) > sql.MaxIdentifierLength {
		return nil, true, mysqlerr.New(mysqlerr.ER_TOO_LONG_IDENT, name)
	}
	coll, err := charsetCollation(n.CharsetCollate, serverCollation(c))
	if err != nil {
		return nil, true, err
	}
	err = (&provider{s.e}).CreateCollatedDatabase(c, name, coll)
	if errors.Is(err, table.ErrSchemaExists) {
		e := mysqlerr.New(mysqlerr.ER_DB_CREATE_EXISTS, name)
		if !n.IfNotExists {
			return nil, true, e
		}
		c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
		err = nil
	}
	return &Result{Affected: 1}, true, err
}

func serverCollation(c *sql.Context) sql.CollationID {
	if id, err := sql.ParseCollation("", sessionText(c, "collation_server"), false); err == nil && id != 0 {
		return id
	}
	return tabledef.DefaultCollation
}

func charsetCollation(list []*sqlparser.CharsetAndCollate, d sql.CollationID) (sql.CollationID, error) {
	charset, coll := "", ""
	for _, cc := range list {
		switch {
		case strings.EqualFold(cc.Type, "encryption") && strings.EqualFold(cc.Value, "n"):
		case strings.EqualFold(cc.Type, "encryption") && strings.EqualFold(cc.Value, "y"):
			return 0, mysqlerr.NewMessage(3185, "Can't find master key from keyring, please check in the server log if a keyring is loaded and initialized successfully.")
		case strings.EqualFold(cc.Type, "encryption"):
			return 0, mysqlerr.NewMessage(1525, "Incorrect argument (should be Y or N) value: '%s'", cc.Value)
		case strings.EqualFold(cc.Type, "collate"):
			coll = cc.Value
		default:
			charset = cc.Value
		}
	}
	if charset == "" && coll == "" {
		return d, nil
	}
	return sql.ParseCollation(charset, coll, false)
}
