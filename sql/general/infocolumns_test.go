package general

import "testing"

// information_schema.COLUMNS tells what MySQL 8.0 tells.
func TestInfoColumns(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE cols")
	c.must("USE cols")
	c.must(`CREATE TABLE t (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, f FLOAT(7,4), d DOUBLE(9,2) DEFAULT 1.5, n DECIMAL(12,3) NOT NULL DEFAULT 0.5,
		at TIME(3), up TIMESTAMP(2) DEFAULT CURRENT_TIMESTAMP(2) ON UPDATE CURRENT_TIMESTAMP(2), day DATE, e ENUM('a','bcd') DEFAULT 'a',
		v VARCHAR(20) CHARACTER SET latin1 COMMENT 'why', b BIT(5) DEFAULT b'101', g INT GENERATED ALWAYS AS (id + 1) STORED,
		j JSON, bl BLOB, y YEAR, x INT DEFAULT (1 + 1), UNIQUE (v), KEY (day))`)
	c.must("CREATE VIEW w AS SELECT id, v AS name FROM t")
	c.query(`SELECT column_name, column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, datetime_precision, collation_name,
		column_type, column_key, extra, column_comment, generation_expression FROM information_schema.columns WHERE table_schema = 'cols' AND table_name = 't'`,
		"id\tNULL\tNO\tbigint\tNULL\t20\t0\tNULL\tNULL\tbigint unsigned\tPRI\tauto_increment\t\t\n"+
			"f\tNULL\tYES\tfloat\tNULL\t7\t4\tNULL\tNULL\tfloat(7,4)\t\t\t\t\n"+
			"d\t1.50\tYES\tdouble\tNULL\t9\t2\tNULL\tNULL\tdouble(9,2)\t\t\t\t\n"+
			"n\t0.500\tNO\tdecimal\tNULL\t12\t3\tNULL\tNULL\tdecimal(12,3)\t\t\t\t\n"+
			"at\tNULL\tYES\ttime\tNULL\tNULL\tNULL\t3\tNULL\ttime(3)\t\t\t\t\n"+
			"up\tCURRENT_TIMESTAMP(2)\tYES\ttimestamp\tNULL\tNULL\tNULL\t2\tNULL\ttimestamp(2)\t\tDEFAULT_GENERATED on update CURRENT_TIMESTAMP(2)\t\t\n"+
			"day\tNULL\tYES\tdate\tNULL\tNULL\tNULL\tNULL\tNULL\tdate\tMUL\t\t\t\n"+
			"e\ta\tYES\tenum\t3\tNULL\tNULL\tNULL\tutf8mb4_0900_ai_ci\tenum('a','bcd')\t\t\t\t\n"+
			"v\tNULL\tYES\tvarchar\t20\tNULL\tNULL\tNULL\tlatin1_swedish_ci\tvarchar(20)\tUNI\t\twhy\t\n"+
			"b\tb'101'\tYES\tbit\tNULL\t5\tNULL\tNULL\tNULL\tbit(5)\t\t\t\t\n"+
			"g\tNULL\tYES\tint\tNULL\t10\t0\tNULL\tNULL\tint\t\tSTORED GENERATED\t\t(`id` + 1)\n"+
			"j\tNULL\tYES\tjson\tNULL\tNULL\tNULL\tNULL\tNULL\tjson\t\t\t\t\n"+
			"bl\tNULL\tYES\tblob\t65535\tNULL\tNULL\tNULL\tNULL\tblob\t\t\t\t\n"+
			"y\tNULL\tYES\tyear\tNULL\tNULL\tNULL\tNULL\tNULL\tyear\t\t\t\t\n"+
			"x\t(1 + 1)\tYES\tint\tNULL\t10\t0\tNULL\tNULL\tint\t\tDEFAULT_GENERATED\t\t")
	c.query("SELECT column_name, ordinal_position, column_type, privileges FROM information_schema.columns WHERE table_schema = 'cols' AND table_name = 'w'",
		"id\t1\tbigint unsigned\tselect,insert,update,references\nname\t2\tvarchar(20)\tselect,insert,update,references")
}

// CAST AS TIME(n) reads dates and times, too, and keeps its digits.
func TestCastTime(t *testing.T) {
	c := newServer(t).client()
	c.query("SELECT CAST('03:25:45.6' AS TIME(1)), CAST('00:00:00' AS TIME(1)), CAST('2011-11-20 21:27:37' AS TIME), CAST('2011-11-20 21:27:37.85' AS TIME(1)), "+
		"CAST(20111120212737 AS TIME), CAST(CAST('2011-11-20 21:27:37.8' AS DATETIME(1)) AS TIME(3)), CAST('abc' AS TIME)",
		"03:25:45.6\t00:00:00.0\t21:27:37\t21:27:37.9\t21:27:37\t21:27:37.800\tNULL")
	c.query("SHOW WARNINGS", "Warning\t1292\tTruncated incorrect time value: 'abc'")
}
