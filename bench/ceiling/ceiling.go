// Package ceiling is a MySQL server that computes nothing: it answers each statement of sysbench's OLTP scripts with
// rows of the right shape that never change. What a client gets from it is the most that any server built on
// our wire package could deliver on this machine in this minute, so shares of it can be compared between machines.
package ceiling

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"unicode"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// Serve answers clients on l until it is closed. user and password are the one account.
func Serve(l net.Listener, user, password string, maxConnections int) error {
	s, err := wire.NewServer(wire.Config{
		Backend:          backend{user, wire.HashNative(password)},
		ServerVersion:    "8.0.40-ceiling",
		DefaultPlugin:    wire.PluginNative,
		MaxConnections:   func() int { return maxConnections },
		MaxPreparedStmts: func() int { return 1 << 20 },
		Direct:           wire.DefaultDirect, // as Zorya's
		Log:              slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	return s.Serve(l)
}

type backend struct{ user, hash string }

func (b backend) Lookup(user, _ string) (wire.Account, bool, error) {
	return wire.Account{User: user, Host: "%", Plugin: wire.PluginNative, AuthString: b.hash}, user == b.user, nil
}

func (b backend) Connect(*wire.Conn, *wire.Login) (wire.Session, error) {
	return &session{status: wire.StatusAutocommit}, nil
}

type session struct{ status uint16 }

// answer is what a statement gets: rows of cols, or an OK when cols is nil.
type answer struct {
	cols  *wire.ColumnSet
	rows  int
	sum   bool // one number instead of text
	begin bool
	end   bool
}

// A sysbench row's c is 119 characters of digits and dashes.
var c = bytes.Repeat([]byte("01234567890-"), 10)[:119]

var (
	text   = wire.NewColumnSet(wire.Column{Name: "c", Table: "sbtest1", Schema: "sbtest", Charset: wire.CollationUTF8MB4_0900_AICI, Length: 480, Type: wire.TypeString, Flags: wire.FlagNotNull})
	number = wire.NewColumnSet(wire.Column{Name: "SUM(k)", Charset: wire.CollationBinary, Length: 33, Type: wire.TypeNewDecimal, Flags: wire.FlagBinary})
)

// rangeSize is sysbench's default --range_size: the rows of each of its range queries.
const rangeSize = 100

// answerTo recognises the statement by its words; what is no query gets an OK.
func answerTo(sql []byte) answer {
	q := strings.ToUpper(string(bytes.TrimLeftFunc(sql[:min(len(sql), 256)], unicode.IsSpace)))
	switch {
	case strings.HasPrefix(q, "SELECT SUM"):
		return answer{cols: number, rows: 1, sum: true}
	case strings.HasPrefix(q, "SELECT") && strings.Contains(q, "BETWEEN"):
		return answer{cols: text, rows: rangeSize}
	case strings.HasPrefix(q, "SELECT"):
		return answer{cols: text, rows: 1}
	case strings.HasPrefix(q, "BEGIN"), strings.HasPrefix(q, "START"):
		return answer{begin: true}
	case strings.HasPrefix(q, "COMMIT"), strings.HasPrefix(q, "ROLLBACK"):
		return answer{end: true}
	}
	return answer{}
}

func (s *session) send(r *wire.Reply, a answer) error {
	if a.begin {
		s.status |= wire.StatusInTrans
	}
	if a.end {
		s.status &^= wire.StatusInTrans
	}
	if a.cols == nil {
		return r.OK(wire.OK{AffectedRows: 1, Status: s.status})
	}
	if err := r.Columns(a.cols); err != nil {
		return err
	}
	for range a.rows {
		r.StartRow()
		if a.sum {
			r.Text("5000000")
		} else {
			r.Bytes(c)
		}
		if err := r.EndRow(); err != nil {
			return err
		}
	}
	return r.EndRows(wire.OK{Status: s.status})
}

func (s *session) Status() uint16 { return s.status }

func (s *session) Query(r *wire.Reply, sql []byte, _ []wire.Attr) error {
	return s.send(r, answerTo(sql))
}

func (s *session) Prepare(r *wire.Reply, st *wire.Stmt, sql []byte) error {
	a := answerTo(sql)
	st.Data = a
	return r.Prepared(st, bytes.Count(sql, []byte("?")), a.cols, 0)
}

func (s *session) Execute(r *wire.Reply, st *wire.Stmt, _ []wire.Param, _ []wire.Attr, _ bool) error {
	return s.send(r, st.Data.(answer))
}

func (s *session) Fetch(*wire.Reply, *wire.Stmt, uint32) error {
	return mysqlerr.New(mysqlerr.ER_STMT_HAS_NO_OPEN_CURSOR, 0)
}
func (s *session) ResetStmt(*wire.Stmt) error                 { return nil }
func (s *session) CloseStmt(*wire.Stmt)                       {}
func (s *session) InitDB(r *wire.Reply, _ string) error       { return r.OK(wire.OK{Status: s.status}) }
func (s *session) FieldList(r *wire.Reply, _, _ string) error { return r.FieldList(nil) }
func (s *session) Statistics() string                         { return "constant answers" }
func (s *session) Debug() error                               { return nil }
func (s *session) ProcessKill(id uint32) error                { return mysqlerr.New(mysqlerr.ER_NO_SUCH_THREAD, id) }
func (s *session) ChangeUser(*wire.Login) error               { return s.Reset() }
func (s *session) Reset() error                               { s.status = wire.StatusAutocommit; return nil }
func (s *session) Close()                                     {}
