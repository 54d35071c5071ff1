#!/usr/bin/env bash
# Other people's tools, used as their manuals say: tools.sh PORT, in an empty directory; the password is in MYSQL_PWD. Each step prints
# "ok NAME", "skip NAME" (not installed) or "FAIL NAME: ..." and the end of its output.
set -u
H="-h127.0.0.1 -P$1 -uadmin"
printf '[client]\nhost=127.0.0.1\nport=%s\nuser=admin\npassword="%s"\n' "$1" "$MYSQL_PWD" >my.cnf
PT="--defaults-file $PWD/my.cnf"
DSN="F=$PWD/my.cnf"
M="mariadb $H"
export H M PT DSN PORT=$1
step() { # name, program, shell text
	if ! command -v "$2" >/dev/null; then echo "skip $1"; return; fi
	if timeout 90 bash -c "$3" >"out.$1" 2>&1 </dev/null; then echo "ok $1"; else echo "FAIL $1: $(tail -c 600 "out.$1" | tr '\n' '~')"; fi
}
export same='[ "$($M -N -e "select count(*), sum(total), max(at) from shop.orders")" = "$($M -N -e "select count(*), sum(total), max(at) from shop2.orders")" ]'
$M -e "drop database if exists shop; drop database if exists shop2; create database shop"
$M shop <<'SQL'
create table customer (id int auto_increment primary key, name varchar(60) not null, email varchar(100) unique, born date, note text, key (name)) comment='who buys';
create table orders (id bigint unsigned auto_increment primary key, customer_id int not null, total decimal(10,2) not null default 0, at datetime(3), data json, bin varbinary(20), constraint by_customer foreign key (customer_id) references customer (id) on delete cascade);
insert into customer (name,email,born,note) values ('Ann','a@x','1990-01-02','it''s\n\\ "x"'),('Боб','b@x',null,null),('😀','c@x','2000-02-29','');
insert into orders (customer_id,total,at,data,bin) select 1+(seq.n%3), seq.n*1.5, '2024-01-01 10:00:00.123', json_object('n',seq.n), unhex('00ff27') from (with recursive s(n) as (select 1 union all select n+1 from s where n<500) select n from s) seq;
create view big as select * from orders where total > 100;
delimiter //
create trigger t1 before insert on orders for each row set new.at = coalesce(new.at, now(3))//
create procedure p(in n int) begin select count(*) from orders where total > n; end//
create function f(x int) returns int deterministic return x * 2//
create event e on schedule every 1 day do delete from orders where total < 0//
delimiter ;
SQL
step dump mariadb-dump 'mariadb-dump $H --single-transaction --routines --triggers --events shop >shop.sql && grep -q "CREATE.*PROCEDURE" shop.sql && grep -q "CREATE.*EVENT" shop.sql'
step restore mariadb '$M -e "create database shop2" && $M shop2 <shop.sql && eval "$same" && [ "$($M -N shop2 -e "select f(21)")" = 42 ]'
step dump-all mariadb-dump 'mariadb-dump $H --all-databases --single-transaction >all.sql && grep -q "CREATE TABLE IF NOT EXISTS .general_log" all.sql && grep -q "INSERT INTO .customer" all.sql'
step dump-xml mariadb-dump 'mariadb-dump $H --xml shop customer | grep -q "<field name=\"name\">Ann"'
step mydumper mydumper 'mydumper --host 127.0.0.1 --port $PORT --user admin --password "$MYSQL_PWD" --database shop --outputdir md --threads 2 --triggers --routines --events'
step myloader myloader '$M -e "drop database shop2" && myloader --host 127.0.0.1 --port $PORT --user admin --password "$MYSQL_PWD" --directory md --source-db shop --database shop2 --threads 2 --overwrite-tables && eval "$same"'
step import mariadb-import 'printf "4,Dan,d@x\n5,Eve,e@x\n" >customer.csv; mariadb-import $H --local --fields-terminated-by=, --columns=id,name,email shop customer.csv | grep -q "Records: 2"'
step show mariadb-show 'mariadb-show $H shop orders | grep -q customer_id'
step check mariadb-check '[ "$(mariadb-check $H shop | grep -c OK)" -ge 2 ]'
step analyze mariadb-check 'mariadb-check $H --analyze shop'
step admin mariadb-admin 'mariadb-admin $H status extended-status processlist ping variables | grep -q "Uptime:"'
step slap mariadb-slap 'mariadb-slap $H --concurrency=4 --iterations=1 --auto-generate-sql --number-of-queries=200 --auto-generate-sql-load-type=mixed'
step mycli mycli 'env -u DSN mycli -h 127.0.0.1 -P $PORT -u admin -t shop -e "select count(*) as n from customer" | grep -q 5'
step pt-show-grants pt-show-grants 'pt-show-grants $PT | grep -q GRANT'
step pt-online-schema-change pt-online-schema-change 'pt-online-schema-change --alter "ADD COLUMN phone VARCHAR(20)" --execute --alter-foreign-keys-method=auto --no-check-replication-filters --recursion-method=none $DSN,D=shop,t=customer && [ "$($M -N -e "select count(*) from shop.customer where phone is null")" = 5 ]'
step pt-table-checksum pt-table-checksum 'pt-table-checksum $PT -h 127.0.0.1 -P $PORT --databases shop --no-check-binlog-format --recursion-method=none --no-check-replication-filters && [ "$($M -N -e "select count(*) > 0 from percona.checksums")" = 1 ]'
step pt-kill pt-kill '($M -e "select sleep(30)" & sleep 1; pt-kill $PT -h 127.0.0.1 -P $PORT --match-command Query --match-info sleep --busy-time 0 --kill --print --run-time 4 --interval 1; wait) | grep -q KILL'
step pt-find pt-find 'pt-find $PT shop --engine InnoDB --print | grep -q customer'
step pt-duplicate-key-checker pt-duplicate-key-checker 'pt-duplicate-key-checker $PT --databases shop | grep -q "Total Indexes"'
step pt-mysql-summary pt-mysql-summary 'pt-mysql-summary -- $H | grep -q Uptime'
step pt-variable-advisor pt-variable-advisor 'pt-variable-advisor $DSN'
step pt-query-digest pt-query-digest '$M -e "set global slow_query_log=1; set long_query_time=0; select count(*) from shop.orders where total > 3; select count(*) from shop.orders where total > 4; set global slow_query_log=0; flush slow logs" && pt-query-digest --no-version-check --limit 100% "$($M -N -e "select concat(@@datadir, @@slow_query_log_file)")" | grep -q "SELECT shop.orders"'
