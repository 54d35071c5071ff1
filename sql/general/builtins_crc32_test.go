package general

import "testing"

// CRC32 is of the text that a value shows; bytes are themselves.
func TestCRC32(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE crc")
	c.must("USE crc")
	c.must("CREATE TABLE t (b VARBINARY(9), e ENUM('x','y'), d DATETIME(2), at TIME(1), f DOUBLE, n DECIMAL(5,2))")
	c.must("INSERT INTO t VALUES (x'00ff27', 'y', '2020-01-01 10:00:00.55', '10:11:12.3', 2, 1.5)")
	c.query("SELECT CRC32(b), CRC32(e) = CRC32('y'), CRC32(d) = CRC32('2020-01-01 10:00:00.55'), CRC32(f) = CRC32('2'), CRC32(n) = CRC32('1.50'), CRC32(NULL) FROM t",
		"3379532043\t1\t1\t1\t1\tNULL")
	c.query("SELECT CRC32('MySQL'), CRC32('mysql'), CRC32(1 = 1) = CRC32('1'), CRC32(12)", "3259397556\t2501908538\t1\t1330857165")
}
