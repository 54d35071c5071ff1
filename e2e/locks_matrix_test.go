//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The matrix: isolation level x kind of index x statement. One session runs the statement, another probes what it has locked. The files that this
// writes are recorded like those written by hand.

// lockTable is a kind of index.
type lockTable struct {
	name   string
	setup  []string
	locked []string // statements whose locks are probed, at REPEATABLE READ
	few    []string // those that are also probed at READ COMMITTED
	plain  []string // reads without a locking clause, which SERIALIZABLE makes locking
	probes []string
}

var lockTables = []lockTable{
	{
		name: "primary",
		setup: []string{"CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
			"INSERT INTO t VALUES (10,1), (20,2), (30,3), (40,4), (50,5)", "fill t (#,0)"},
		locked: []string{
			"SELECT * FROM t WHERE id = 20 FOR UPDATE", "SELECT * FROM t WHERE id = 20 LOCK IN SHARE MODE", "SELECT * FROM t WHERE id = 25 FOR UPDATE",
			"SELECT * FROM t WHERE id = 9999 FOR UPDATE", "SELECT * FROM t WHERE id >= 20 AND id < 40 FOR UPDATE", "SELECT * FROM t WHERE id > 20 AND id <= 40 FOR UPDATE",
			"SELECT * FROM t WHERE id BETWEEN 15 AND 35 FOR UPDATE", "SELECT * FROM t WHERE id <= 20 FOR UPDATE", "SELECT * FROM t WHERE id < 20 LOCK IN SHARE MODE",
			"SELECT * FROM t WHERE id > 1585 FOR UPDATE", "SELECT * FROM t WHERE id IN (20, 40) FOR UPDATE", "SELECT * FROM t WHERE id IN (20, 35) FOR UPDATE",
			"SELECT * FROM t WHERE id > 10 AND id < 40 ORDER BY id DESC FOR UPDATE", "SELECT * FROM t WHERE id <= 30 ORDER BY id DESC LIMIT 1 FOR UPDATE",
			"SELECT * FROM t WHERE id >= 20 ORDER BY id LIMIT 1 FOR UPDATE", "SELECT COUNT(*) FROM t FOR UPDATE", "SELECT * FROM t WHERE id > 20 AND id < 30 FOR UPDATE",
			"UPDATE t SET v = v + 1 WHERE id = 20", "UPDATE t SET v = v + 1 WHERE id = 25", "UPDATE t SET v = v + 1 WHERE id > 15 AND id < 35", "UPDATE t SET id = 25 WHERE id = 20",
			"UPDATE t SET v = 9 WHERE v = 2", "DELETE FROM t WHERE id = 20", "DELETE FROM t WHERE id = 25", "DELETE FROM t WHERE id >= 20 AND id <= 30", "DELETE FROM t WHERE v = 2",
			"INSERT INTO t VALUES (25, 0)", "INSERT INTO t VALUES (20, 0)", "INSERT IGNORE INTO t VALUES (20, 0)", "INSERT INTO t VALUES (20, 0) ON DUPLICATE KEY UPDATE v = 7",
			"REPLACE INTO t VALUES (20, 7)", "REPLACE INTO t VALUES (25, 7)", "SELECT * FROM t WHERE id = 20 FOR UPDATE SKIP LOCKED",
		},
		few: []string{
			"SELECT * FROM t WHERE id = 20 FOR UPDATE", "SELECT * FROM t WHERE id = 25 FOR UPDATE", "SELECT * FROM t WHERE id BETWEEN 15 AND 35 FOR UPDATE",
			"SELECT * FROM t WHERE id > 10 AND id < 40 ORDER BY id DESC FOR UPDATE", "UPDATE t SET v = v + 1 WHERE id > 15 AND id < 35", "UPDATE t SET v = 9 WHERE v = 2",
			"DELETE FROM t WHERE v = 2", "DELETE FROM t WHERE id = 25", "INSERT INTO t VALUES (25, 0)", "INSERT INTO t VALUES (20, 0)",
			"INSERT INTO t VALUES (20, 0) ON DUPLICATE KEY UPDATE v = 7", "REPLACE INTO t VALUES (20, 7)", "SELECT * FROM t WHERE v = 2 FOR UPDATE",
		},
		plain: []string{"SELECT * FROM t WHERE id = 20", "SELECT * FROM t WHERE id = 25", "SELECT * FROM t WHERE id BETWEEN 15 AND 35", "SELECT COUNT(*) FROM t"},
		probes: []string{
			"INSERT INTO t VALUES (5, 0)", "INSERT INTO t VALUES (15, 0)", "INSERT INTO t VALUES (22, 0)", "INSERT INTO t VALUES (28, 0)", "INSERT INTO t VALUES (35, 0)",
			"INSERT INTO t VALUES (45, 0)", "INSERT INTO t VALUES (9000, 0)", "UPDATE t SET v = 0 WHERE id = 10", "SELECT v FROM t WHERE id = 20 LOCK IN SHARE MODE",
			"UPDATE t SET v = 0 WHERE id = 20", "UPDATE t SET v = 0 WHERE id = 30", "UPDATE t SET v = 0 WHERE id = 40", "SELECT v FROM t WHERE id = 20",
		},
	},
	{
		name: "secondary",
		setup: []string{"CREATE TABLE t (id INT PRIMARY KEY, k INT, v INT, KEY k (k)) ENGINE=InnoDB",
			"INSERT INTO t VALUES (10,100,1), (20,200,2), (25,200,3), (30,300,4), (40,400,5)", "fill t (#,#0,0)"},
		locked: []string{
			"SELECT * FROM t WHERE k = 200 FOR UPDATE", "SELECT * FROM t WHERE k = 250 FOR UPDATE", "SELECT * FROM t WHERE k = 300 LOCK IN SHARE MODE",
			"SELECT id FROM t WHERE k = 200 LOCK IN SHARE MODE", "SELECT id FROM t WHERE k = 200 FOR UPDATE", "SELECT * FROM t FORCE INDEX (k) WHERE k >= 200 AND k < 300 FOR UPDATE",
			"SELECT * FROM t FORCE INDEX (k) WHERE k > 200 AND k <= 300 FOR UPDATE", "SELECT * FROM t FORCE INDEX (k) WHERE k < 200 FOR UPDATE",
			"SELECT * FROM t FORCE INDEX (k) WHERE k > 15850 FOR UPDATE", "SELECT * FROM t FORCE INDEX (k) WHERE k <= 300 ORDER BY k DESC LIMIT 2 FOR UPDATE",
			"SELECT * FROM t FORCE INDEX (k) WHERE k > 100 AND k < 400 ORDER BY k DESC FOR UPDATE", "SELECT * FROM t WHERE k IN (200, 400) FOR UPDATE",
			"UPDATE t SET v = 9 WHERE k = 200", "UPDATE t SET k = 250 WHERE id = 20", "UPDATE t SET k = 250 WHERE k = 200", "UPDATE t SET k = 210 WHERE k = 300", "DELETE FROM t WHERE k = 200",
			"DELETE FROM t WHERE k = 250", "DELETE FROM t WHERE id = 20", "INSERT INTO t VALUES (22, 200, 0)", "INSERT INTO t VALUES (20, 250, 0)", "SELECT * FROM t WHERE k IS NULL FOR UPDATE",
			"REPLACE INTO t VALUES (20, 250, 7)", "INSERT INTO t VALUES (20, 1, 1) ON DUPLICATE KEY UPDATE k = 250",
		},
		few: []string{
			"SELECT * FROM t WHERE k = 200 FOR UPDATE", "SELECT * FROM t WHERE k = 250 FOR UPDATE", "SELECT id FROM t WHERE k = 200 LOCK IN SHARE MODE",
			"SELECT * FROM t FORCE INDEX (k) WHERE k >= 200 AND k < 300 FOR UPDATE", "UPDATE t SET v = 9 WHERE k = 200", "UPDATE t SET k = 250 WHERE k = 200",
			"DELETE FROM t WHERE k = 200", "DELETE FROM t WHERE k = 200 AND v = 2", "INSERT INTO t VALUES (22, 200, 0)",
		},
		plain: []string{"SELECT * FROM t WHERE k = 200", "SELECT id FROM t WHERE k = 200", "SELECT * FROM t WHERE k = 250"},
		probes: []string{
			"INSERT INTO t VALUES (1, 50, 0)", "INSERT INTO t VALUES (5, 100, 0)", "INSERT INTO t VALUES (15, 100, 0)", "INSERT INTO t VALUES (16, 150, 0)",
			"INSERT INTO t VALUES (17, 200, 0)", "INSERT INTO t VALUES (26, 200, 0)", "INSERT INTO t VALUES (27, 250, 0)", "INSERT INTO t VALUES (28, 300, 0)",
			"INSERT INTO t VALUES (35, 300, 0)", "INSERT INTO t VALUES (36, 350, 0)", "INSERT INTO t VALUES (45, 450, 0)", "INSERT INTO t VALUES (9000, 90000, 0)",
			"UPDATE t SET v = 0 WHERE id = 20", "UPDATE t SET v = 0 WHERE id = 25", "UPDATE t SET k = 201 WHERE id = 20", "UPDATE t SET v = 0 WHERE id = 30",
			"UPDATE t SET k = 301 WHERE id = 30", "SELECT id FROM t WHERE k = 300 LOCK IN SHARE MODE", "DELETE FROM t WHERE id = 10", "DELETE FROM t WHERE id = 40",
		},
	},
	{
		name: "unique",
		setup: []string{"CREATE TABLE t (id INT PRIMARY KEY, u INT, v INT, UNIQUE KEY u (u)) ENGINE=InnoDB",
			"INSERT INTO t VALUES (10,100,1), (20,200,2), (30,300,3), (40,400,4), (50,NULL,5), (60,NULL,6)", "fill t (#,#0,0)"},
		locked: []string{
			"SELECT * FROM t WHERE u = 200 FOR UPDATE", "SELECT * FROM t WHERE u = 250 FOR UPDATE", "SELECT id FROM t WHERE u = 200 LOCK IN SHARE MODE", "SELECT * FROM t WHERE u IS NULL FOR UPDATE",
			"SELECT * FROM t FORCE INDEX (u) WHERE u >= 200 AND u < 300 FOR UPDATE", "SELECT * FROM t FORCE INDEX (u) WHERE u >= 200 AND u <= 300 FOR UPDATE",
			"UPDATE t SET v = 9 WHERE u = 200", "UPDATE t SET u = 250 WHERE id = 20", "UPDATE t SET u = 300 WHERE id = 20", "UPDATE t SET u = 250 WHERE u = 200", "DELETE FROM t WHERE u = 200",
			"DELETE FROM t WHERE u = 250", "INSERT INTO t VALUES (21, 250, 0)", "INSERT INTO t VALUES (21, 200, 0)", "INSERT INTO t VALUES (21, NULL, 0)",
			"INSERT IGNORE INTO t VALUES (21, 200, 0)", "INSERT INTO t VALUES (21, 200, 0) ON DUPLICATE KEY UPDATE v = 7", "REPLACE INTO t VALUES (21, 200, 7)",
		},
		few: []string{
			"SELECT * FROM t WHERE u = 200 FOR UPDATE", "SELECT * FROM t WHERE u = 250 FOR UPDATE", "UPDATE t SET u = 300 WHERE id = 20", "DELETE FROM t WHERE u = 200",
			"INSERT INTO t VALUES (21, 200, 0)", "INSERT INTO t VALUES (21, 200, 0) ON DUPLICATE KEY UPDATE v = 7", "REPLACE INTO t VALUES (21, 200, 7)",
		},
		plain: []string{"SELECT * FROM t WHERE u = 200", "SELECT id FROM t WHERE u = 250"},
		probes: []string{
			"INSERT INTO t VALUES (1, 150, 0)", "INSERT INTO t VALUES (2, 250, 0)", "INSERT INTO t VALUES (3, 350, 0)", "INSERT INTO t VALUES (4, 200, 0)", "INSERT INTO t VALUES (5, NULL, 0)",
			"INSERT INTO t VALUES (70, NULL, 0)", "INSERT INTO t VALUES (22, 450, 0)", "UPDATE t SET v = 0 WHERE id = 20", "UPDATE t SET u = 201 WHERE id = 20", "UPDATE t SET v = 0 WHERE id = 30",
			"UPDATE t SET u = 301 WHERE id = 30", "SELECT id FROM t WHERE u = 300 LOCK IN SHARE MODE", "DELETE FROM t WHERE id = 10", "DELETE FROM t WHERE id = 40",
		},
	},
	{
		name: "composite",
		setup: []string{"CREATE TABLE t (a INT, b INT, c INT, PRIMARY KEY (a, b), KEY c (c, a)) ENGINE=InnoDB",
			"INSERT INTO t VALUES (1,10,5), (1,20,6), (2,10,5), (2,20,6), (3,10,7)", "fill t (#,1,#)"},
		locked: []string{
			"SELECT * FROM t WHERE a = 1 FOR UPDATE", "SELECT * FROM t WHERE a = 2 AND b = 10 FOR UPDATE", "SELECT * FROM t WHERE a = 2 AND b = 15 FOR UPDATE",
			"SELECT * FROM t WHERE a = 2 AND b > 10 FOR UPDATE", "SELECT * FROM t WHERE a = 2 AND b >= 10 AND b < 20 FOR UPDATE", "SELECT * FROM t WHERE c = 5 FOR UPDATE", "SELECT * FROM t WHERE c = 5 AND a = 2 FOR UPDATE",
			"UPDATE t SET c = 6 WHERE a = 1", "DELETE FROM t WHERE a = 2 AND b < 20", "DELETE FROM t WHERE c = 6",
		},
		few:   []string{"SELECT * FROM t WHERE a = 1 FOR UPDATE", "UPDATE t SET c = 6 WHERE a = 1", "DELETE FROM t WHERE c = 6"},
		plain: []string{"SELECT * FROM t WHERE a = 2"},
		probes: []string{
			"INSERT INTO t VALUES (0, 1, 1)", "INSERT INTO t VALUES (1, 5, 1)", "INSERT INTO t VALUES (1, 15, 1)", "INSERT INTO t VALUES (1, 25, 1)", "INSERT INTO t VALUES (2, 5, 1)",
			"INSERT INTO t VALUES (2, 15, 1)", "INSERT INTO t VALUES (2, 25, 1)", "INSERT INTO t VALUES (3, 5, 1)", "INSERT INTO t VALUES (3, 15, 1)", "INSERT INTO t VALUES (9000, 1, 5)",
			"INSERT INTO t VALUES (9000, 1, 6)", "UPDATE t SET c = 99 WHERE a = 1 AND b = 10", "UPDATE t SET c = 99 WHERE a = 2 AND b = 10", "UPDATE t SET c = 99 WHERE a = 2 AND b = 20", "UPDATE t SET c = 99 WHERE a = 3",
		},
	},
	{
		name: "hidden",
		setup: []string{"CREATE TABLE t (k INT, v INT, KEY k (k)) ENGINE=InnoDB",
			"INSERT INTO t VALUES (100,1), (200,2), (300,3)", "fill t (#,0)"},
		locked: []string{
			"SELECT * FROM t WHERE k = 200 FOR UPDATE", "SELECT * FROM t WHERE v = 2 FOR UPDATE", "UPDATE t SET v = 9 WHERE k = 200", "DELETE FROM t WHERE k = 250", "INSERT INTO t VALUES (200, 5)",
		},
		few:    []string{"SELECT * FROM t WHERE k = 200 FOR UPDATE", "DELETE FROM t WHERE v = 2"},
		probes: []string{"INSERT INTO t VALUES (150, 0)", "INSERT INTO t VALUES (250, 0)", "INSERT INTO t VALUES (350, 0)", "UPDATE t SET v = 0 WHERE k = 100", "UPDATE t SET v = 0 WHERE k = 300"},
	},
	{
		name: "text",
		setup: []string{"CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(20) NOT NULL, v INT, KEY s (s)) ENGINE=InnoDB",
			"INSERT INTO t VALUES (10,'ape',1), (20,'bee',2), (30,'cat',3), (40,'dog',4)", "fill t (#,'z#',0)"},
		locked: []string{
			"SELECT * FROM t WHERE s = 'BEE' FOR UPDATE", "SELECT * FROM t WHERE s = 'bull' FOR UPDATE", "SELECT * FROM t FORCE INDEX (s) WHERE s BETWEEN 'b' AND 'bz' FOR UPDATE",
			"SELECT * FROM t FORCE INDEX (s) WHERE s < 'c' ORDER BY s DESC FOR UPDATE", "UPDATE t SET s = 'Bee' WHERE id = 20", "UPDATE t SET s = 'bat' WHERE id = 20",
		},
		few:    []string{"SELECT * FROM t WHERE s = 'BEE' FOR UPDATE"},
		probes: []string{"INSERT INTO t VALUES (1, 'ant', 0)", "INSERT INTO t VALUES (2, 'bad', 0)", "INSERT INTO t VALUES (3, 'boa', 0)", "INSERT INTO t VALUES (4, 'cow', 0)", "INSERT INTO t VALUES (5, 'elk', 0)", "UPDATE t SET v = 0 WHERE id = 20", "UPDATE t SET v = 0 WHERE id = 30", "SELECT id FROM t WHERE s = 'bee' LOCK IN SHARE MODE"},
	},
}

