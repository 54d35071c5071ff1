# Ruby mysql2 (Debian ruby-mysql2): ruby check.rb HOST PORT USER; the password is in ZORYA_PASSWORD.
require 'mysql2'
require 'bigdecimal'
require 'json'
$host, $port, $user = ARGV
$failed = false
def check(what, got, want)
  return if got == want
  $failed = true
  puts "FAIL #{what}: got #{got.inspect}, want #{want.inspect}"
end
def connect(**more)
  Mysql2::Client.new({ host: $host, port: $port.to_i, username: $user, password: ENV['ZORYA_PASSWORD'], encoding: 'utf8mb4', sslverify: false, database_timezone: :utc, application_timezone: :utc,
                       flags: Mysql2::Client::MULTI_STATEMENTS }.merge(more))
end
def error
  yield
  nil
rescue Mysql2::Error => e
  [e.error_number, e.sql_state]
end
c = connect
check 'TLS cipher', c.query("SHOW STATUS LIKE 'Ssl_cipher'").first['Value'] != '', true
c.query 'DROP DATABASE IF EXISTS drv_ruby'
c.query 'CREATE DATABASE drv_ruby'
c.select_db 'drv_ruby'
c.query "CREATE TABLE types (id INT AUTO_INCREMENT PRIMARY KEY, ti TINYINT, i INT, bi BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE, de DECIMAL(30,10), da DATE, dt DATETIME(6), y YEAR,
  vc VARCHAR(100), vb VARBINARY(100), tx TEXT, en ENUM('a','ü'), st SET('x','y'), js JSON, bo BOOL)"
row = { 'ti' => -128, 'i' => -2147483648, 'bi' => -9223372036854775808, 'bu' => 18446744073709551615, 'f' => 1.5, 'd' => 3.141592653589793, 'de' => BigDecimal('12345678901234567890.0123456789'),
        'da' => Date.new(2024, 2, 29), 'dt' => Time.utc(2024, 2, 29, 23, 59, 59, 123456), 'y' => 2024, 'vc' => 'Grüße 😀', 'vb' => (0..99).to_a.pack('C*'), 'tx' => "a\n'\"\\", 'en' => 'ü', 'st' => 'x,y', 'js' => '{"a": 1}', 'bo' => 1 }
st = c.prepare("INSERT INTO types (#{row.keys.join(',')}) VALUES (#{(['?'] * row.size).join(',')})")
st.execute(*row.values)
check 'insert', [st.last_id, st.affected_rows], [1, 1]
sel = c.prepare("SELECT #{row.keys.join(',')} FROM types WHERE id = ?")
check 'prepared read', sel.execute(1).first, row
[st, sel].each(&:close) # the library closes what it collects, also in the midst of a stream, and then cuts the stream short
check 'text read', c.query("SELECT #{row.keys.join(',')} FROM types WHERE id = 1").first, row
c.query 'INSERT INTO types () VALUES ()'
check 'NULLs', c.query('SELECT * FROM types WHERE id = 2').first.values[1..].compact, []
n = 0
c.query('WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) SELECT a.x FROM n a JOIN n b ON b.x <= 20', stream: true, cache_rows: false).each { n += 1 }
check 'streamed', n, 20_000
got = [c.query("SELECT 1 AS a; UPDATE types SET ti = 3 WHERE id = 2; SELECT 'x' AS b").to_a]
got << c.store_result&.to_a while c.next_result
check 'results', got.compact, [[{ 'a' => 1 }], [{ 'b' => 'x' }]]
check 'duplicate', error { c.query 'INSERT INTO types (id) VALUES (1)' }, [1062, '23000']
check 'no table', error { c.query 'SELECT * FROM nothere' }, [1146, '42S02']
check 'bad password', error { connect(password: 'wrong') }, [1045, '28000']
victim = connect(database: 'drv_ruby')
Thread.new { sleep 0.3; connect.query "KILL QUERY #{victim.thread_id}" }
check 'cancelled', (error { victim.query('SELECT COUNT(*) FROM information_schema.columns a, information_schema.columns b, information_schema.columns c WHERE a.column_name < b.column_name') } || [])[0], 1317
check 'alive', victim.query('SELECT 7 AS x').first, { 'x' => 7 }
check 'server info', c.server_info[:version].start_with?('8.0.'), true
check 'escape', c.query("SELECT '#{c.escape("it's \\ \n")}' AS e").first['e'], "it's \\ \n"
c.query 'DROP DATABASE drv_ruby'
puts $failed ? 'failed' : 'ok'
exit($failed ? 1 : 0)
