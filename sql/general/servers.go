package general

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// CREATE, ALTER and DROP SERVER: definitions of other servers in mysql.servers. Only tables of the engine FEDERATED would use them, which is not here.

const (
	kindServer         = "server"
	codeServerExists   = 1476 // ER_FOREIGN_SERVER_EXISTS
	codeServerNotThere = 1477 // ER_FOREIGN_SERVER_DOESNT_EXIST
	maxServerOption    = 64   // characters of an option, but for a host's
	maxServerHost      = 255
)

// foreignServer is a row of mysql.servers.
type foreignServer struct {
	Name, Wrapper string
	Options       map[string]string // by the words of the statement
	Port          int32
}

func init() { systemTables["servers"] = serversTable }

func serversTable(e *Engine, name string) *ownTable {
	host := types.MustCreateStringWithDefaults(varchar255.Type(), maxServerHost)
	return &ownTable{name: name, schema: mysqlColumns(name, "Server_name", char64, "Host", host, "Db", char64, "Username", char64, "Password", char64, "Port", types.Int32,
		"Socket", char64, "Wrapper", char64, "Owner", char64), rows: func(c *sql.Context) (out []sql.Row, _ error) {
		list, err := e.catalog.Objects(c, kindServer, "")
		if err != nil {
			return nil, fmt.Errorf("read the servers: %w", err)
		}
		for _, o := range list {
			f, err := e.foreignServer(c, o.Name)
			if err != nil {
				return nil, err
			}
			if f != nil {
				out = append(out, sql.Row{f.Name, f.Options["HOST"], f.Options["DATABASE"], f.Options["USER"], f.Options["PASSWORD"], f.Port, f.Options["SOCKET"], f.Wrapper, f.Options["OWNER"]})
			}
		}
		slices.SortFunc(out, func(a, b sql.Row) int { return cmp.Compare(a[0].(string), b[0].(string)) })
		return out, nil
	}}
}

// foreignServer is the definition of a server, nil if there is none.
func (e *Engine) foreignServer(c *sql.Context, name string) (*foreignServer, error) {
	o, err := e.catalog.Object(c, kindServer, "", name)
	if err != nil || o == nil || o.Body == nil {
		return nil, err
	}
	f := &foreignServer{}
	if err := json.Unmarshal(o.Body, f); err != nil {
		return nil, fmt.Errorf("read server %s: %w", name, err)
	}
	return f, nil
}

// ownServerDefinition: {CREATE | ALTER | DROP} SERVER.
func (s *Session) ownServerDefinition(t *lexer.Cursor) (*Statement, error) {
	verb := t.Word(0)
	t.Pos += 2
	ifExists := verb == "DROP" && t.Accept("IF", "EXISTS")
	text, ok := t.Name()
	if !ok {
		text, ok = secretText(t)
	}
	if !ok {
		return nil, s.wrong(t)
	}
	f := foreignServer{Name: text, Options: map[string]string{}}
	if verb == "CREATE" {
		if !t.Accept("FOREIGN", "DATA", "WRAPPER") {
			return nil, s.wrong(t)
		}
		if f.Wrapper, ok = t.Name(); !ok {
			if f.Wrapper, ok = secretText(t); !ok {
				return nil, s.wrong(t)
			}
		}
	}
	if verb != "DROP" {
		if err := s.serverOptions(t, &f); err != nil {
			return nil, err
		}
	}
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		if err := s.lacks("SUPER"); err != nil {
			return nil, err
		}
		return s.changeServer(c, verb, f, ifExists)
	}})
}

// serverOptions reads OPTIONS (option value, ...).
func (s *Session) serverOptions(t *lexer.Cursor, f *foreignServer) error {
	if !t.Accept("OPTIONS", "(") {
		return s.wrong(t)
	}
	f.Port = -1
	for {
		word := t.Word(0)
		switch word {
		case "HOST", "DATABASE", "USER", "PASSWORD", "SOCKET", "OWNER":
			t.Pos++
			v, ok := secretText(t)
			if !ok {
				return s.wrong(t)
			}
			longest := maxServerOption
			if word == "HOST" {
				longest = maxServerHost
			}
			if len([]rune(v)) > longest {
				return mysqlerr.New(mysqlerr.ER_WRONG_STRING_LENGTH, v, word, longest)
			}
			f.Options[word] = v
		case "PORT":
			n, err := strconv.ParseUint(t.At(1), 10, 31)
			if err != nil {
				t.Pos++
				return s.wrong(t)
			}
			t.Pos += 2
			f.Port = int32(n)
		default:
			return s.wrong(t)
		}
		if t.Accept(")") {
			return nil
		}
		if !t.Accept(",") {
			return s.wrong(t)
		}
	}
}

// changeServer does what the statement says.
func (s *Session) changeServer(c *sql.Context, verb string, f foreignServer, ifExists bool) (*Result, error) {
	defer s.e.accounts.lock(nil)()
	have, err := s.e.foreignServer(c, f.Name)
	if err != nil {
		return nil, err
	}
	switch {
	case verb == "CREATE" && have != nil:
		return nil, mysqlerr.NewMessage(codeServerExists, "The foreign server, %s, you are trying to create already exists.", f.Name)
	case verb != "CREATE" && have == nil && ifExists:
		return &Result{}, nil
	case verb != "CREATE" && have == nil:
		return nil, mysqlerr.NewMessage(codeServerNotThere, "The foreign server name you are trying to reference does not exist. Data source error:  %s", f.Name)
	}
	o := table.Object{Kind: kindServer, Name: f.Name}
	if verb != "DROP" {
		if verb == "ALTER" {
			for option, v := range f.Options {
				have.Options[option] = v
			}
			if f.Port >= 0 {
				have.Port = f.Port
			}
			f = *have
		}
		f.Port = max(f.Port, 0)
		if o.Body, err = json.Marshal(f); err != nil {
			return nil, fmt.Errorf("write server %s: %w", f.Name, err)
		}
	}
	if err := s.e.catalog.PutObjects(c, o); err != nil {
		return nil, fmt.Errorf("write server %s: %w", f.Name, err)
	}
	affected := uint64(1)
	return &Result{Affected: affected}, nil
}
