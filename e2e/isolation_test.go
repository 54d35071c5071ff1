//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/zoryadb/zorya/e2e/isolation"
)

var isolationFor = flag.Duration("isolation.for", 0, "how long each of the eight runs takes (default 2 s, in a soak an eighth of ZORYA_SOAK seconds)")

var isolationLane = flag.String("isolation.lane", "mixed", "the lane of simple statements: fast, general, or mixed: every other client's fast lane is off")

// history is one run of concurrent clients at one level.
type history struct {
	c        *cluster
	level    isolation.Level
	register bool
	table    string
	load     *isolation.Load
	rec      *isolation.Recorder
	stop     atomic.Bool
	counts   [3]atomic.Int64 // by outcome
	seed     uint64
}

const historyClients = 8

// TestIsolation records histories through the wire protocol at every isolation level, list-append and registers, while the writer and a
// storage node are killed with kill -9 in the middle, and has package isolation check what MySQL promises for the level.
func TestIsolation(t *testing.T) {
	c := start(t)
	mustExec(t, c.db(""), "CREATE DATABASE iso")
	each := *isolationFor
	if each == 0 {
		each = 2 * time.Second
		if soak {
			seconds, _ := strconv.Atoi(os.Getenv("ZORYA_SOAK"))
			each = max(each, time.Duration(seconds)*time.Second/8)
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, register := range []bool{false, true} {
		for level := isolation.ReadUncommitted; level <= isolation.Serializable; level++ {
			h := &history{c: c, level: level, register: register, table: fmt.Sprintf("h%d_%v", level, register), seed: seed,
				load: &isolation.Load{Register: register, Active: 5}, rec: isolation.NewRecorder(register)}
			h.run(each)
			all := h.rec.History()
			got := isolation.Check(all, level)
			for _, a := range got[:min(len(got), 3)] {
				t.Errorf("%v, register %v: %v", level, register, a)
			}
			form := "list-append"
			if register {
				form = "register"
			}
			figure(t, "isolation: %v, %s: %d transactions committed, %d aborted, %d unknown, writer and a storage node killed; %d anomalies",
				level, form, h.counts[isolation.Committed].Load(), h.counts[isolation.Aborted].Load(), h.counts[isolation.Unknown].Load(), len(got))
			if n := h.counts[isolation.Committed].Load(); n < 100 {
				t.Errorf("%v, %s: only %d transactions", level, form, n)
			}
		}
	}
}

func (h *history) run(each time.Duration) {
	h.c.t.Helper()
	mustExec(h.c.t, h.c.db("iso"), "CREATE TABLE "+h.table+" (id INT PRIMARY KEY, k INT NOT NULL, v VARCHAR(4000) NOT NULL, KEY (k))")
	var wg sync.WaitGroup
	for w := range historyClients {
		wg.Go(func() { h.client(w) })
	}
	rng := rand.New(rand.NewPCG(h.seed, uint64(h.level)))
	time.Sleep(each / 3)
	node := h.c.node(fmt.Sprintf("node-%d", 1+rng.IntN(6)))
	_ = syscall.Kill(node.PID, syscall.SIGKILL)
	time.Sleep(each / 3)
	killWriterFor(h.c, "SELECT 1")
	time.Sleep(each / 3)
	h.stop.Store(true)
	wg.Wait()
	h.final()
}

// killWriterFor kills the writer and waits until a query is answered.
func killWriterFor(c *cluster, query string) time.Duration {
	pid := c.writerPID()
	begun := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		c.t.Errorf("kill writer %d: %v", pid, err)
	}
	return c.timeToFirstAnswer(begun, query)
}

func (h *history) client(w int) {
	rng := rand.New(rand.NewPCG(h.seed, uint64(h.level)<<8|uint64(w)))
	db := openPrivate(h.c.t, h.c.config("iso"))
	defer db.Close()
	for !h.stop.Load() {
		conn, err := db.Conn(context.Background())
		if err == nil {
			if _, err = conn.ExecContext(context.Background(), "SET SESSION TRANSACTION ISOLATION LEVEL "+h.level.String()); err == nil {
				if *isolationLane == "general" || *isolationLane == "mixed" && w%2 == 1 {
					if _, err = conn.ExecContext(context.Background(), "SET zorya_fast_lane = OFF"); err != nil {
						conn.Close()
						continue
					}
				}
				for !h.stop.Load() && h.txn(conn, rng) {
				}
			}
			// A connection that broke is not for the pool.
			_ = conn.Raw(func(any) error { return errBroken })
			conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
}

var errBroken = errors.New("broken")

// txn runs one transaction and records it; false when the connection is of no more use.
func (h *history) txn(conn *sql.Conn, rng *rand.Rand) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	want := h.load.Next(rng)
	auto := len(want) == 1 && want[0].Kind != isolation.Swap && rng.IntN(2) == 0
	t := isolation.Txn{Begin: time.Now().UnixNano(), Outcome: isolation.Aborted}
	end := func(o isolation.Outcome, goOn bool) bool {
		t.Outcome, t.End = o, time.Now().UnixNano()
		h.counts[o].Add(1)
		h.rec.Add(t)
		return goOn
	}
	if !auto {
		if _, err := conn.ExecContext(ctx, "START TRANSACTION"); err != nil {
			return end(isolation.Aborted, false)
		}
	}
	for i := range want {
		err := h.do(ctx, conn, &want[i], rng)
		if err == nil {
			t.Ops = append(t.Ops, want[i])
			continue
		}
		var e *mysql.MySQLError
		answered := errors.As(err, &e)
		if auto && !answered && want[i].Kind != isolation.Read {
			t.Ops = append(t.Ops, want[i])
			return end(isolation.Unknown, false)
		}
		if answered && !retryable(err) {
			h.c.t.Errorf("%v, %v: %v", h.level, want[i], err)
		}
		if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
			return end(isolation.Aborted, false)
		}
		return end(isolation.Aborted, answered)
	}
	if auto {
		return end(isolation.Committed, true)
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		var e *mysql.MySQLError
		if errors.As(err, &e) {
			h.c.t.Errorf("%v: COMMIT: %v", h.level, err)
		}
		return end(isolation.Unknown, false)
	}
	return end(isolation.Committed, true)
}

// do runs one operation.
func (h *history) do(ctx context.Context, conn *sql.Conn, o *isolation.Op, rng *rand.Rand) error {
	where := []string{" WHERE id = ", " WHERE k = "}[rng.IntN(2)] + strconv.FormatInt(o.Key, 10)
	switch o.Kind {
	case isolation.Read:
		return h.look(ctx, conn, o, "SELECT v FROM "+h.table+where)
	case isolation.Append:
		_, err := conn.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s VALUES (%d, %d, '%d') ON DUPLICATE KEY UPDATE v = CONCAT(v, ',', '%d')", h.table, o.Key, o.Key, o.Value, o.Value))
		return err
	}
	if err := h.look(ctx, conn, o, "SELECT v FROM "+h.table+where+" FOR UPDATE"); err != nil {
		return err
	}
	if len(o.List) == 0 {
		_, err := conn.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s VALUES (%d, %d, '%d')", h.table, o.Key, o.Key, o.Value))
		return err
	}
	_, err := conn.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET v = '%d' WHERE id = %d", h.table, o.Value, o.Key))
	return err
}

func (h *history) look(ctx context.Context, conn *sql.Conn, o *isolation.Op, query string) error {
	var v string
	err := conn.QueryRowContext(ctx, query).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		v, err = "", nil
	}
	if err == nil {
		o.List, err = isolation.ParseList(v)
	}
	return err
}

