// Sequelize (npm): node check_sequelize.mjs HOST PORT USER, from a directory with node_modules; the password is in ZORYA_PASSWORD.
import { createRequire } from 'node:module';
import assert from 'node:assert';
const need = createRequire(process.cwd() + '/x.js');
const { Sequelize, DataTypes: D, Op, fn, col, literal } = need('sequelize');
const mysql = need('mysql2/promise');
const [host, port, user] = process.argv.slice(2);
const c = await mysql.createConnection({ host, port: +port, user, password: process.env.ZORYA_PASSWORD });
await c.query('DROP DATABASE IF EXISTS orm_seq'); await c.query('CREATE DATABASE orm_seq'); await c.end();

const db = new Sequelize('orm_seq', user, process.env.ZORYA_PASSWORD, { host, port: +port, dialect: 'mysql', logging: false });
const User = db.define('user', { name: { type: D.STRING(50), unique: true, allowNull: false }, age: { type: D.INTEGER.UNSIGNED, defaultValue: 3 }, balance: D.DECIMAL(10, 2), doc: D.JSON,
  e: D.ENUM('a', 'b'), b: D.BOOLEAN, d: D.DATEONLY, t: D.TIME, at: D.DATE(3), bytes: D.BLOB('long'), tx: D.TEXT('tiny'), g: D.GEOMETRY('POINT'), u: { type: D.UUID, defaultValue: D.UUIDV4 },
  f: D.FLOAT(7, 3), big: D.BIGINT, bin: D.STRING.BINARY, ch: D.CHAR(4) }, { paranoid: true, indexes: [{ fields: ['age', 'balance'] }, { type: 'FULLTEXT', fields: ['tx'] }] });
const Post = db.define('post', { title: D.STRING });
const Tag = db.define('tag', { w: D.STRING });
User.hasMany(Post, { onDelete: 'CASCADE' }); Post.belongsTo(User); Post.belongsToMany(Tag, { through: 'pt' }); Tag.belongsToMany(Post, { through: 'pt' });
await db.sync({ force: true });
for (let i = 0; i < 3; i++) await db.sync({ alter: true }); // each adds one more index of the unique column, as on MySQL
const indexes = await db.getQueryInterface().showIndex('users');
assert.deepStrictEqual(indexes.map(x => x.name).filter(n => n.startsWith('name')).sort(), ['name', 'name_2', 'name_3', 'name_4']);
const about = await db.getQueryInterface().describeTable('users');
assert.deepStrictEqual([about.balance.type, about.doc.type, about.e.type, about.at.type, about.bytes.type, about.age.defaultValue], ['DECIMAL(10,2)', 'JSON', "ENUM('a','b')", 'DATETIME(3)', 'LONGBLOB', '3']);

const row = { name: 'a', balance: '12.50', doc: { x: [1] }, e: 'b', b: true, d: '2020-02-03', t: '10:11:12', at: new Date(1e12), bytes: Buffer.from('hi'), tx: 'some words',
  g: { type: 'Point', coordinates: [1, 2] }, f: 1.5, big: 90071992547, ch: 'ch' };
const made = await User.create({ ...row, posts: [{ title: 'p1' }, { title: 'p2' }] }, { include: [Post] });
const read = (await User.findByPk(made.id)).get();
for (const k of Object.keys(row)) assert.deepStrictEqual(read[k], row[k], k);
await User.bulkCreate([{ name: 'b' }, { name: 'a', age: 9 }], { updateOnDuplicate: ['age'] });
const list = await User.findAll({ order: ['id'], include: [{ model: Post, required: false, limit: 1 }] });
assert.deepStrictEqual(list.map(x => [x.name, x.age, x.posts.length]), [['a', 9, 1], ['b', 3, 0]]);
assert.deepStrictEqual(await User.findAll({ attributes: [[fn('COUNT', col('posts.id')), 'n'], 'name'], include: [{ model: Post, attributes: [] }], group: ['user.id'], having: literal('n > 0'), raw: true }),
  [{ n: 2, name: 'a' }]);
assert.strictEqual((await User.findAll({ where: { 'doc.x': { [Op.ne]: null } } })).length, 1);
const tx = await db.transaction({ isolationLevel: 'SERIALIZABLE' });
await User.update({ age: literal('age+1') }, { where: { name: { [Op.like]: 'a%' } }, transaction: tx });
assert.strictEqual((await User.findOne({ where: { name: 'a' }, lock: tx.LOCK.UPDATE, transaction: tx })).age, 10);
await tx.rollback();
await made.destroy();
assert.deepStrictEqual([await User.count(), await User.count({ paranoid: false })], [1, 2]);
const page = await Post.findAndCountAll({ include: [{ model: User, where: { age: { [Op.gte]: 0 } }, paranoid: false }], limit: 1, offset: 1, distinct: true });
assert.deepStrictEqual([page.count, page.rows.length], [2, 1]);
const [zz, fresh] = await User.findOrCreate({ where: { name: 'zz' }, defaults: { age: 1 } });
await User.increment('age', { by: 5, where: { name: 'zz' } });
assert.deepStrictEqual([fresh, (await zz.reload()).age], [true, 6]);
await assert.rejects(User.create({ name: 'zz' }), { name: 'SequelizeUniqueConstraintError' });
const keys = await db.getQueryInterface().getForeignKeyReferencesForTable('posts');
assert.deepStrictEqual([keys[0].columnName, keys[0].referencedTableName], ['userId', 'users']);
await db.close();
console.log('ok');
