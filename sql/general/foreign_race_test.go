package general

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// soon is a client in a transaction that waits for locks a moment only.
func (sv *server) soon(level table.Isolation) *client {
	c := sv.client()
	c.must("USE d")
	c.txn = sv.db.Begin(table.TxnOptions{Isolation: level, LockWait: 5 * time.Millisecond, SessionID: uint64(c.s.login.ID)})
	return c
}

// parents is a server with a table p of 1, 2, 3 and a child c whose key does what action says.
func parents(t *testing.T, action string) (*server, *client) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) " + action + ")")
	c.must("INSERT INTO p VALUES (1), (2), (3); INSERT INTO c VALUES (10,1), (20,2)")
	t.Cleanup(func() { foreignMutant = nil })
	return sv, c
}

// orphans counts the children without a parent.
func orphans(c *client, child, key, parent, id string) int {
	return len(c.must(fmt.Sprintf("SELECT x.id FROM %s x LEFT JOIN %s y ON y.%s = x.%s WHERE x.%s IS NOT NULL AND y.%s IS NULL", child, parent, id, key, key, id)).rows)
}

func judgeForeign(t *testing.T, scenario func(t *testing.T, broken bool) int) {
	t.Helper()
	if n := scenario(t, false); n != 0 {
		t.Errorf("%d children without a parent", n)
	}
	if n := scenario(t, true); n == 0 {
		t.Error("the mutant was not caught")
	}
}

// TestMutantForeignSnapshot: a check that reads the transaction's snapshot finds a parent that is gone.
func TestMutantForeignSnapshot(t *testing.T) {
	judgeForeign(t, func(t *testing.T, broken bool) int {
		sv, c := parents(t, "")
		a := sv.soon(table.RepeatableRead)
		a.must("SELECT * FROM p")
		c.must("DELETE FROM p WHERE id = 3")
		if broken {
			foreignMutant = func(_ *sql.Context, b *base) { b.mode = grammar.LockMode{} }
		}
		_, _ = a.exec("INSERT INTO c VALUES (30, 3)")
		a.must("COMMIT")
		return orphans(c, "c", "p", "p", "id")
	})
}

// TestMutantForeignActionSnapshot: a cascade that does not read, and lock, what is current leaves children behind.
func TestMutantForeignActionSnapshot(t *testing.T) {
	judgeForeign(t, func(t *testing.T, broken bool) int {
		sv, c := parents(t, "ON DELETE CASCADE")
		a := sv.soon(table.RepeatableRead)
		a.must("SELECT * FROM c")
		c.must("INSERT INTO c VALUES (30, 1)")
		if broken {
			foreignMutant = func(_ *sql.Context, b *base) { b.mode = grammar.LockMode{} }
		}
		a.must("DELETE FROM p WHERE id = 1; COMMIT")
		return orphans(c, "c", "p", "p", "id")
	})
}

// TestMutantForeignLockLetGo: if the parent's lock does not last, the parent goes between the check and the child.
func TestMutantForeignLockLetGo(t *testing.T) {
	judgeForeign(t, func(t *testing.T, broken bool) int {
		sv, c := parents(t, "")
		a, b := sv.soon(table.ReadCommitted), sv.soon(table.ReadCommitted)
		probed := false
		foreignMutant = func(ctx *sql.Context, at *base) {
			if probed {
				return
			}
			probed = true
			parent, err := at.ensure(ctx)
			if err != nil {
				t.Error(err)
			}
			at.bound = loose{parent, sv.db, broken, func() {
				if _, err := b.exec("DELETE FROM p WHERE id = 3"); err == nil {
					b.must("COMMIT")
				}
			}}
		}
		a.must("INSERT INTO c VALUES (30, 3); COMMIT")
		if !probed {
			t.Error("no lookup of the parent")
		}
		return orphans(c, "c", "p", "p", "id")
	})
}

// loose is a parent whose row, if broken, is locked by a transaction that ends at once.
type loose struct {
	table.Table
	db     table.DB
	broken bool
	then   func()
}

func (l loose) Get(ctx context.Context, index int, key []row.Datum, m table.Lock, p table.WaitPolicy) ([]row.Datum, table.Ref, error) {
	t := l.Table
	if l.broken {
		tx := l.db.Begin(table.TxnOptions{})
		defer tx.Rollback(ctx)
		stmt, err := tx.BeginStmt(ctx, table.StmtOptions{})
		if err != nil {
			return nil, nil, err
		}
		if t, err = stmt.Open(ctx, t.Def().Schema, t.Def().Name); err != nil {
			return nil, nil, err
		}
		r, ref, err := t.Get(ctx, index, key, m, p)
		r, ref = slices.Clone(r), slices.Clone(ref)
		if err := tx.Rollback(ctx); err != nil {
			return nil, nil, err
		}
		l.then()
		return r, ref, err
	}
	r, ref, err := t.Get(ctx, index, key, m, p)
	l.then()
	return r, ref, err
}