// final reads all keys when nobody else is there.
func (h *history) final() {
	h.c.t.Helper()
	t := isolation.Txn{Begin: time.Now().UnixNano(), Final: true}
	lists := map[int64][]int64{}
	rows, err := h.c.db("iso").Query("SELECT id, v FROM " + h.table)
	if err != nil {
		h.c.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var v string
		if err := rows.Scan(&id, &v); err != nil {
			h.c.t.Fatal(err)
		}
		if lists[id], err = isolation.ParseList(v); err != nil {
			h.c.t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		h.c.t.Fatal(err)
	}
	for _, k := range h.load.Keys() {
		t.Ops = append(t.Ops, isolation.Op{Key: k, List: lists[k]})
	}
	t.End = time.Now().UnixNano()
	h.rec.Add(t)
}

// retryable reports whether an error is one that an application must expect of a busy server, or one that is failing over, and may answer by
// running its transaction again: a deadlock, a lock wait that took too long, a key that somebody else has inserted since it was found
// absent, a server that is shutting down or not yet up, and a connection that broke.
func retryable(err error) bool {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return !strings.Contains(err.Error(), "malformed") // the driver's words for a broken protocol
	}
	switch e.Number {
	case 1213, 1205, 1062, 1053, 1040:
		return true
	}
	return false
}
