<?php // mysqli and PDO (Debian php-mysql): php check.php HOST PORT USER; the password is in ZORYA_PASSWORD.
[$_, $host, $port, $user] = $argv;
$password = getenv('ZORYA_PASSWORD');
$failed = false;
function check($what, $got, $want) {
    global $failed;
    if ($got !== $want && is_array($got) && is_array($want)) {
        foreach ($want as $k => $w) if (($got[$k] ?? null) !== $w) { $failed = true; echo "FAIL $what [$k]: got ", var_export($got[$k] ?? null, true), " want ", var_export($w, true), "\n"; }
        if (count($got) != count($want)) { $failed = true; echo "FAIL $what: ", count($got), " instead of ", count($want), "\n"; }
    } elseif ($got !== $want) { $failed = true; echo "FAIL $what: got ", var_export($got, true), " want ", var_export($want, true), "\n"; }
}
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
function connect($password, $db = '') {
    global $host, $port, $user;
    $m = mysqli_init();
    $m->options(MYSQLI_OPT_SSL_VERIFY_SERVER_CERT, false);
    $m->ssl_set(null, null, null, null, null);
    $m->real_connect($host, $user, $password, $db, (int)$port, null, MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT);
    $m->set_charset('utf8mb4');
    return $m;
}
function error($fn) {
    try { $fn(); return null; }
    catch (mysqli_sql_exception $e) { return [$e->getCode(), $e->getSqlState()]; }
    catch (PDOException $e) { return [$e->errorInfo[1] ?? $e->getCode(), $e->errorInfo[0] ?? '']; }
}
$m = connect($password);
check('TLS cipher', $m->query("SHOW STATUS LIKE 'Ssl_cipher'")->fetch_row()[1] !== '', true);
$m->query('DROP DATABASE IF EXISTS drv_php'); $m->query('CREATE DATABASE drv_php'); $m->select_db('drv_php');
$m->query("CREATE TABLE types (id INT AUTO_INCREMENT PRIMARY KEY, ti TINYINT, i INT, iu INT UNSIGNED, bi BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE, de DECIMAL(30,10),
  b BIT(10), da DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, t TIME(6), y YEAR, ch CHAR(10), vc VARCHAR(100), bin BINARY(4), vb VARBINARY(100), tx TEXT, bl BLOB, en ENUM('a','b','ü'), st SET('x','y','z'), js JSON)");
$row = ['ti' => -128, 'i' => -2147483648, 'iu' => 4294967295, 'bi' => PHP_INT_MIN, 'bu' => '18446744073709551615', 'f' => 1.5, 'd' => 3.141592653589793,
  'de' => '12345678901234567890.0123456789', 'b' => 513, 'da' => '2024-02-29', 'dt' => '2024-02-29 23:59:59.123456', 'ts' => '2024-02-29 01:02:03.456', 't' => '-838:59:58.999999', 'y' => '2024',
  'ch' => 'ch', 'vc' => 'Grüße 😀 日本', 'bin' => "\x00\x01\x02\xff", 'vb' => implode('', array_map('chr', range(0, 99))), 'tx' => "text\n'q' \\ \"", 'bl' => implode('', array_map('chr', range(0, 255))),
  'en' => 'ü', 'st' => 'x,z', 'js' => '{"a": [1, 2.5, null, "x"]}'];
$cols = implode(',', array_keys($row));
$marks = implode(',', array_fill(0, count($row), '?'));
$st = $m->prepare("INSERT INTO types ($cols) VALUES ($marks)");
$types = implode('', array_map(fn($v) => is_int($v) ? 'i' : (is_float($v) ? 'd' : 's'), $row));
$v = array_values($row);
$st->bind_param($types, ...$v);
$st->execute();
check('insert id', [$st->insert_id, $st->affected_rows], [1, 1]);
$sel = $m->prepare("SELECT $cols FROM types WHERE id = ?");
$id = 1; $sel->bind_param('i', $id); $sel->execute();
check('prepared read', $sel->get_result()->fetch_assoc(), $row);
$sel->execute(); $out = array_fill(0, count($row), null); $sel->store_result(); $sel->bind_result(...$out); $sel->fetch();
check('bound read', $out[15], $row['vc']);
$text = $m->query("SELECT $cols FROM types WHERE id = 1")->fetch_assoc();
unset($text['b']); $row2 = $row; unset($row2['b']);
ini_set('precision', -1);
check('text read', $text, array_map('strval', $row2));
$m->query('INSERT INTO types () VALUES ()');
check('NULLs', array_filter(array_slice($m->query('SELECT * FROM types WHERE id = 2')->fetch_row(), 1), fn($x) => $x !== null), []);
$field = $m->query('SELECT t.id AS num, vc FROM types AS t')->fetch_fields();
check('metadata', [$field[0]->name, $field[0]->orgname, $field[0]->table, $field[0]->orgtable, $field[0]->db, $field[1]->charsetnr, $field[0]->flags & 3], ['num', 'id', 't', 'types', 'drv_php', 255, 3]);

