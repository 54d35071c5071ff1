//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"
)

// firstQueryLimit is within what a new client must have an answer after the writer was killed (p95).
const firstQueryLimit = 2 * time.Second

// Point 3: kill -9 of the writer under concurrent transfers.
func TestAccept3WriterKill(t *testing.T) {
	c := start(t)
	b := newBank(t, c, 16)
	var waits []time.Duration
	for range pick(6, 30) {
		b.run()
		before := b.commits.Load()
		eventually(t, 60*time.Second, "commits", func() bool { return b.commits.Load() > before+50 })
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond) // a kill at any point of the work
		waits = append(waits, killWriter(c))
		b.halt()
		b.verify()
		if t.Failed() {
			return
		}
	}
	p95 := percentile(waits, 0.95)
	figure(t, "3: %d rounds of kill -9 of the writer, %d commits acknowledged and all there; first query answered after p50 %.2f s, p95 %.2f s, max %.2f s",
		len(waits), b.commits.Load(), percentile(waits, 0.5).Seconds(), p95.Seconds(), percentile(waits, 1).Seconds())
	if p95 > firstQueryLimit {
		t.Errorf("first query after %v (p95), want %v", p95, firstQueryLimit)
	}
}

// killWriter kills the writer and returns the time until a new client has its first answer.
func killWriter(c *cluster) time.Duration {
	pid := c.writerPID()
	begun := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		c.t.Fatalf("kill writer %d: %v", pid, err)
	}
	return c.timeToFirstAnswer(begun, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'bank'")
}

// The time does not depend on how much log was written since the start.
func TestAccept3LogVolume(t *testing.T) {
	c := start(t)
	db := c.db("")
	mustExec(t, db, "CREATE DATABASE bank", "CREATE TABLE bank.filler (id INT PRIMARY KEY AUTO_INCREMENT, pad LONGTEXT)")
	written := 0
	fill := func(total int) {
		pad := strings.Repeat("0123456789abcdef", 60<<10/16)
		for written < total {
			if _, err := db.Exec("INSERT INTO bank.filler (pad) VALUES (?),(?),(?),(?)", pad, pad, pad, pad); err != nil {
				t.Fatal(err)
			}
			written += 4 * len(pad)
		}
	}
	for _, size := range pick([]int{10 << 20, 100 << 20}, []int{10 << 20, 2 << 30}) {
		fill(size)
		var waits []time.Duration
		for range pick(3, 10) {
			fill(written + 1<<20)
			waits = append(waits, killWriter(c))
			var n int
			if err := db.QueryRow("SELECT COUNT(*) FROM bank.filler").Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
		p95 := percentile(waits, 0.95)
		figure(t, "3: after %s of redo the first query is answered after p50 %.2f s, p95 %.2f s", bytesText(size), percentile(waits, 0.5).Seconds(), p95.Seconds())
		if p95 > firstQueryLimit {
			t.Errorf("after %s of redo: %v (p95), want %v", bytesText(size), p95, firstQueryLimit)
		}
		// Storage nodes read footers, not records.
		c.killAll()
		begun := time.Now()
		ready := c.start()
		figure(t, "3: after %s of redo and kill -9 of every process the cluster is ready in %.2f s, the first query answered after %.2f s", bytesText(size), ready.Seconds(),
			c.timeToFirstAnswer(begun, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'bank'").Seconds())
	}
}

func bytesText(n int) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
