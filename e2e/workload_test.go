//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// A bank is a table of accounts between which workers move money, with a journal row for every transfer in the same
// transaction. What must hold after any crash:
//
//   - the sum of all balances is what it was at the start;
//   - every balance is the opening balance plus what the journal says, so no half transaction exists;
//   - the journal holds every transfer that was acknowledged, and none that the server said was rolled back.
const (
	accounts = 100
	opening  = 1000
)

// outcome is what the client knows of a transfer.
type outcome uint8

const (
	acknowledged outcome = iota + 1
	refused              // the server said that it was rolled back
	unknown              // the answer was cut off
)

type bank struct {
	t       testing.TB
	c       *cluster
	workers int

	outcome []map[int64]outcome // by worker and sequence number; a worker's map is its own while it runs
	seq     []int64
	commits atomic.Int64
	errs    atomic.Int64
	first   atomic.Pointer[error]
	judge   func(error) // told every error, if set

	stop chan struct{}
	wg   sync.WaitGroup
}

func newBank(t testing.TB, c *cluster, workers int) *bank {
	t.Helper()
	db := c.db("")
	mustExec(t, db,
		"CREATE DATABASE bank",
		"CREATE TABLE bank.accounts (id INT PRIMARY KEY, balance BIGINT NOT NULL)",
		"CREATE TABLE bank.journal (worker INT NOT NULL, seq BIGINT NOT NULL, src INT NOT NULL, dst INT NOT NULL, amount BIGINT NOT NULL, note VARCHAR(200), PRIMARY KEY (worker, seq), KEY (src), KEY (dst))",
	)
	for i := range accounts {
		mustExec(t, db, fmt.Sprintf("INSERT INTO bank.accounts VALUES (%d, %d)", i, opening))
	}
	b := &bank{t: t, c: c, workers: workers, outcome: make([]map[int64]outcome, workers), seq: make([]int64, workers)}
	for w := range b.outcome {
		b.outcome[w] = map[int64]outcome{}
	}
	return b
}

// run starts the workers. They work until halt, reconnecting after errors, which are counted.
func (b *bank) run() {
	b.stop = make(chan struct{})
	for w := range b.workers {
		b.wg.Go(func() { b.work(w) })
	}
}

func (b *bank) halt() {
	close(b.stop)
	b.wg.Wait()
}

func (b *bank) stopped() bool {
	select {
	case <-b.stop:
		return true
	default:
		return false
	}
}

func (b *bank) work(w int) {
	db := openPrivate(b.t, b.c.config("bank"))
	defer db.Close()
	rng := rand.New(rand.NewPCG(uint64(w), 1))
	for !b.stopped() {
		b.seq[w]++
		seq := b.seq[w]
		err := b.transfer(db, rng, w, seq)
		if err != nil && b.judge != nil {
			b.judge(err)
		}
		switch {
		case err == nil:
			b.outcome[w][seq] = acknowledged
			b.commits.Add(1)
		case isDeadlock(err):
			b.outcome[w][seq] = refused
		default:
			b.outcome[w][seq] = unknown
			b.errs.Add(1)
			b.first.CompareAndSwap(nil, &err)
			time.Sleep(5 * time.Millisecond) // the server may be down: do not spin
		}
	}
}

func (b *bank) transfer(db *sql.DB, rng *rand.Rand, w int, seq int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	src, dst := rng.IntN(accounts), rng.IntN(accounts-1)
	if dst >= src {
		dst++
	}
	amount := rng.IntN(50)
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{"UPDATE accounts SET balance = balance - ? WHERE id = ?", []any{amount, src}},
		{"UPDATE accounts SET balance = balance + ? WHERE id = ?", []any{amount, dst}},
		{"INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", []any{w, seq, src, dst, amount, "paid with thanks"}},
	} {
		if _, err := tx.ExecContext(ctx, step.sql, step.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// verify checks all that must hold. Nothing may be running.
func (b *bank) verify() {
	b.t.Helper()
	b.c.check()
	db := b.c.db("bank")
	var sum int64
	if err := db.QueryRow("SELECT SUM(balance) FROM accounts").Scan(&sum); err != nil {
		b.t.Fatal(err)
	}
	if sum != accounts*opening {
		b.t.Errorf("balances sum to %d, want %d", sum, accounts*opening)
	}
	balance := make([]int64, accounts)
	for i := range balance {
		balance[i] = opening
	}
	have := make([]map[int64]bool, b.workers)
	for i := range have {
		have[i] = map[int64]bool{}
	}
	rows, err := db.Query("SELECT worker, seq, src, dst, amount FROM journal")
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var w, src, dst int
		var seq, amount int64
		if err := rows.Scan(&w, &seq, &src, &dst, &amount); err != nil {
			b.t.Fatal(err)
		}
		balance[src] -= amount
		balance[dst] += amount
		have[w][seq] = true
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	rows, err = db.Query("SELECT id, balance FROM accounts")
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		var v int64
		if err := rows.Scan(&id, &v); err != nil {
			b.t.Fatal(err)
		}
		if v != balance[id] {
			b.t.Errorf("account %d has %d, its journal says %d: a half transaction", id, v, balance[id])
		}
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	for w, outcomes := range b.outcome {
		for seq, o := range outcomes {
			switch there := have[w][seq]; {
			case o == acknowledged && !there:
				b.t.Errorf("worker %d: transfer %d was acknowledged and is not there", w, seq)
			case o == refused && there:
				b.t.Errorf("worker %d: transfer %d was rolled back and is there", w, seq)
			}
		}
	}
}

// openPrivate is a pool of one connection that is not closed by the test's end but by its user.
func openPrivate(t testing.TB, cfg *mysql.Config) *sql.DB {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Error(err)
		return nil
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	return db
}

func isDeadlock(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && (e.Number == 1213 || e.Number == 1205)
}