// TestForeignActionsOfAStatement: what a statement's own actions have changed is not undone by what it does afterwards with rows read before.
func TestForeignActionsOfAStatement(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE p (id INT PRIMARY KEY, v INT); CREATE TABLE c (id INT PRIMARY KEY, p INT, v INT, FOREIGN KEY (p) REFERENCES p (id) ON UPDATE CASCADE ON DELETE CASCADE)")
	c.must("INSERT INTO p VALUES (1,0), (2,0); INSERT INTO c VALUES (10,1,0), (11,1,0), (20,2,0)")
	c.must("UPDATE p JOIN c ON c.p = p.id SET p.id = p.id + 100, c.v = 5 WHERE p.id = 1")
	c.query("SELECT * FROM c ORDER BY id", "10\t101\t5\n11\t101\t5\n20\t2\t0")
	c.must("DELETE p, c FROM p JOIN c ON c.p = p.id WHERE p.id = 101")
	c.query("SELECT * FROM c ORDER BY id", "20\t2\t0")

	// A tree whose rows have no primary key; a condition under READ COMMITTED is the statement's, not the lookup's.
	c.must("CREATE TABLE t (id INT, up INT, UNIQUE KEY (id), KEY (up), FOREIGN KEY (up) REFERENCES t (id) ON DELETE CASCADE)")
	c.must("INSERT INTO t VALUES (1,NULL), (2,1), (3,2), (4,NULL), (5,4), (6,NULL)")
	c.must("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; UPDATE t SET up = 6 WHERE id = 5; UPDATE t SET up = 4 WHERE up = 6")
	c.query("SELECT * FROM t ORDER BY id", "1\tNULL\n2\t1\n3\t2\n4\tNULL\n5\t4\n6\tNULL")
	if a := c.must("DELETE FROM t WHERE id < 6"); a.affected != 2 {
		t.Errorf("%d rows deleted; the others went with their parents", a.affected)
	}
	c.query("SELECT * FROM t ORDER BY id", "6\tNULL")
	// A key that becomes another text is another key, though the two be equal.
	c.must("CREATE TABLE k (id VARCHAR(9) PRIMARY KEY); CREATE TABLE kc (k VARCHAR(9), FOREIGN KEY (k) REFERENCES k (id) ON UPDATE CASCADE); CREATE TABLE kn (k VARCHAR(9), FOREIGN KEY (k) REFERENCES k (id) ON UPDATE SET NULL)")
	c.must("CREATE TABLE kr (k VARCHAR(9), FOREIGN KEY (k) REFERENCES k (id)); INSERT INTO k VALUES ('a'), ('b'), ('c'); INSERT INTO kc VALUES ('A'); INSERT INTO kn VALUES ('B'); INSERT INTO kr VALUES ('C')")
	c.must("UPDATE k SET id = UPPER(id) WHERE id < 'c'")
	c.query("SELECT kc.k, kn.k FROM kc, kn", "A\tNULL")
	c.must("UPDATE k SET id = 'a' WHERE id = 'a'; UPDATE k SET id = 'c' WHERE id = 'c'")
	c.query("SELECT * FROM kc", "a")
	refused := "Cannot delete or update a parent row: a foreign key constraint fails (`d`.`kr`, CONSTRAINT `kr_ibfk_1` FOREIGN KEY (`k`) REFERENCES `k` (`id`))"
	c.fails("UPDATE k SET id = 'C' WHERE id = 'c'", mysqlerr.ER_ROW_IS_REFERENCED_2, refused)
	c.fails("INSERT INTO k SELECT k FROM kr ON DUPLICATE KEY UPDATE id = VALUES(id)", mysqlerr.ER_ROW_IS_REFERENCED_2, refused)
	c.must("CHECK TABLE t; CHECK TABLE c")
}

