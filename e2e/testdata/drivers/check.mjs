// Node mysql2 (npm): node check.mjs HOST PORT USER, from a directory with node_modules; the password is in ZORYA_PASSWORD.
import { createRequire } from 'node:module';
import assert from 'node:assert';
const mysql = createRequire(process.cwd() + '/x.js')('mysql2/promise');
const [host, port, user] = process.argv.slice(2);
const base = { host, port: +port, user, password: process.env.ZORYA_PASSWORD, ssl: { rejectUnauthorized: false }, charset: 'utf8mb4', supportBigNumbers: true, bigNumberStrings: true, dateStrings: true };
let failed = false;
function check(what, got, want) {
  try { assert.deepStrictEqual(got, want); } catch { failed = true; console.log('FAIL', what, 'got', got, 'want', want); }
}
async function error(p) { try { await p; return null; } catch (e) { return [e.code, e.errno, e.sqlState]; } }

const c = await mysql.createConnection(base);
check('TLS cipher', (await c.query("SHOW STATUS LIKE 'Ssl_cipher'"))[0][0].Value !== '', true);
await c.query('DROP DATABASE IF EXISTS drv_node'); await c.query('CREATE DATABASE drv_node'); await c.changeUser({ database: 'drv_node' });
await c.query(`CREATE TABLE types (id INT AUTO_INCREMENT PRIMARY KEY, ti TINYINT, si SMALLINT, mi MEDIUMINT, i INT, iu INT UNSIGNED, bi BIGINT, bu BIGINT UNSIGNED,
  f FLOAT, d DOUBLE, de DECIMAL(30,10), b BIT(10), da DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, t TIME(6), t3 TIME(3), y YEAR,
  ch CHAR(10), vc VARCHAR(100), bin BINARY(4), vb VARBINARY(100), tx TEXT, bl BLOB, en ENUM('a','b','ü'), st SET('x','y','z'), js JSON, pt POINT)`);
const row = { ti: -128, si: -32768, mi: 8388607, i: -2147483648, iu: 4294967295, bi: '-9223372036854775808', bu: '18446744073709551615',
  f: 1.5, d: 3.141592653589793, de: '12345678901234567890.0123456789', b: Buffer.from([2, 1]), da: '2024-02-29', dt: '2024-02-29 23:59:59.123456', ts: '2024-02-29 01:02:03.456',
  t: '-838:59:58.999999', t3: '12:34:56.789', y: 2024, ch: 'ch', vc: 'Grüße 😀 日本', bin: Buffer.from([0, 1, 2, 255]), vb: Buffer.from([...Array(100).keys()]), tx: "text\n'q' \\ \"", bl: Buffer.from([...Array(256).keys()]),
  en: 'ü', st: 'x,z', js: { a: [1, 2.5, null, 'x'] } };
const values = { ...row, js: JSON.stringify(row.js) };
const cols = Object.keys(row);
for (const how of ['query', 'execute']) {
  const [res] = await c[how](`INSERT INTO types (${cols}) VALUES (${cols.map(() => '?')})`, Object.values(values));
  check(how + ' affected', [res.affectedRows, res.insertId > 0], [1, true]);
  for (const read of ['query', 'execute']) {
    const [[got]] = await c[read](`SELECT ${cols} FROM types WHERE id = ?`, [res.insertId]);
    for (const k of cols) check(`${how} then ${read} of ${k}`, got[k], row[k]);
  }
}
await c.execute('INSERT INTO types () VALUES ()');
const [[nulls]] = await c.execute('SELECT * FROM types ORDER BY id DESC LIMIT 1');
check('NULLs', Object.values(nulls).slice(1).every(v => v === null), true);
await c.query('UPDATE types SET pt = POINT(1, 2) WHERE id = 1');
check('point', (await c.execute('SELECT pt FROM types WHERE id = 1'))[0][0].pt, { x: 1, y: 2 });

