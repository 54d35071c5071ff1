package general

import (
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func TestVariables(t *testing.T) {
	c := newServer(t).client()
	c.query("SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@have_ssl, @@GLOBAL.innodb_version", "1\t1\tYES\t8.0.39")
	c.query("SHOW VARIABLES LIKE 'innodb_file_per_table'", "innodb_file_per_table\tON")

	// optimizer_switch: flags that are not named stay.
	c.must("SET optimizer_switch = 'mrr=off,hash_join=default'")
	got := c.must("SELECT @@optimizer_switch").String()
	if !strings.Contains(got, ",mrr=off,mrr_cost_based=on,") || !strings.Contains(got, "hash_join=on") || !strings.HasPrefix(got, "index_merge=on,") {
		t.Error(got)
	}
	c.fails("SET optimizer_switch = 'mrr=maybe'", mysqlerr.ER_WRONG_VALUE_FOR_VAR, "Variable 'optimizer_switch' can't be set to the value of 'mrr=maybe'")
	c.must("SET optimizer_switch = DEFAULT")
	if got := c.must("SELECT @@optimizer_switch").String(); !strings.Contains(got, ",mrr=on,") {
		t.Error(got)
	}

	// Numbers: the nearest bound with a warning, texts refused.
	c.must("SET SESSION innodb_ddl_threads = 1000")
	c.query("SHOW WARNINGS", "Warning\t1292\tTruncated incorrect innodb_ddl_threads value: '1000'")
	c.query("SELECT @@innodb_ddl_threads", "64")
	c.must("SET SESSION sort_buffer_size = 1")
	c.query("SHOW WARNINGS", "Warning\t1292\tTruncated incorrect sort_buffer_size value: '1'")
	c.fails("SET SESSION innodb_ddl_threads = 'many'", mysqlerr.ER_WRONG_TYPE_FOR_VAR, "Incorrect argument type to variable 'innodb_ddl_threads'")
	c.fails("SET SESSION innodb_ddl_threads = 1.5", mysqlerr.ER_WRONG_TYPE_FOR_VAR, "")
	c.must("SET sql_mode = 'STRICT_ALL_TABLES'")
	c.fails("SET SESSION innodb_ddl_threads = 1000", mysqlerr.ER_WRONG_VALUE_FOR_VAR, "")

	// Scopes.
	c.fails("SET GLOBAL innodb_page_size = 4096", mysqlerr.ER_INCORRECT_GLOBAL_LOCAL_VAR, "Variable 'innodb_page_size' is a read only variable")
	c.fails("SET SESSION innodb_io_capacity = 300", mysqlerr.ER_GLOBAL_VARIABLE, "")
	c.fails("SELECT @@nonsense", mysqlerr.ER_UNKNOWN_SYSTEM_VARIABLE, "Unknown system variable 'nonsense'")

	c.query("SELECT variable_value FROM performance_schema.session_variables WHERE variable_name = 'profiling'", "OFF")
	c.query("SELECT global_value, read_only FROM information_schema.system_variables WHERE variable_name = 'INNODB_PAGE_SIZE'", "16384\tYES")
	c.query("SELECT COUNT(*) > 10 FROM performance_schema.global_status", "1")
	c.fails("SELECT * FROM information_schema.nonsense", mysqlerr.ER_UNKNOWN_TABLE, "Unknown table 'nonsense' in information_schema")
	c.fails("SELECT * FROM mysql.nonsense", mysqlerr.ER_NO_SUCH_TABLE, "Table 'mysql.nonsense' doesn't exist")
}
