package general

import "testing"

// TestModes: sql_mode shows its members in the order of MySQL's bits, a combination with all that it stands for.
func TestModes(t *testing.T) {
	c := newServer(t).client()
	c.query("SELECT @@sql_mode", defaultMode)
	c.query("SELECT @@GLOBAL.sql_mode", defaultMode)
	c.must("SET sql_mode = 'no_engine_substitution,ANSI_QUOTES,STRICT_ALL_TABLES'")
	c.query("SELECT @@sql_mode", "ANSI_QUOTES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION")
	c.must("SET sql_mode = 'TRADITIONAL'")
	c.query("SELECT @@sql_mode", "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,TRADITIONAL,NO_ENGINE_SUBSTITUTION")
	c.must("SET sql_mode = 'ANSI'")
	c.query("SELECT @@sql_mode", "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ONLY_FULL_GROUP_BY,ANSI")
	c.must("SET sql_mode = 2097152")
	c.query("SELECT @@sql_mode", "STRICT_TRANS_TABLES")
	c.must("SET sql_mode = ''")
	c.query("SELECT @@sql_mode", "")
	c.fails("SET NAMES ucs2", 1231, "Variable 'character_set_client' can't be set to the value of 'ucs2'")
	c.fails("SET character_set_client = CONCAT('utf', 32)", 1231, "Variable 'character_set_client' can't be set to the value of 'utf32'")
	c.fails("SET NAMES utf8mb4 COLLATE latin1_bin", 1253, "COLLATION 'latin1_bin' is not valid for CHARACTER SET 'utf8mb4'")
	c.must("SET character_set_connection = ucs2; SET NAMES utf8 COLLATE utf8_bin; SET NAMES 'utf8mb4' COLLATE 'utf8mb4_0900_ai_ci'")
	c.fails("SET sql_mode = 'x'", 1231, "Variable 'sql_mode' can't be set to the value of 'x'")
}
