//go:build e2e

package e2e

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var transferFor = flag.Duration("transfer.for", 0, "how long money is moved (default 20 s, in a soak 10 minutes)")

// TestTransfer moves money over 256 connections while a random process (the writer, a storage node, the control plane) is killed every
// five seconds. Readers take snapshots all the time: the sum never changes in any. At the end no acknowledged transfer is lost, none that was
// refused is there, clients have seen nothing but retryable errors (retryable), and every structure is sound.
func TestTransfer(t *testing.T) {
	c := start(t, "--max-connections", "400")
	b := newBank(t, c, 256)
	length, pause := pick(20*time.Second, 10*time.Minute), 5*time.Second
	if *transferFor > 0 {
		length = *transferFor
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 7))

	var unclean atomic.Pointer[error]
	b.judge = func(err error) {
		if !retryable(err) {
			unclean.CompareAndSwap(nil, &err)
		}
	}
	var snapshots atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() { watchSum(ctx, t, c, &snapshots, &unclean) })
	}
	b.run()
	paused := watchPauses(ctx, &b.commits)
	killed := map[string]int{}
	for begun, told := time.Now(), time.Now(); time.Since(begun) < length; {
		time.Sleep(pause)
		if time.Since(told) > 30*time.Second {
			told = time.Now()
			t.Logf("%v of %v: killed %v, %d transfers, %d snapshots, %d retryable errors", time.Since(begun).Round(time.Second), length, killed, b.commits.Load(),
				snapshots.Load(), b.errs.Load())
		}
		kind := rng.IntN(3)
		if len(killed) < 3 { // the short form, too, kills one of each
			kind = len(killed)
		}
		what, pid := victim(c, kind, rng)
		if pid != 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed[what]++
		}
	}
	time.Sleep(pause) // the last one comes back
	b.halt()
	cancel()
	readers.Wait()
	pause = <-paused
	if err := unclean.Load(); err != nil {
		t.Errorf("a client saw %v", *err)
	}
	b.verify()
	waitWhole(c, wholeWithin)
	if out, err := c.run("check"); err != nil {
		t.Errorf("zorya check: %v\n%s", err, out)
	}
	if b.commits.Load() == 0 || snapshots.Load() == 0 {
		t.Errorf("%d transfers, %d snapshots", b.commits.Load(), snapshots.Load())
	}
	figure(t, "transfer: 256 connections for %v, killed %v: %d transfers acknowledged and all there, %d snapshots with the right sum, %d retryable errors, longest time without a transfer %v",
		length, killed, b.commits.Load(), snapshots.Load(), b.errs.Load(), pause.Round(10*time.Millisecond))
}

// watchPauses gives, once ctx ends, the longest time in which nothing was committed.
func watchPauses(ctx context.Context, commits *atomic.Int64) <-chan time.Duration {
	out := make(chan time.Duration, 1)
	go func() {
		var longest time.Duration
		last, since := commits.Load(), time.Now()
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				out <- longest
				return
			case now := <-tick.C:
				longest = max(longest, now.Sub(since))
				if n := commits.Load(); n != last {
					last, since = n, now
				}
			}
		}
	}()
	return out
}

// victim is a process of a kind: the writer, the control plane, or any storage node.
func victim(c *cluster, kind int, rng *rand.Rand) (string, int) {
	switch kind {
	case 1:
		return "control", childOf(c.up.Process.Pid, "control")
	case 2:
		st, err := c.tryStatus()
		if err != nil || len(st.StorageNodes) == 0 {
			return "", 0
		}
		return "storage node", st.StorageNodes[rng.IntN(len(st.StorageNodes))].PID
	}
	return "writer", c.writerPID()
}

// childOf finds the process that a supervisor runs in a role.
func childOf(parent int, role string) int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		stat, err := os.ReadFile(filepath.Join(d, "stat"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(rest); len(f) < 2 || f[1] != strconv.Itoa(parent) {
			continue
		}
		args, _ := os.ReadFile(filepath.Join(d, "cmdline"))
		if words := strings.Split(string(args), "\x00"); len(words) > 1 && words[1] == role {
			pid, _ := strconv.Atoi(filepath.Base(d))
			return pid
		}
	}
	return 0
}

// watchSum takes snapshots and sums the balances in each: in one statement, and again in a second one of the same transaction,
// account by account.
func watchSum(ctx context.Context, t *testing.T, c *cluster, snapshots *atomic.Int64, unclean *atomic.Pointer[error]) {
	for ctx.Err() == nil {
		db := openPrivate(t, c.config("bank"))
		for ctx.Err() == nil {
			one, two, err := sums(ctx, db)
			if err != nil {
				if ctx.Err() == nil && !retryable(err) {
					unclean.CompareAndSwap(nil, &err)
				}
				break
			}
			if one != accounts*opening || two != one {
				t.Errorf("a snapshot sums to %d, then %d, want %d", one, two, accounts*opening)
			}
			snapshots.Add(1)
			time.Sleep(20 * time.Millisecond)
		}
		db.Close()
		time.Sleep(20 * time.Millisecond)
	}
}

func sums(ctx context.Context, db *sql.DB) (one, two int64, err error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return 0, 0, err
	}
	defer tx.Rollback()
	if err := tx.QueryRowContext(ctx, "SELECT SUM(balance) FROM accounts").Scan(&one); err != nil {
		return 0, 0, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, balance FROM accounts ORDER BY id")
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var id, v int64
		if err := rows.Scan(&id, &v); err != nil {
			return 0, 0, err
		}
		two += v
		n++
	}
	if err := rows.Err(); err != nil {
		return 0, 0, err
	}
	if n != accounts {
		return 0, 0, fmt.Errorf("malformed snapshot: %d accounts of %d", n, accounts)
	}
	return one, two, nil
}