$m->begin_transaction();
$ins = $m->prepare('INSERT INTO types (i, vc) VALUES (?, ?)');
for ($n = 0; $n < 2000; $n++) { $s = "row $n"; $ins->bind_param('is', $n, $s); $ins->execute(); }
$m->commit();
$r = $m->query('SELECT a.i FROM types a JOIN types b ON b.i BETWEEN 0 AND 9 WHERE a.i BETWEEN 0 AND 1999', MYSQLI_USE_RESULT);
for ($n = 0; $r->fetch_row(); $n++);
$r->free();
check('streamed rows', $n, 20000);
$m->query("CREATE PROCEDURE two(IN n INT) BEGIN SELECT n; SELECT n + 1, 'x'; END");
$m->multi_query("CALL two(41); SELECT 'last'");
$got = [];
do { if ($r = $m->store_result()) { $got[] = $r->fetch_row(); $r->free(); } } while ($m->more_results() && $m->next_result());
check('results', $got, [['41'], ['42', 'x'], ['last']]);
check('duplicate', error(fn() => $m->query('INSERT INTO types (id) VALUES (1)')), [1062, '23000']);
check('no table', error(fn() => $m->query('SELECT * FROM nothere')), [1146, '42S02']);
check('syntax', error(fn() => $m->prepare('SELEC 1')), [1064, '42000']);
check('bad password', error(fn() => connect('wrong'))[0], 1045);
check('info', (function () use ($m) { $m->query('UPDATE types SET ti = 1 WHERE id <= 2'); return $m->info; })(), 'Rows matched: 2  Changed: 2  Warnings: 0');
$k = connect($password);
check('killed', (function () use ($m, $k) { $k->query("KILL {$m->thread_id}"); usleep(200000); return error(fn() => $m->query('SELECT 1')); })()[0], 2006);

foreach ([true, false] as $emulate) {
    $what = $emulate ? 'PDO emulated ' : 'PDO native ';
    $p = new PDO("mysql:host=$host;port=$port;dbname=drv_php;charset=utf8mb4", $user, $password, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_EMULATE_PREPARES => $emulate,
        PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => false, PDO::MYSQL_ATTR_SSL_CA => '']);
    $p->exec('DELETE FROM types');
    $st = $p->prepare("INSERT INTO types ($cols) VALUES ($marks)");
    $k = 1; foreach ($row as $name => $v) $st->bindValue($k++, $v, $name == 'bl' ? PDO::PARAM_LOB : (is_int($v) ? PDO::PARAM_INT : PDO::PARAM_STR));
    $st->execute();
    $st = $p->prepare("SELECT $cols FROM types WHERE id = :id"); $st->execute(['id' => $p->lastInsertId()]);
    $got = $st->fetch(PDO::FETCH_ASSOC);
    unset($got['b']);
    $want = $row; unset($want['b']);
    check($what . 'read', array_map('strval', $got), array_map('strval', $want));
    $p->beginTransaction(); $p->exec('DELETE FROM types'); $p->rollBack();
    check($what . 'rollback', $p->query('SELECT COUNT(*) FROM types')->fetchColumn(), 1);
    check($what . 'duplicate', error(fn() => $p->exec('INSERT INTO types (id) SELECT id FROM types')), [1062, '23000']);
    $st = null; // else PHP drops the results of the next statement with those of this one
    $st = $p->query('CALL two(1)'); $got = [$st->fetchAll(PDO::FETCH_NUM)]; $st->nextRowset(); $got[] = $st->fetchAll(PDO::FETCH_NUM); $st->closeCursor();
    check($what . 'results', json_encode($got, JSON_NUMERIC_CHECK), '[[[1]],[[2,"x"]]]');
    check($what . 'limit', $p->query('SELECT i FROM types LIMIT 1')->rowCount(), 1);
    $p->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, false);
    $st = $p->query('WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) SELECT x FROM n');
    check($what . 'unbuffered', array_sum($st->fetchAll(PDO::FETCH_COLUMN)), 500500);
}
$m = connect($password); $m->query('SET lock_wait_timeout = 5'); unset($p, $st); $m->query('DROP DATABASE drv_php');
echo $failed ? "failed\n" : "ok\n";
exit($failed ? 1 : 0);
