package general

import "testing"

// Regular expressions count characters, follow the collation, know ICU's syntax, and have MySQL's errors.
func TestRegexps(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE t (a VARCHAR(20), b VARCHAR(20) COLLATE utf8mb4_bin, p VARCHAR(20)); INSERT INTO t VALUES ('Été', 'Été', '^é'), ('x', 'x', 'X'), (NULL, NULL, 'z')")
	for q, want := range map[string]string{
		"SELECT COUNT(*) FROM t WHERE a REGEXP p":                                                                                 "2",
		"SELECT COUNT(*) FROM t WHERE b REGEXP p":                                                                                 "0",
		"SELECT COUNT(*) FROM t WHERE a NOT REGEXP 'x'":                                                                           "1",
		"SELECT a RLIKE 'T(?=É)', REGEXP_INSTR(a, 'é', 2), REGEXP_SUBSTR(a, '.$') FROM t LIMIT 1":                                 "1\t3\té",
		"SELECT REGEXP_REPLACE('Stanley Jones', '(.*) (.*)', '$2, $1')":                                                           "Jones, Stanley",
		"SELECT REGEXP_REPLACE('abc def ghi', '[a-z]+', 'X', 1, 3)":                                                               "abc def X",
		"SELECT REGEXP_INSTR('dog cat dog', 'dog', 2, 1, 1), REGEXP_LIKE('CamelCase', 'CAMELCASE', 'c')":                          "12\t0",
		"SELECT REGEXP_LIKE(NULL, 'a'), REGEXP_LIKE('a', NULL), REGEXP_SUBSTR('a', 'b')":                                          "NULL\tNULL\tNULL",
		"SELECT TIMESTAMP('2003-12-31 12:00:00', '12:00:00.5')":                                                                   "2004-01-01 00:00:00.5",
		"SELECT HEX(AES_ENCRYPT('text', 'key')), AES_DECRYPT(AES_ENCRYPT('text', 'key'), 'key')":                                  "15E36637363712FC2E699B9C95B75393\ttext",
		"SELECT AES_DECRYPT('text', 'key'), AES_ENCRYPT(NULL, 'a')":                                                               "NULL\tNULL",
		"SELECT AES_DECRYPT(AES_ENCRYPT('a', 'k', '', 'pbkdf2_hmac', 's', '2000'), 'k', '', 'pbkdf2_hmac', 's', '2000')":          "a",
		"SELECT FORMAT_BYTES(512), FORMAT_BYTES(18446644073709551615), FORMAT_PICO_TIME(3501), FORMAT_PICO_TIME(188732396662000)": " 512 bytes\t16.00 EiB\t3.50 ns\t3.15 min",
		"SELECT PS_CURRENT_THREAD_ID() = CONNECTION_ID()":                                                                         "1",
	} {
		c.query(q, want)
	}
	c.fails("SELECT a REGEXP '*' FROM t", 3688, "Syntax error in regular expression on line 1, character 1.")
	c.fails("SELECT 'a' REGEXP '(a'", 3691, "Mismatched parenthesis in regular expression.")
	c.fails("SELECT 'a' REGEXP ''", 3685, "Illegal argument to a regular expression.")
	c.fails("SELECT REGEXP_INSTR('a', 'b', 3)", 3686, "Index out of bounds in regular expression search.")
	c.fails("SELECT REGEXP_LIKE('a', 'b', 'z')", 1210, "Incorrect arguments to regexp_like")
	c.fails("SELECT BINARY 'a' REGEXP 'a'", 3995, "Character set 'binary' cannot be used in conjunction with 'utf8mb4_0900_ai_ci' in call to regexp_like.")
	c.fails("SELECT AES_ENCRYPT('a', 'k', '', 'md5')", 3235, "KDF method name is not valid. Please use hkdf or pbkdf2_hmac method name")
	c.must("SET block_encryption_mode = 'aes-256-cbc'")
	c.fails("SELECT AES_ENCRYPT('a', 'k')", 1582, "Incorrect parameter count in the call to native function 'aes_encrypt'")
	c.fails("SELECT AES_ENCRYPT('a', 'k', 'v')", 1882, "The initialization vector supplied to aes_encrypt is too short. Must be at least 16 bytes long")
	c.query("SELECT AES_DECRYPT(AES_ENCRYPT('a', 'k', REPEAT('i', 16)), 'k', REPEAT('i', 16))", "a")
}
