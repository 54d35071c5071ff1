package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func TestForms(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE p (id INT PRIMARY KEY)")
	c.must("CREATE TABLE t (a INT NOT NULL REFERENCES p(id) ON DELETE CASCADE ON UPDATE SET NULL, b INT REFERENCES d.p (id) MATCH FULL COMMENT 'of p', " +
		"PRIMARY KEY USING BTREE (a), UNIQUE KEY u USING HASH (b), KEY k TYPE BTREE (b, a), CONSTRAINT f FOREIGN KEY k (b) REFERENCES p (id) ON DELETE NO ACTION)")
	c.must("ALTER TABLE t ADD (algorithm INT REFERENCES p (id) ON DELETE RESTRICT, KEY x USING BTREE (algorithm)), ENGINE=InnoDB DEFAULT CHARSET = latin1 DEFAULT COLLATE latin1_bin COMMENT 'c' AUTO_INCREMENT=5, ADD d TEXT")
	c.must("ALTER TABLE t MODIFY algorithm VARCHAR(5), ALGORITHM=COPY")
	c.must("ALTER TABLE d.t ROW_FORMAT=DYNAMIC STATS_PERSISTENT 1 CHARACTER SET utf8mb4 ENGINE InnoDB")
	c.query("SHOW CREATE TABLE t", "t\tCREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` int DEFAULT NULL COMMENT 'of p',\n  `algorithm` varchar(5) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT NULL,\n"+
		"  `d` text CHARACTER SET latin1 COLLATE latin1_bin,\n  PRIMARY KEY (`a`) USING BTREE,\n  UNIQUE KEY `u` (`b`) USING HASH,\n  KEY `k` (`b`,`a`) USING BTREE,\n  KEY `x` (`algorithm`) USING BTREE,\n"+
		"  CONSTRAINT `f` FOREIGN KEY (`b`) REFERENCES `p` (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci ROW_FORMAT=DYNAMIC STATS_PERSISTENT=1 COMMENT='c'")
	c.query("SELECT CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH FROM information_schema.COLUMNS WHERE TABLE_NAME = 't' AND COLUMN_NAME IN ('algorithm', 'd') ORDER BY 1", "5\t5\n65535\t65535")
	c.fails("ALTER TABLE t ALGORITHM=FAST", mysqlerr.ER_UNKNOWN_ALTER_ALGORITHM, "Unknown ALGORITHM 'FAST'")
}
