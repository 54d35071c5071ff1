package session

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"net"
	"testing"
	"time"

	"log/slog"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/extract"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// fastOnly is a lane that refuses to run anything: what is answered was answered by the fast lane. Its tables are
// described by types.
type fastOnly struct {
	fakeLane
	db    table.DB
	types []sql.Type
}

type fastOnlySession struct {
	fakeSession
	f *fastOnly
}

func (f *fastOnly) NewSession(ctx context.Context, l general.Login, h general.Hooks) (LaneSession, error) {
	s, err := f.fakeLane.NewSession(ctx, l, h)
	if err != nil {
		return nil, err
	}
	return &fastOnlySession{fakeSession: *s.(*fakeSession), f: f}, nil
}

func (s *fastOnlySession) Parse(text string) (*general.Statement, string, error) {
	return nil, "", mysqlerr.NewMessage(mysqlerr.ER_UNKNOWN_ERROR, "declined: %s", text)
}

func (s *fastOnlySession) Prepare(_ context.Context, text string) (*general.Statement, error) {
	st := &general.Statement{Text: text}
	for _, c := range text {
		if c == '?' {
			st.Params++
		}
	}
	switch {
	case len(text) > 10 && text[:10] == "SELECT SUM":
		st.Columns = []general.Column{{Name: "SUM(k)", Type: uint8(wire.TypeNewDecimal), Charset: 63, Length: 33}}
	case len(text) > 12 && text[:12] == "SELECT COUNT":
		st.Columns = []general.Column{{Name: "COUNT(*)", Type: uint8(wire.TypeLongLong), Charset: 63, Length: 21}}
	case len(text) > 8 && text[:8] == "SELECT *":
		st.Columns = []general.Column{{Name: "id", Type: uint8(wire.TypeLong), Charset: 63}, {Name: "k", Type: uint8(wire.TypeLong), Charset: 63},
			{Name: "c", Type: uint8(wire.TypeString), Charset: 255}, {Name: "pad", Type: uint8(wire.TypeString), Charset: 255}}
	case len(text) > 6 && text[:6] == "SELECT":
		st.Columns = []general.Column{{Name: "c", Type: uint8(wire.TypeString), Charset: 255}}
	}
	return st, nil
}

func (s *fastOnlySession) ForeignChecks() bool        { return true }
func (s *fastOnlySession) Plain() (ok, zeros bool)    { return true, false }
func (s *fastOnlySession) Zone() *time.Location       { return nil }
func (s *fastOnlySession) SetTime() (time.Time, bool) { return time.Time{}, false }
func (s *fastOnlySession) Charsets() (client, results sql.CharacterSetID) {
	return sql.CharacterSet_utf8mb4, sql.CharacterSet_utf8mb4
}
func (s *fastOnlySession) MayTable(string, string, []string) bool { return true }
func (s *fastOnlySession) PrivilegeState() uint64                 { return 1 }
func (s *fastOnlySession) Note(int64, int64, uint64)              {}
func (s *fastOnlySession) Warn([]*mysqlerr.Error)                 {}
func (s *fastOnlySession) SetAutocommit(bool) error               { return nil }
func (s *fastOnlySession) SetAgain([]byte) *general.KeptSet       { return nil }
func (s *fastOnlySession) TableInfo(_ context.Context, d *table.Def) (*general.TableInfo, error) {
	info := &general.TableInfo{Plain: true}
	for _, t := range s.f.types {
		c, err := datum.For(t)
		if err != nil {
			return nil, err
		}
		info.Columns = append(info.Columns, general.ColumnInfo{Codec: c})
	}
	return info, nil
}