var lockLevels = []struct {
	name, level string
	pick        func(*lockTable) []string
}{
	{"rr", "REPEATABLE READ", func(t *lockTable) []string { return t.locked }},
	{"rc", "READ COMMITTED", func(t *lockTable) []string { return t.few }},
	{"serializable", "SERIALIZABLE", func(t *lockTable) []string { return t.plain }},
	{"ru", "READ UNCOMMITTED", func(t *lockTable) []string { return t.few[:1] }},
}

// writeMatrix writes the matrix's files, without answers.
func writeMatrix(dir string) error {
	for i := range lockTables {
		lt := &lockTables[i]
		for _, l := range lockLevels {
			picked := l.pick(lt)
			if len(picked) == 0 {
				continue
			}
			var b strings.Builder
			fmt.Fprintf(&b, "# Written by locks_matrix_test.go, recorded from MariaDB.\n\n")
			for n, stmt := range picked {
				fmt.Fprintf(&b, "setup %s-%d\n%s\n----\n\n", l.name, n+1, strings.Join(lt.setup, "\n"))
				fmt.Fprintf(&b, "a\nSET SESSION TRANSACTION ISOLATION LEVEL %s\n----\n\na\nBEGIN\n----\n\na\n%s\n----\n\n", l.level, stmt)
				fmt.Fprintf(&b, "probe b\n%s\n----\n\na\nROLLBACK\n----\n\n", strings.Join(lt.probes, "\n"))
			}
			path := filepath.Join(dir, "matrix_"+lt.name+"_"+l.name+".txt")
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