const [batch] = await c.query('INSERT INTO types (i, vc) VALUES ?', [[...Array(5000).keys()].map(n => [n, 'row ' + n])]);
check('batch', batch.affectedRows, 5000);
const st = await c.prepare('SELECT vc FROM types WHERE i = ?');
for (const n of [0, 17, 4999]) check('prepared', (await st.execute([n]))[0][0].vc, 'row ' + n);
await st.close();

let n = 0;
const raw = c.connection;
await new Promise((ok, bad) => raw.query('SELECT a.i, b.vc FROM types a JOIN types b ON b.i BETWEEN 0 AND 9 WHERE a.i >= 0 AND a.i < 5000').stream().on('data', () => n++).on('end', ok).on('error', bad));
check('streamed rows', n, 50000);
await c.query("CREATE PROCEDURE two(IN n INT) BEGIN SELECT n; SELECT n + 1 AS m, 'x' AS x; END");
for (const how of ['query', 'execute']) {
  const [sets] = await c[how]('CALL two(?)', [41]);
  check(how + ' results', [sets[0], sets[1]].map(s => s.map(r => ({ ...r }))), [[{ n: 41 }], [{ m: '42', x: 'x' }]]);
}
const m = await mysql.createConnection({ ...base, database: 'drv_node', multipleStatements: true });
const [multi] = await m.query("SELECT 1 AS a; UPDATE types SET ti = 5 WHERE id = 2; SELECT 'last' AS z");
check('multi', [multi[0][0].a, multi[1].affectedRows, multi[2][0].z], ['1', 1, 'last']); // a number that is written is a BIGINT
await m.end();
const z = await mysql.createConnection({ ...base, database: 'drv_node', compress: true });
check('compressed', (await z.query("SELECT REPEAT('zorya ', 100000) AS r"))[0][0].r.length, 600000);
await z.end();

check('duplicate', await error(c.execute('INSERT INTO types (id) VALUES (1)')), ['ER_DUP_ENTRY', 1062, '23000']);
check('no table', await error(c.execute('SELECT * FROM nothere')), ['ER_NO_SUCH_TABLE', 1146, '42S02']);
check('syntax', await error(c.execute('SELEC 1')), ['ER_PARSE_ERROR', 1064, '42000']);
check('too long', await error(c.execute("INSERT INTO types (ch) VALUES ('01234567890')")), ['ER_DATA_TOO_LONG', 1406, '22001']);
check('bad password', await error(mysql.createConnection({ ...base, password: 'wrong' })), ['ER_ACCESS_DENIED_ERROR', 1045, '28000']);
check('bad database', await error(mysql.createConnection({ ...base, database: 'nothere' })), ['ER_BAD_DB_ERROR', 1049, '42000']);
await c.beginTransaction(); await c.execute('DELETE FROM types WHERE id = 1'); await c.rollback();

const pool = mysql.createPool({ ...base, database: 'drv_node', connectionLimit: 8 });
const sums = await Promise.all([...Array(100).keys()].map(async k => +(await pool.execute('SELECT SUM(i) AS s FROM types WHERE i BETWEEN 0 AND ?', [k]))[0][0].s));
check('pool', sums, [...Array(100).keys()].map(k => k * (k + 1) / 2));
const victim = await pool.getConnection();
setTimeout(() => c.query(`KILL QUERY ${victim.threadId}`), 300);
check('cancelled', await error(victim.query('SELECT COUNT(*) FROM types a JOIN types b ON a.i <> b.i JOIN types c ON c.i <> b.i')), ['ER_QUERY_INTERRUPTED', 1317, '70100']);
check('alive', (await victim.query('SELECT 7 AS x'))[0][0].x, '7');
victim.release();
await pool.end();
await c.ping();
await c.query('DROP DATABASE drv_node');
await c.end();
console.log(failed ? 'failed' : 'ok');
process.exit(failed ? 1 : 0);