// startFast is a server whose only table is sysbench's, served by the fast lane over a real engine in memory.
func startFast(t testing.TB, tables int) (*Server, string) {
	t.Helper()
	ctx := context.Background()
	vol := memvol.New(memvol.Options{})
	db, err := engine.Open(ctx, vol, engine.Options{Collations: collate.For, Extract: extract.For})
	if err != nil {
		t.Fatal(err)
	}
	text := types.MustCreateString(sqltypes.Char, 120, sql.Collation_utf8mb4_0900_ai_ci)
	lane := &fastOnly{db: db, types: []sql.Type{types.Int32, types.Int32, text, text}}
	if err := db.Catalog().CreateSchema(ctx, table.Schema{Name: "sbtest"}); err != nil {
		t.Fatal(err)
	}
	for i := range tables {
		d := &table.Def{Schema: "sbtest", Name: fmt.Sprintf("sbtest%d", i+1), AutoInc: 0}
		for j, name := range []string{"id", "k", "c", "pad"} {
			c, err := datum.For(lane.types[j])
			if err != nil {
				t.Fatal(err)
			}
			d.Columns = append(d.Columns, table.Column{ID: uint32(j + 1), Name: name, Class: c.Class, Collation: c.Collation})
		}
		d.Indexes = []table.Index{
			{Name: "PRIMARY", Unique: true, Primary: true, Parts: []table.Part{{Column: 0}}},
			{Name: "k_1", Parts: []table.Part{{Column: 1}}},
		}
		if _, err := db.Catalog().CreateTable(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	srv, err := New(db, lane, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv, l.Addr().String()
}

func TestFastLaneOverEngine(t *testing.T) {
	_, addr := startFast(t, 1)
	db, err := stdsql.Open("mysql", "u@tcp("+addr+")/sbtest")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	query := func(text string, args ...any) string {
		t.Helper()
		rows, err := c.QueryContext(ctx, text, args...)
		if err != nil {
			return err.Error()
		}
		defer rows.Close()
		cols, _ := rows.Columns()
		out := ""
		for rows.Next() {
			vals := make([]stdsql.NullString, len(cols))
			ptr := make([]any, len(cols))
			for i := range vals {
				ptr[i] = &vals[i]
			}
			if err := rows.Scan(ptr...); err != nil {
				return err.Error()
			}
			for i, v := range vals {
				if i > 0 {
					out += ","
				}
				if v.Valid {
					out += v.String
				} else {
					out += "NULL"
				}
			}
			out += ";"
		}
		if rows.Err() != nil {
			return rows.Err().Error()
		}
		return out
	}
	run := func(text string, args ...any) string {
		t.Helper()
		r, err := c.ExecContext(ctx, text, args...)
		if err != nil {
			return err.Error()
		}
		n, _ := r.RowsAffected()
		id, _ := r.LastInsertId()
		return fmt.Sprintf("%d/%d", n, id)
	}
	for _, step := range []struct {
		got, want string
	}{
		{run("INSERT INTO sbtest1 (id, k, c, pad) VALUES (1,10,'b','x'),(2,20,'a','y'),(3,30,'B','z')"), "3/3"},
		{run("INSERT INTO sbtest1 (k, c, pad) VALUES (?, ?, ?)", 40, "d", "w"), "1/4"},
		{run("INSERT INTO sbtest1 (id, k, c, pad) VALUES (0, 50, 'e', '')"), "1/5"},
		{query("SELECT c FROM sbtest1 WHERE id=2"), "a;"},
		{query("SELECT c FROM sbtest1 WHERE id=?", 3), "B;"},
		{query("SELECT c FROM sbtest1 WHERE id=99"), ""},
		{query("SELECT * FROM sbtest1 WHERE id BETWEEN 2 AND 4"), "2,20,a,y;3,30,B,z;4,40,d,w;"},
		{query("SELECT c FROM sbtest1 WHERE id BETWEEN 1 AND 3 ORDER BY c"), "a;b;B;"},
		{query("SELECT DISTINCT c FROM sbtest1 WHERE id BETWEEN 1 AND 3 ORDER BY c"), "a;b;"},
		{query("SELECT SUM(k) FROM sbtest1 WHERE id BETWEEN 1 AND 3"), "60;"},
		{query("SELECT SUM(k) FROM sbtest1 WHERE id BETWEEN 91 AND 93"), "NULL;"},
		{query("SELECT COUNT(*) FROM sbtest1"), "5;"},
		{query("SELECT c FROM sbtest1 WHERE id IN (5, 1, 1, 77)"), "b;e;"},
		{query("SELECT c FROM sbtest1 WHERE k IN (30, 10)"), "b;B;"},
		{query("SELECT c FROM sbtest1 WHERE k > 15 AND k <= 30"), "a;B;"},
		{query("SELECT c FROM sbtest1 WHERE id >= 2 ORDER BY id DESC LIMIT 2"), "e;d;"},
		{query("SELECT c FROM sbtest1 WHERE id >= 1 ORDER BY c DESC LIMIT 1, 2"), "d;b;"},
		{run("UPDATE sbtest1 SET k=k+1 WHERE id=1"), "1/0"},
		{run("UPDATE sbtest1 SET c=? WHERE id=?", "bb", 1), "1/0"},
		{run("UPDATE sbtest1 SET c='bb' WHERE id=1"), "0/0"},
		{run("UPDATE sbtest1 SET c='q' WHERE id=1000"), "0/0"},
		{query("SELECT * FROM sbtest1 WHERE k = 11"), "1,11,bb,x;"},
		{run("DELETE FROM sbtest1 WHERE id=2"), "1/0"},
		{run("DELETE FROM sbtest1 WHERE id=2"), "0/0"},
		{run("INSERT INTO sbtest1 (id, k, c, pad) VALUES (7, 1, 'u', 'u'), (1, 1, 'dup', '')"), "Error 1062 (23000): Duplicate entry '1' for key 'sbtest1.PRIMARY'"},
		{query("SELECT COUNT(*) FROM sbtest1"), "4;"},
		{run("BEGIN"), "0/0"},
		{run("DELETE FROM sbtest1 WHERE id=1"), "1/0"},
		{run("ROLLBACK"), "0/0"},
		{query("SELECT COUNT(*) FROM sbtest1 WHERE id >= 1"), "4;"},
	} {
		if step.got != step.want {
			t.Errorf("got %q, want %q", step.got, step.want)
		}
	}
}
