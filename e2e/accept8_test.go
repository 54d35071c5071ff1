//go:build e2e

package e2e

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	memorySlack = 512 << 20
	diskFactor  = 5
	// tableSlack is what one restarted process holds more than another, whatever the number of tables.
	tableSlack = 32 << 20
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
	rows := size / rowBytes
	file := rows / 8 / batch * batch // these by LOAD DATA, in one transaction
	for row := 0; row < rows-file; row += batch {
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
	loadFile(t, db, file, func(i int) string { return fmt.Sprintf("%d\t%s%0*d\n", i%1000, pad, rowBytes-rowBytes/2, i) })
	fileLoaded := time.Since(begun) - loaded
	begun = time.Now()
	var count int64
	var sum float64
	if err := db.QueryRow("SELECT COUNT(*), SUM(n) FROM big.t").Scan(&count, &sum); err != nil {
		t.Fatal(err)
	}
	scanned := time.Since(begun)
	if want := int64((rows-file+batch-1)/batch*batch + file); count != want {
		t.Errorf("%d rows, want %d", count, want)
	}
	writer := peak(c.writerPID())
	if writer > int64(pool)+memorySlack {
		t.Errorf("the writer held %d MiB with a pool of %d MiB", writer>>20, pool>>20)
	}
	var worst int64
	for _, n := range c.status().StorageNodes {
		worst = max(worst, peak(n.PID))
	}
	if worst > memorySlack {
		t.Errorf("a storage node held %d MiB, want at most %d", worst>>20, memorySlack>>20)
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
	inserted := float64((rows-file)*rowBytes) / (1 << 20)
	figure(t, "8: %d MiB in %d rows loaded in %.0f s by INSERT (%.1f MiB/s) and %.0f s by LOAD DATA (%.1f MiB/s), scanned in %.1f s; pool %d MiB: writer's peak %d MiB, largest storage node's %d MiB; six nodes' disk %.1f times the data",
		size>>20, count, loaded.Seconds(), inserted/loaded.Seconds(), fileLoaded.Seconds(), float64(file*rowBytes)/(1<<20)/fileLoaded.Seconds(), scanned.Seconds(),
		pool>>20, writer>>20, worst>>20, float64(disk)/float64(size))
}

// loadFile loads rows into big.t by LOAD DATA LOCAL.
func loadFile(t *testing.T, db *sql.DB, rows int, line func(i int) string) {
	t.Helper()
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		b := bufio.NewWriter(w)
		for i := range rows {
			if _, err := b.WriteString(line(i)); err != nil {
				return // the reader went away
			}
		}
		w.CloseWithError(b.Flush())
	}()
	mysql.RegisterReaderHandler("rows", func() io.Reader { return r })
	defer mysql.DeregisterReaderHandler("rows")
	mustExec(t, db, "LOAD DATA LOCAL INFILE 'Reader::rows' INTO TABLE big.t (n, pad)")
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
	killWriter(c)
	empty := resident(c.writerPID())
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
	full := resident(c.writerPID())
	if full > empty+tableSlack {
		t.Errorf("the restarted writer holds %d MiB with %d tables, %d MiB without", full>>20, tables, empty>>20)
	}
	listings := map[string]int{
		"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'many%'":                                                   schemas,
		"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'many_0001'":                                                   (tables - 2 + schemas) / schemas,
		fmt.Sprintf("SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = 'many_0001' AND table_name = 't%06d'", schemas+1): 2,
	}
	begun = time.Now()
	for query, want := range listings {
		var n int
		if err := db.QueryRow(query).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d, %v; want %d", query, n, err, want)
		}
	}
	listed := time.Since(begun)
	figure(t, "8: %d databases and %d tables created in %.0f s; first query after a restart p95 %.2f s; restarted writer resident %d MiB (%d MiB without tables); the databases, one's tables and one table's columns listed in %.2f s",
		schemas, tables, created.Seconds(), percentile(waits, 0.95).Seconds(), full>>20, empty>>20, listed.Seconds())
}
