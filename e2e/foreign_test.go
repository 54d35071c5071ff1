//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// foreignTables are parents and children by every action: cascades over three tables, two keys of one row, a tree.
var foreignTables = []string{
	"CREATE DATABASE fk",
	"CREATE TABLE fk.p (id INT PRIMARY KEY, u INT, v INT, UNIQUE KEY (u))",
	`CREATE TABLE fk.c (id INT PRIMARY KEY, p INT, q INT, v INT, FOREIGN KEY (p) REFERENCES fk.p (id) ON DELETE CASCADE ON UPDATE CASCADE,
		FOREIGN KEY (q) REFERENCES fk.p (u) ON DELETE SET NULL ON UPDATE CASCADE)`,
	"CREATE TABLE fk.g (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES fk.c (id) ON DELETE CASCADE)",
	"CREATE TABLE fk.r (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES fk.p (id))",
	"CREATE TABLE fk.t (id INT PRIMARY KEY, up INT, alt INT, FOREIGN KEY (up) REFERENCES fk.t (id) ON DELETE CASCADE, FOREIGN KEY (alt) REFERENCES fk.t (id) ON DELETE SET NULL)",
}

// foreignKeys are child, column, parent, column; foreignChanges what clients do, with numbers for %d.
var (
	foreignKeys    = [][4]string{{"c", "p", "p", "id"}, {"c", "q", "p", "u"}, {"g", "c", "c", "id"}, {"r", "p", "p", "id"}, {"t", "up", "t", "id"}, {"t", "alt", "t", "id"}}
	foreignChanges = []string{
		"INSERT INTO p VALUES (%d, %d, 0)", "INSERT INTO p VALUES (%d, %d, 0)", "REPLACE INTO p VALUES (%d, %d, 0)", "DELETE FROM p WHERE id = %d", "UPDATE p SET id = %d WHERE id = %d",
		"UPDATE p SET u = %d WHERE u = %d", "INSERT INTO c VALUES (%d, %d, %d, 0)", "INSERT INTO c VALUES (%d, %d, %d, 0)", "UPDATE c SET p = %d WHERE id = %d", "UPDATE c SET q = %d, v = v + 1 WHERE id = %d",
		"INSERT INTO g VALUES (%d, %d)", "INSERT INTO r VALUES (%d, %d)", "DELETE FROM r WHERE p = %d", "INSERT INTO t VALUES (%d, NULL, NULL)", "INSERT INTO t VALUES (%d, %d, %d)",
		"UPDATE t SET up = %d WHERE id = %d", "DELETE FROM t WHERE id = %d",
	}
)

// TestForeignKill changes parents and children from twelve clients, at all levels, while the writer is killed: no snapshot, before a crash or after, ever
// shows a child without its parent.
func TestForeignKill(t *testing.T) {
	c := start(t)
	admin := c.db("")
	mustExec(t, admin, foreignTables...)
	levels := []sql.IsolationLevel{sql.LevelReadUncommitted, sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable}
	kills := pick(2, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var changes, refused, snapshots atomic.Int64
	var wg sync.WaitGroup
	client := func(work func(db *sql.DB, rng *rand.Rand) error, seed uint64) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 11))
			for ctx.Err() == nil {
				db := openPrivate(t, c.config("fk"))
				for ctx.Err() == nil {
					err := work(db, rng)
					if err == nil || ctx.Err() != nil {
						continue
					}
					if e := (*mysql.MySQLError)(nil); errors.As(err, &e) && slices.Contains([]uint16{1451, 1452}, e.Number) {
						refused.Add(1)
						continue
					}
					if !retryable(err) {
						t.Error(err)
					}
					if !isDeadlock(err) {
						break // a new connection
					}
				}
				db.Close()
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	for w := range uint64(12) {
		client(func(db *sql.DB, rng *rand.Rand) error {
			tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: levels[rng.IntN(len(levels))]})
			if err != nil {
				return err
			}
			defer tx.Rollback()
			for range 1 + rng.IntN(4) {
				text := foreignChanges[rng.IntN(len(foreignChanges))]
				args := make([]any, strings.Count(text, "%d"))
				for i := range args {
					args[i] = 1 + rng.IntN(40)
				}
				if _, err := tx.ExecContext(ctx, fmt.Sprintf(text, args...)); err != nil {
					return err
				}
			}
			changes.Add(1)
			return tx.Commit()
		}, w)
	}
	sound := func(db *sql.DB) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		if err != nil {
			return err
		}
		defer tx.Rollback()
		for _, k := range foreignKeys {
			var n int
			q := fmt.Sprintf("SELECT COUNT(*) FROM %s x LEFT JOIN %s y ON y.%s = x.%s WHERE x.%s IS NOT NULL AND y.%s IS NULL", k[0], k[2], k[3], k[1], k[1], k[3])
			if err := tx.QueryRowContext(ctx, q).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				t.Errorf("%d rows of %s whose %s is not in %s", n, k[0], k[1], k[2])
			}
		}
		snapshots.Add(1)
		return nil
	}
	client(func(db *sql.DB, _ *rand.Rand) error { return sound(db) }, 99)
	for range kills {
		for _, n := range []*atomic.Int64{&changes, &snapshots} { // something has happened since the last one
			before := n.Load()
			eventually(t, 2*time.Minute, "work between two kills", func() bool { return n.Load() >= before+20 })
		}
		if err := syscall.Kill(c.writerPID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	before := snapshots.Load()
	eventually(t, 2*time.Minute, "the writer to come back", func() bool { return snapshots.Load() > before+5 })
	cancel()
	wg.Wait()
	ctx = t.Context()
	db := openPrivate(t, c.config("fk"))
	defer db.Close()
	if err := sound(db); err != nil {
		t.Error(err)
	}
	waitWhole(c, wholeWithin)
	if out, err := c.run("check"); err != nil {
		t.Errorf("zorya check: %v\n%s", err, out)
	}
	if refused.Load() == 0 {
		t.Error("no change was refused: the test shows one side only")
	}
	figure(t, "foreign keys: %d kills, %d transactions, %d refused, %d snapshots without an orphan", kills, changes.Load(), refused.Load(), snapshots.Load())
}
