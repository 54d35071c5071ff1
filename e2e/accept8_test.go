//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	memorySlack = 512 << 20
	diskFactor  = 5
)

// Point 8: a table much larger than the pool.
func TestAccept8BigTable(t *testing.T) {
	pool := pick(64<<20, 256<<20)
	size := pick(256<<20, 4<<30)
	c := start(t, "--pool", strconv.Itoa(pool))
	db := c.db("")
	mustExec(t, db, "CREATE DATABASE big", "CREATE TABLE big.t (id INT PRIMARY KEY AUTO_INCREMENT, n INT NOT NULL, pad VARCHAR(2000) NOT NULL)")
	const rowBytes, batch = 1000, 1000
	pad := strings.Repeat("x", rowBytes/2)
	begun := time.Now()
	for row := 0; row < size/rowBytes; row += batch {
		q := []byte("INSERT INTO big.t (n, pad) VALUES ")
		for i := row; i < row+batch; i++ {
			if i > row {
				q = append(q, ',')
			}
			q = fmt.Appendf(q, "(%d,'%s%0*d')", i%1000, pad, rowBytes-rowBytes/2, i)
		}
		mustExec(t, db, string(q))
	}
	loaded := time.Since(begun)
	begun = time.Now()
	var count int64
	var sum float64
	if err := db.QueryRow("SELECT COUNT(*), SUM(n) FROM big.t").Scan(&count, &sum); err != nil {
		t.Fatal(err)
	}
	scanned := time.Since(begun)
	writer := resident(c.writerPID())
	if writer > int64(pool)+memorySlack {
		t.Errorf("the writer holds %d MiB with a pool of %d MiB", writer>>20, pool>>20)
	}
	var worst int64
	for _, n := range c.status().StorageNodes {
		worst = max(worst, resident(n.PID))
	}
	if worst > memorySlack {
		t.Errorf("a storage node holds %d MiB, want at most %d", worst>>20, memorySlack>>20)
	}
	disk := int64(0)
	limit := int64(diskFactor * size)
	// What a cluster without data takes (preallocated queues, etcd's log) does not grow with it.
	base := int64(pick(6*200<<20, 1<<30))
	eventually(t, pick(60*time.Second, 10*time.Minute), fmt.Sprintf("disk use of at most %d times the data", diskFactor), func() bool {
		disk = diskUse(t, c.dir+"/nodes")
		time.Sleep(200 * time.Millisecond)
		return disk <= limit+base
	})
	figure(t, "8: %d MiB in %d rows loaded in %.0f s (%.0f MiB/s), scanned in %.1f s; pool %d MiB: writer resident %d MiB, largest storage node %d MiB; six nodes' disk %.1f times the data",
		size>>20, count, loaded.Seconds(), float64(size>>20)/loaded.Seconds(), scanned.Seconds(), pool>>20, writer>>20, worst>>20, float64(disk)/float64(size))
}

func diskUse(t *testing.T, dir string) int64 {
	out, err := exec.Command("du", "-s", "--block-size=1", dir).Output()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.Fields(string(out))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Many tables cost nothing until they are used.
func TestAccept8ManyTables(t *testing.T) {
	c := start(t)
	schemas, tables := pick(60, 3000), pick(2000, 100_000)
	db := c.db("")
	db.SetMaxOpenConns(8)
	begun := time.Now()
	for s := range schemas {
		mustExec(t, db, fmt.Sprintf("CREATE DATABASE many_%04d", s))
	}
	errs := make(chan error, 8)
	for w := range 8 {
		go func() {
			for i := w; i < tables; i += 8 {
				if _, err := db.Exec(fmt.Sprintf("CREATE TABLE many_%04d.t%06d (id INT PRIMARY KEY, v VARCHAR(40), KEY (v))", i%schemas, i)); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	created := time.Since(begun)
	var waits []time.Duration
	for range pick(3, 10) {
		pid := c.writerPID()
		begun := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		waits = append(waits, c.timeToFirstAnswer(begun, fmt.Sprintf("SELECT COUNT(*) FROM many_0001.t%06d", schemas+1)))
	}
	if p := percentile(waits, 0.95); p > firstQueryLimit {
		t.Errorf("first query after %v with %d tables, want %v", p, tables, firstQueryLimit)
	}
	figure(t, "8: %d databases and %d tables created in %.0f s; first query after a restart p95 %.2f s; writer resident %d MiB", schemas, tables, created.Seconds(), percentile(waits, 0.95).Seconds(), resident(c.writerPID())>>20)
}
