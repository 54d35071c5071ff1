<?php // Doctrine DBAL (Debian): php check_doctrine.php HOST PORT USER; the password is in ZORYA_PASSWORD. A schema that was made must be found again as it was asked for.
require '/usr/share/php/Doctrine/DBAL/autoload.php';
use Doctrine\DBAL\DriverManager;
use Doctrine\DBAL\Schema\Schema;

[, $host, $port, $user] = $argv;
$login = ['driver' => 'pdo_mysql', 'host' => $host, 'port' => (int) $port, 'user' => $user, 'password' => getenv('ZORYA_PASSWORD'), 'charset' => 'utf8mb4'];
$c = DriverManager::getConnection($login);
$c->executeStatement('DROP DATABASE IF EXISTS orm_doctrine');
$c->executeStatement('CREATE DATABASE orm_doctrine CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci');
$c->close();
$c = DriverManager::getConnection($login + ['dbname' => 'orm_doctrine']);

$schema = new Schema();
$a = $schema->createTable('a');
$a->addColumn('id', 'integer', ['autoincrement' => true, 'unsigned' => true]);
$a->setPrimaryKey(['id']);
foreach (['ascii_string', 'bigint', 'binary', 'blob', 'boolean', 'date', 'datetime', 'decimal', 'float', 'guid', 'json', 'simple_array', 'smallint', 'string', 'text', 'time'] as $i => $type) {
    $options = ['notnull' => $i % 2 == 0, 'comment' => "it's $type"];
    if (in_array($type, ['string', 'ascii_string', 'binary'])) {
        $options['length'] = 50;
    }
    $options += ['decimal' => ['precision' => 8, 'scale' => 3, 'default' => '1.500'], 'string' => ['default' => "it's"], 'boolean' => ['default' => true], 'datetime' => ['default' => 'CURRENT_TIMESTAMP']][$type] ?? [];
    $a->addColumn('c_' . $type, $type, $options);
}
$a->addIndex(['c_string', 'c_bigint'], 'ix');
$a->addUniqueIndex(['c_guid'], 'uq');
$a->addIndex(['c_text'], 'ft', ['fulltext']);
$a->addIndex(['c_blob'], 'pf', [], ['lengths' => [20]]);
$a->addOption('comment', 'of a');
$b = $schema->createTable('b');
$b->addColumn('id', 'integer');
$b->addColumn('a_id', 'integer', ['unsigned' => true, 'notnull' => false]);
$b->setPrimaryKey(['id']);
$b->addForeignKeyConstraint('a', ['a_id'], ['id'], ['onDelete' => 'CASCADE', 'onUpdate' => 'SET NULL'], 'fkb');
$platform = $c->getDatabasePlatform();
foreach ($schema->toSql($platform) as $query) {
    $c->executeStatement($query);
}
$manager = $c->createSchemaManager();
$left = $manager->createComparator()->compareSchemas($manager->introspectSchema(), $schema)->toSql($platform);
if ($left !== []) {
    print_r($left);
    exit(1);
}
$c->insert('a', ['c_ascii_string' => 'x', 'c_binary' => 'y', 'c_boolean' => 1, 'c_datetime' => '2020-01-02 03:04:05', 'c_float' => 1.5, 'c_json' => '{"a": 1}', 'c_smallint' => 3, 'c_text' => 'some words']);
$row = $c->fetchAssociative('SELECT * FROM a WHERE c_json->>"$.a" = ?', [1]);
$c->insert('b', ['id' => 1, 'a_id' => $row['id']]);
$c->delete('a', ['id' => $row['id']]);
if ([$row['c_decimal'], $row['c_string'], (int) $c->fetchOne('SELECT COUNT(*) FROM b')] !== ['1.500', "it's", 0]) {
    var_dump($row);
    exit(1);
}
echo "ok\n";
