//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zoryadb/zorya/cluster/meta"
)

// Point 5: bytes rot in the files of two storage nodes while they serve. Every one that lies on live data is found by a checksum,
// mended and counted, and no query ever sees a wrong byte.
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
	all := map[string]map[int64]flipped{}
	files := 0
	victims := []string{"node-1", "node-3"} // two nodes of different zones, each with full segments
	for range pick(3, 20) {
		for _, id := range victims {
			files = max(files, rot(t, filepath.Join(c.dir, "nodes", id), pick(200, 2000), all))
		}
		check()
	}
	for _, id := range victims {
		c.verified(id)
	}
	check()
	if st := c.status(); st.Cluster.Status != "available" {
		t.Errorf("the cluster is %s", st.Cluster.Status)
	}
	for _, id := range victims {
		fates, missed := account(t, c, id, all)
		n := 0
		for fate, k := range fates {
			n += k
			figure(t, "5: %s: %d flipped bytes %s", id, k, fate)
		}
		for _, m := range missed[:min(len(missed), 10)] {
			t.Errorf("a flipped byte on live data was not found: %s", m)
		}
		st := c.node(id)
		damaged, repaired := c.counter(id, "zorya_storage_damaged_blocks_total"), c.counter(id, "zorya_storage_repaired_blocks_total")
		if damaged == 0 || repaired == 0 || float64(st.Damaged) != damaged || float64(st.Repairs) != repaired {
			t.Errorf("%s: metrics count %.0f damaged and %.0f repaired blocks, the status %d and %d", id, damaged, repaired, st.Damaged, st.Repairs)
		}
		figure(t, "5: %s: %d bytes flipped in at most %d files: %.0f damaged blocks found, %.0f mended, every flip on live data accounted for, no wrong byte served",
			id, n, files, damaged, repaired)
	}
}

// verified waits until a node has verified all its files, after what is under way, and met no damage any more.
func (c *cluster) verified(id string) {
	c.t.Helper()
	begun := c.nodes()[id].ScrubRounds
	eventually(c.t, pick(3*time.Minute, 30*time.Minute), id+" to verify all its files and find nothing more", func() bool {
		info := c.nodes()[id]
		return info.ScrubRounds >= begun+2 && info.CleanRounds > 0
	})
}

// counter is a metric of a storage node.
func (c *cluster) counter(id, name string) float64 {
	c.t.Helper()
	for _, r := range c.registrations(meta.Nodes) {
		if r.ID != id {
			continue
		}
		resp, err := http.Get(r.HTTP + "/metrics")
		if err != nil {
			c.t.Fatal(err)
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
				v, err := strconv.ParseFloat(rest, 64)
				if err != nil {
					c.t.Fatal(err)
				}
				return v
			}
		}
	}
	c.t.Fatalf("%s has no metric %s", id, name)
	return 0
}
