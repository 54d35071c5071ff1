-- The transactions of sysbench's oltp_write_only as plain text. That script prepares four statements for each table on each connection before it
-- begins: with 10,000 tables and 1,000 connections 40 million of them.

require("oltp_common")

function thread_init()
   drv = sysbench.sql.driver()
   con = drv:connect()
end

function thread_done()
   con:disconnect()
end

local function any_table()
   return sysbench.rand.uniform(1, sysbench.opt.tables)
end

local function any_id()
   return sysbench.rand.default(1, sysbench.opt.table_size)
end

function event()
   con:query("BEGIN")
   con:query(string.format("UPDATE sbtest%u SET k=k+1 WHERE id=%u", any_table(), any_id()))
   con:query(string.format("UPDATE sbtest%u SET c='%s' WHERE id=%u", any_table(), get_c_value(), any_id()))
   local t, id = any_table(), any_id()
   con:query(string.format("DELETE FROM sbtest%u WHERE id=%u", t, id))
   con:query(string.format("INSERT INTO sbtest%u (id, k, c, pad) VALUES (%u, %u, '%s', '%s')", t, id, any_id(), get_c_value(), get_pad_value()))
   con:query("COMMIT")
end