// TestForeignRaces changes parents and children at all levels at once: no snapshot ever shows a child without its parent.
func TestForeignRaces(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must(`CREATE DATABASE d; USE d;
		CREATE TABLE p (id INT PRIMARY KEY, u INT, v INT, UNIQUE KEY (u));
		CREATE TABLE c (id INT PRIMARY KEY, p INT, q INT, v INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE,
			FOREIGN KEY (q) REFERENCES p (u) ON DELETE SET NULL ON UPDATE CASCADE);
		CREATE TABLE g (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES c (id) ON DELETE CASCADE);
		CREATE TABLE r (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id));
		CREATE TABLE t (id INT PRIMARY KEY, up INT, alt INT, FOREIGN KEY (up) REFERENCES t (id) ON DELETE CASCADE, FOREIGN KEY (alt) REFERENCES t (id) ON DELETE SET NULL)`)
	keys := [][4]string{{"c", "p", "p", "id"}, {"c", "q", "p", "u"}, {"g", "c", "c", "id"}, {"r", "p", "p", "id"}, {"t", "up", "t", "id"}, {"t", "alt", "t", "id"}}
	sound := func(c *client) {
		for _, k := range keys {
			if n := orphans(c, k[0], k[1], k[2], k[3]); n > 0 {
				t.Errorf("%d rows of %s whose %s is not in %s", n, k[0], k[1], k[2])
			}
		}
	}
	statements := []string{
		"INSERT INTO p VALUES (%d, %d, 0)", "INSERT INTO p VALUES (%d, %d, 0)", "REPLACE INTO p VALUES (%d, %d, 0)", "DELETE FROM p WHERE id = %d", "DELETE FROM p WHERE u = %d",
		"UPDATE p SET id = %d WHERE id = %d", "UPDATE p SET u = %d WHERE u = %d", "UPDATE p SET v = v + 1 WHERE id = %d",
		"INSERT INTO c VALUES (%d, %d, %d, 0)", "INSERT INTO c VALUES (%d, %d, %d, 0)", "UPDATE c SET p = %d WHERE id = %d", "UPDATE c SET q = %d, v = v + 1 WHERE id = %d", "DELETE FROM c WHERE q = %d",
		"INSERT INTO g VALUES (%d, %d)", "UPDATE g SET c = %d WHERE id = %d", "INSERT INTO r VALUES (%d, %d)", "DELETE FROM r WHERE p = %d",
		"INSERT INTO t VALUES (%d, NULL, NULL)", "INSERT INTO t VALUES (%d, %d, %d)", "UPDATE t SET up = %d WHERE id = %d", "DELETE FROM t WHERE id = %d", "DELETE FROM t WHERE id > %d",
		"INSERT IGNORE INTO c SELECT id, id, u, 0 FROM p WHERE id > %d", "SELECT COUNT(*) FROM p WHERE id > %d", "UPDATE p JOIN c ON c.p = p.id SET p.u = p.u + 20, c.v = 1 WHERE p.id = %d",
	}
	done := map[string]bool{}
	var mu sync.Mutex
	all := func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range statements {
			if !done[s] {
				return false
			}
		}
		return true
	}
	var wg sync.WaitGroup
	for w := range 4 {
		x := sv.client()
		x.must("USE d")
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(w)))
			for i := 0; i < 120 || i < 5000 && !all(); i++ {
				level := table.Isolation(rng.IntN(4))
				x.txn = sv.db.Begin(table.TxnOptions{Isolation: level, LockWait: time.Minute, SessionID: uint64(x.s.login.ID)})
				var err error
				for range 1 + rng.IntN(4) {
					text := statements[rng.IntN(len(statements))]
					var args []any
					for n := range text[:len(text)-1] {
						if text[n:n+2] == "%d" {
							args = append(args, 1+rng.IntN(12))
						}
					}
					if _, err = x.exec(fmt.Sprintf(text, args...)); err != nil {
						if e := mysqlerr.From(err); !slices.Contains([]mysqlerr.Code{1451, 1452, 1062, 1213}, e.Code) {
							t.Errorf("%s %v: %v", text, args, err)
						}
						break
					}
					mu.Lock()
					done[text] = true
					mu.Unlock()
				}
				if e := mysqlerr.From(err); e != nil && e.Code == 1213 {
					x.txn = nil
				} else if rng.IntN(8) == 0 {
					x.must("ROLLBACK")
				} else {
					x.must("COMMIT")
				}
				if i%20 == 0 {
					x.must("BEGIN")
					sound(x)
					x.must("COMMIT")
				}
			}
		})
	}
	wg.Wait()
	sound(c)
	for _, s := range statements {
		if !done[s] {
			t.Errorf("%s: never carried out", s)
		}
	}
	for _, name := range []string{"p", "c", "g", "r", "t"} {
		if a := c.must("CHECK TABLE " + name); a.rows[len(a.rows)-1][3] != "OK" {
			t.Errorf("%s: %v", name, a.rows)
		}
	}
}
