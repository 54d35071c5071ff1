package general

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// TestForeignKeyUnderLoad adds a foreign key again and again while others insert children and delete parents: when it is there, every child has its
// parent; when it is refused (1452), it is not there. Both happen.
func TestForeignKeyUnderLoad(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE ch (id INT AUTO_INCREMENT PRIMARY KEY, pid INT, KEY (pid))")
	for i := range 200 {
		c.must(fmt.Sprintf("INSERT INTO p VALUES (%d)", i))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 2 {
		x := sv.client()
		x.must("USE d")
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				id := rng.IntN(200)
				switch rng.IntN(12) {
				case 0, 1: // 1451 while the key is there
					_, _ = x.exec(fmt.Sprintf("DELETE FROM p WHERE id = %d AND NOT EXISTS (SELECT 1 FROM ch WHERE pid = %d)", id, id))
				case 2:
					_, _ = x.exec(fmt.Sprintf("DELETE FROM p WHERE id = %d", id))
				case 3, 4, 5:
					_, _ = x.exec(fmt.Sprintf("INSERT IGNORE INTO p VALUES (%d)", id))
				case 6:
					_, _ = x.exec(fmt.Sprintf("INSERT INTO ch (pid) SELECT id FROM p WHERE id = %d", id))
				default:
					_, _ = x.exec(fmt.Sprintf("INSERT INTO ch (pid) VALUES (%d)", id))
				}
			}
		}()
	}
	added, refused := 0, 0
	for i := 0; i < 200 && (added < 4 || refused < 4); i++ {
		c.must("DELETE ch FROM ch LEFT JOIN p ON p.id = ch.pid WHERE p.id IS NULL")
		text := "ALTER TABLE ch ADD CONSTRAINT fk FOREIGN KEY (pid) REFERENCES p (id)"
		if i%2 == 1 {
			text += ", ADD INDEX x (pid, id)"
		}
		if _, err := c.exec(text); err != nil {
			refused++
			if a, err := c.exec("SELECT COUNT(*) FROM information_schema.referential_constraints WHERE constraint_schema = 'd'"); err != nil || a.rows[0][0] != "0" {
				t.Fatalf("refused, and there: %v, %v", a.rows, err)
			}
			continue
		}
		added++
		if a, err := c.exec("SELECT COUNT(*) FROM ch LEFT JOIN p ON p.id = ch.pid WHERE p.id IS NULL"); err != nil || a.rows[0][0] != "0" {
			t.Fatalf("%v children without a parent under the key (%v)", a.rows, err)
		}
		c.must("ALTER TABLE ch DROP FOREIGN KEY fk")
		if i%2 == 1 {
			c.must("ALTER TABLE ch DROP INDEX x")
		}
	}
	close(stop)
	wg.Wait()
	if added == 0 || refused == 0 {
		t.Errorf("%d keys added, %d refused: the test shows one side only", added, refused)
	}
}

// TestForeignKeyOfNewColumn adds a key over columns that the same statement makes, and one to the table itself.
func TestForeignKeyOfNewColumn(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE ch (id INT PRIMARY KEY, up INT)")
	c.must("INSERT INTO p VALUES (5); INSERT INTO ch VALUES (1, NULL), (2, 1), (3, 1)")
	c.fails("ALTER TABLE ch ADD COLUMN pid INT NOT NULL DEFAULT 6, ADD CONSTRAINT a FOREIGN KEY (pid) REFERENCES p (id)", 1452,
		"Cannot add or update a child row: a foreign key constraint fails (`d`.`ch`, CONSTRAINT `a` FOREIGN KEY (`pid`) REFERENCES `p` (`id`))")
	c.query("SHOW COLUMNS FROM ch LIKE 'pid'", "")
	c.must("ALTER TABLE ch ADD COLUMN pid INT NOT NULL DEFAULT 5, ADD CONSTRAINT a FOREIGN KEY (pid) REFERENCES p (id)")
	c.fails("UPDATE ch SET pid = 6", 1452, "")
	c.must("ALTER TABLE ch ADD CONSTRAINT b FOREIGN KEY (up) REFERENCES ch (id)")
	c.must("ALTER TABLE ch DROP FOREIGN KEY b; UPDATE ch SET up = 9 WHERE id = 3")
	c.fails("ALTER TABLE ch ADD CONSTRAINT b FOREIGN KEY (up) REFERENCES ch (id)", 1452, "")
	c.must("CREATE TABLE self (id INT PRIMARY KEY, up INT, CONSTRAINT s FOREIGN KEY (up) REFERENCES self (id)); ALTER TABLE self RENAME COLUMN id TO nid, CHANGE up pid INT; INSERT INTO self VALUES (1, NULL), (2, 1)")
	c.fails("INSERT INTO self VALUES (3, 9)", 1452, "Cannot add or update a child row: a foreign key constraint fails (`d`.`self`, CONSTRAINT `s` FOREIGN KEY (`pid`) REFERENCES `self` (`nid`))")
	c.must("CREATE TABLE s (v VARCHAR(20), KEY (v)); CREATE TABLE sc (v CHAR(10)); INSERT INTO s VALUES ('Abc'); INSERT INTO sc VALUES ('aBC'), (NULL)")
	c.must("ALTER TABLE sc ADD FOREIGN KEY (v) REFERENCES s (v)")
}
