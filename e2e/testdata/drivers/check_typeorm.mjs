// TypeORM (npm): node check_typeorm.mjs HOST PORT USER, from a directory with node_modules; the password is in ZORYA_PASSWORD. What it made of a schema it must
// find again: a second synchronisation changes nothing.
import { createRequire } from 'node:module';
import assert from 'node:assert';
const need = createRequire(process.cwd() + '/x.js');
const { DataSource, EntitySchema } = need('typeorm');
const mysql = need('mysql2/promise');
const [host, port, username] = process.argv.slice(2);
const login = { host, port: +port, password: process.env.ZORYA_PASSWORD };

const c = await mysql.createConnection({ ...login, user: username });
await c.query('DROP DATABASE IF EXISTS orm_type'); await c.query('CREATE DATABASE orm_type'); await c.end();

const columns = { id: { type: 'int', primary: true, generated: 'increment' } };
for (const type of ['int', 'bigint', 'tinyint', 'smallint', 'mediumint', 'float', 'double', 'decimal', 'date', 'time', 'datetime', 'timestamp', 'year', 'char', 'varchar',
  'blob', 'text', 'tinyblob', 'tinytext', 'mediumblob', 'mediumtext', 'longblob', 'longtext', 'json', 'binary', 'varbinary', 'geometry', 'point', 'linestring', 'polygon',
  'multipoint', 'multilinestring', 'multipolygon', 'geometrycollection', 'bit', 'double precision', 'bool', 'national varchar']) {
  columns['c_' + type.replace(' ', '_')] = { type, nullable: true };
}
Object.assign(columns, {
  en: { type: 'enum', enum: ['a', 'b'], default: 'a' }, st: { type: 'set', enum: ['x', 'y'], nullable: true }, price: { type: 'decimal', precision: 10, scale: 2, default: 0 },
  name: { type: 'varchar', length: 100, default: 'none', comment: 'of whom' }, made: { createDate: true, type: 'datetime', precision: 6 },
  changed: { updateDate: true, type: 'datetime', precision: 6 }, version: { version: true, type: 'int' }, un: { type: 'int', unsigned: true }, uq: { type: 'varchar', unique: true },
  latin: { type: 'varchar', nullable: true, charset: 'latin1', collation: 'latin1_swedish_ci' }, twice: { type: 'int', asExpression: '`un` * 2', generatedType: 'STORED', nullable: true },
  at: { type: 'timestamp', precision: 3, default: () => 'CURRENT_TIMESTAMP(3)', onUpdate: 'CURRENT_TIMESTAMP(3)' }, uid: { type: 'varchar', length: 36, generated: 'uuid' },
});
const Thing = new EntitySchema({ name: 'thing', columns, indices: [{ columns: ['name', 'un'] }, { columns: ['c_text'], fulltext: true }] });
const Owner = new EntitySchema({
  name: 'owner', columns: { id: { type: 'bigint', primary: true, generated: 'increment' }, n: { type: 'varchar', length: 20 } }, uniques: [{ columns: ['n'] }],
  relations: { main: { type: 'many-to-one', target: 'thing', onDelete: 'CASCADE', joinColumn: true }, things: { type: 'many-to-many', target: 'thing', joinTable: true } },
});
const db = await new DataSource({ type: 'mysql', ...login, username, database: 'orm_type', entities: [Thing, Owner] }).initialize();
await db.synchronize();
assert.deepStrictEqual((await db.driver.createSchemaBuilder().log()).upQueries.map(q => q.query), []);

const things = db.getRepository('thing'), owners = db.getRepository('owner');
const made = await things.save({ name: 'v', un: 3, price: '1.50', c_json: { a: [1, 2] }, c_date: '2020-01-02', uq: 'u', c_bigint: '9007199254740993', c_blob: Buffer.from('zz'), st: ['x', 'y'],
  c_point: 'POINT(1 2)', c_bool: true });
const found = await things.findOneBy({ id: made.id });
assert.deepStrictEqual([found.name, found.twice, found.price, found.c_json, found.c_date, found.c_bigint, found.st, found.c_point, found.en, found.version],
  ['v', 6, '1.50', { a: [1, 2] }, '2020-01-02', '9007199254740993', ['x', 'y'], 'POINT(1 2)', 'a', 1]);
await things.save({ ...found, un: 9 });
const [page, count] = await things.findAndCount({ where: { un: 9 }, order: { id: 'DESC' }, take: 5 });
assert.deepStrictEqual([count, page[0].twice, page[0].version], [1, 18, 2]);
await owners.save({ n: 'q', main: made, things: [made] });
const [owner] = await owners.find({ relations: { main: true, things: true } });
assert.deepStrictEqual([owner.main.id, owner.things.length], [made.id, 1]);
await things.upsert({ uq: 'u', name: 'w', un: 1 }, ['uq']);
assert.strictEqual(await things.countBy({ name: 'w' }), 1);
await assert.rejects(db.transaction(async tx => { await tx.getRepository('owner').delete({}); throw new Error('no'); }), /no/);
await things.delete(made.id);
assert.strictEqual(await owners.count(), 0);
await db.destroy();
console.log('ok');
