//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Point 5: bytes rot in the files of two storage nodes while they serve. The checks of the storage nodes find what
// is live, peers repair it, and no query ever sees a wrong byte.
func TestAccept5BitRot(t *testing.T) {
	c := start(t, "--pool", "16M") // small: reads go to storage
	db := c.db("")
	mustExec(t, db, "CREATE DATABASE rot", "CREATE TABLE rot.t (id INT PRIMARY KEY, v CHAR(64) NOT NULL, pad VARCHAR(800) NOT NULL)")
	rows := pick(40_000, 400_000)
	for id := 0; id < rows; id += 500 {
		q := []byte("INSERT INTO rot.t VALUES ")
		for i := id; i < id+500; i++ {
			if i > id {
				q = append(q, ',')
			}
			q = fmt.Appendf(q, "(%d, SHA2(%d, 256), REPEAT(MD5(%d), 25))", i, i, i)
		}
		mustExec(t, db, string(q))
	}
	// Every row says itself whether it is right.
	check := func() {
		var n, wrong int
		if err := db.QueryRow("SELECT COUNT(*), SUM(v <> SHA2(id, 256) OR pad <> REPEAT(MD5(id), 25)) FROM rot.t").Scan(&n, &wrong); err != nil {
			t.Fatal(err)
		}
		if n != rows || wrong != 0 {
			t.Fatalf("%d rows, %d of them wrong; want %d right ones", n, wrong, rows)
		}
	}
	check()
	flips, files := 0, 0
	victims := []string{"node-1", "node-3"} // two nodes of different zones, each with full segments
	for range pick(3, 20) {
		for _, id := range victims {
			n, f := rot(t, filepath.Join(c.dir, "nodes", id), pick(200, 2000))
			flips, files = flips+n, max(files, f)
		}
		check()
	}
	repairs := func() (n uint64) {
		for _, info := range c.nodes() {
			for _, s := range info.Segments {
				n += s.Repairs
			}
		}
		return n
	}
	eventually(t, pick(60*time.Second, 10*time.Minute), "a repair to be counted", func() bool { return repairs() > 0 })
	check()
	if st := c.status(); st.Cluster.Status != "available" {
		t.Errorf("the cluster is %s", st.Cluster.Status)
	}
	figure(t, "5: %d bytes flipped in the files of %v (%d files at most), %d damaged blocks repaired from peers, no wrong byte served", flips, victims, files, repairs())
}

// rot flips n random bytes in the files below dir, but for those whose loss only an administrator may cause (locks).
func rot(t *testing.T, dir string, n int) (flips, files int) {
	type target struct {
		path string
		size int64
	}
	var all []target
	var total int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // files come and go while the node works
		}
		if info, err := d.Info(); err == nil && info.Size() > 4096 {
			all = append(all, target{path, info.Size()})
			total += info.Size()
		}
		return nil
	})
	if err != nil || total == 0 {
		t.Fatalf("nothing to damage in %s: %v", dir, err)
	}
	for range n {
		at := rand.Int64N(total)
		for _, f := range all {
			if at >= f.size {
				at -= f.size
				continue
			}
			if flip(f.path, at) {
				flips++
			}
			break
		}
	}
	return flips, len(all)
}

func flip(path string, at int64) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		return false
	}
	b[0] ^= 1 << rand.IntN(8)
	_, err = f.WriteAt(b[:], at)
	return err == nil
}
