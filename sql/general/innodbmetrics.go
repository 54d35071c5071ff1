package general

import (
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
)

// metricsTable is information_schema.innodb_metrics: those of InnoDB's counters that mean something here, all enabled.
func metricsTable(e *Engine) *ownTable {
	return ownView(e, "information_schema", "INNODB_METRICS", `NAME SUBSYSTEM ^COUNT ^MAX_COUNT ^MIN_COUNT %AVG_COUNT ^COUNT_RESET ^MAX_COUNT_RESET ^MIN_COUNT_RESET
		%AVG_COUNT_RESET @TIME_ENABLED @TIME_DISABLED ^TIME_ELAPSED @TIME_RESET STATUS TYPE COMMENT`,
		func(ctx *sql.Context, m table.Monitor) []sql.Row {
			i, a, c := e.db.Info(), m.Activity(), map[string]uint64{}
			if e.opts.Status != nil {
				c = e.opts.Status()
			}
			up := e.uptime()
			enabled := local(ctx, time.Now().Add(-up))
			var out []sql.Row
			add := func(name, subsystem, kind string, n uint64, comment string) {
				var avg any
				if kind == "counter" {
					avg = float64(n) / max(up.Seconds(), 1)
				}
				out = append(out, sql.Row{name, subsystem, int64(n), int64(n), int64(0), avg, int64(n), int64(n), int64(0), nil, enabled, nil, int64(up.Seconds()), nil,
					"enabled", kind, comment})
			}
			avg := uint64(0)
			if a.RowLockWaits > 0 {
				avg = uint64(a.RowLockTime.Milliseconds()) / a.RowLockWaits
			}
			add("lock_deadlocks", "lock", "counter", i.Deadlocks, "Number of deadlocks")
			add("lock_timeouts", "lock", "counter", a.Timeouts, "Number of lock timeouts")
			add("lock_rec_lock_waits", "lock", "counter", a.RowLockWaits, "Number of times enqueued into record lock wait queue")
			add("lock_row_lock_current_waits", "lock", "status_counter", a.RowLockNow, "Number of row locks currently being waited for (innodb_row_lock_current_waits)")
			add("lock_row_lock_time", "lock", "status_counter", uint64(a.RowLockTime.Milliseconds()), "Time spent in acquiring row locks, in milliseconds (innodb_row_lock_time)")
			add("lock_row_lock_time_max", "lock", "value", uint64(a.RowLockMax.Milliseconds()), "The maximum time to acquire a row lock, in milliseconds (innodb_row_lock_time_max)")
			add("lock_row_lock_waits", "lock", "status_counter", a.RowLockWaits, "Number of times a row lock had to be waited for (innodb_row_lock_waits)")
			add("lock_row_lock_time_avg", "lock", "value", avg, "The average time to acquire a row lock, in milliseconds (innodb_row_lock_time_avg)")
			add("buffer_pool_size", "server", "value", uint64(i.PoolPages)*16384, "Server buffer pool size (all buffer pools) in bytes")
			add("buffer_pool_reads", "buffer", "status_counter", i.PoolReads, "Number of reads directly from disk (innodb_buffer_pool_reads)")
			add("buffer_pool_read_requests", "buffer", "status_counter", i.PoolHits+i.PoolReads, "Number of logical read requests (innodb_buffer_pool_read_requests)")
			add("buffer_pool_pages_total", "buffer", "value", uint64(i.PoolPages), "Total buffer pool size in pages (innodb_buffer_pool_pages_total)")
			add("buffer_pool_pages_dirty", "buffer", "value", uint64(i.PoolDirty), "Buffer pages currently dirty (innodb_buffer_pool_pages_dirty)")
			add("os_log_bytes_written", "os", "status_counter", c["Innodb_os_log_written"], "Bytes of log written (innodb_os_log_written)")
			add("trx_active_transactions", "transaction", "counter", uint64(max(i.ActiveTxns, 0)), "Number of active transactions")
			add("trx_rseg_history_len", "transaction", "value", i.HistoryLength, "Length of the TRX_RSEG_HISTORY list")
			add("trx_undo_slots_used", "transaction", "counter", uint64(a.UndoLogs), "Number of undo slots used")
			add("trx_rseg_current_size", "transaction", "value", a.UndoPages, "Current rollback segment size in pages")
			add("purge_invoked", "purge", "counter", a.PurgeRounds, "Number of times purge was invoked")
			add("log_lsn_current", "log", "value", max(c["Innodb_redo_log_current_lsn"], uint64(i.VDL)), "Current LSN value")
			add("log_lsn_last_flush", "log", "value", uint64(i.VDL), "LSN of Last flush")
			add("dml_reads", "dml", "status_counter", a.Read, "Number of rows read")
			add("dml_inserts", "dml", "status_counter", a.Inserted, "Number of rows inserted")
			add("dml_deletes", "dml", "status_counter", a.Deleted, "Number of rows deleted")
			add("dml_updates", "dml", "status_counter", a.Updated, "Number of rows updated")
			return out
		})
}
