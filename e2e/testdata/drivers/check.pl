# DBD::mysql and DBD::MariaDB (Debian): perl check.pl mysql|MariaDB HOST PORT USER; the password is in ZORYA_PASSWORD.
use strict; use warnings; use utf8;
use DBI;
use JSON::PP;
binmode(STDOUT, ':utf8');
my ($driver, $host, $port, $user) = @ARGV;
my $password = $ENV{ZORYA_PASSWORD};
my $p = $driver eq 'mysql' ? 'mysql' : 'mariadb';
my $failed = 0;
my $json = JSON::PP->new->canonical->allow_nonref;
sub check {
    my ($what, $got, $want) = @_;
    my ($g, $w) = ($json->encode($got), $json->encode($want));
    if ($g ne $w) { $failed = 1; print "FAIL $what: got $g, want $w\n" }
}
sub connect_as {
    my ($pw, $db, %more) = @_;
    return DBI->connect("DBI:$driver:host=$host;port=$port;database=$db;${p}_ssl=1;${p}_ssl_optional=1", $user, $pw,
        { RaiseError => 1, PrintError => 0, AutoCommit => 1, ($driver eq 'mysql' ? (mysql_enable_utf8mb4 => 1) : ()), %more });
}
sub error { my ($h, $fn) = @_; return undef if eval { $fn->(); 1 }; return [$DBI::err, $DBI::state] }
for my $server_side (0, 1) {
    my $c = connect_as($password, 'mysql', "${p}_server_prepare" => $server_side);
    my $what = $server_side ? 'server-side ' : 'client-side ';
    check($what . 'TLS cipher', ($c->selectrow_array("SHOW STATUS LIKE 'Ssl_cipher'"))[1] ne '' ? 1 : 0, 1);
    $c->do('DROP DATABASE IF EXISTS drv_perl'); $c->do('CREATE DATABASE drv_perl'); $c->do('USE drv_perl');
    $c->do("CREATE TABLE types (id INT AUTO_INCREMENT PRIMARY KEY, ti TINYINT, i INT, bi BIGINT, bu BIGINT UNSIGNED, d DOUBLE, de DECIMAL(30,10), da DATE, dt DATETIME(6), t TIME(6), y YEAR,
        vc VARCHAR(100), tx TEXT, en ENUM('a','ü'), js JSON)");
    my @row = (-128, -2147483648, '-9223372036854775808', '18446744073709551615', '1.25', '12345678901234567890.0123456789', '2024-02-29', '2024-02-29 23:59:59.123456', '-838:59:58.999999', 2024,
        'Grüße 😀', "a\n'\"\\", 'ü', '{"a": 1}');
    my $st = $c->prepare('INSERT INTO types (ti,i,bi,bu,d,de,da,dt,t,y,vc,tx,en,js) VALUES (' . join(',', ('?') x @row) . ')');
    check($what . 'affected', 0 + $st->execute(@row), 1);
    check($what . 'insert id', 0 + ($driver eq 'mysql' ? $c->{mysql_insertid} : $c->{mariadb_insertid}), 1);
    my @got = $c->selectrow_array('SELECT ti,i,bi,bu,d,de,da,dt,t,y,vc,tx,en,js FROM types WHERE id = ?', undef, 1);
    for my $k (0 .. $#row) { check($what . "value $k", "$got[$k]", "$row[$k]") }
    $c->{AutoCommit} = 0;
    my $ins = $c->prepare('INSERT INTO types (i, vc) VALUES (?, ?)');
    my $n = $ins->execute_array({}, [0 .. 999], [map { "row $_" } 0 .. 999]);
    check($what . 'batch', 0 + $n, 1000);
    $c->rollback;
    check($what . 'rollback', 0 + ($c->selectrow_array('SELECT COUNT(*) FROM types'))[0], 1);
    $c->{AutoCommit} = 1;
    my $big = $c->prepare('WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) SELECT x FROM n', { $driver eq 'mysql' && !$server_side ? (mysql_use_result => 1) : () }); # elsewhere the drivers lose the rows, with any server
    $big->execute; my $sum = 0; while (my ($x) = $big->fetchrow_array) { $sum += $x } check($what . 'streamed', $sum, 500500);
    $c->do("CREATE PROCEDURE two(n INT) BEGIN SELECT n; SELECT n + 1, 'x'; END");
    my $call = $c->prepare('CALL two(41)', { "${p}_server_prepare" => 0 }); # of a server's statement the drivers read one result
    $call->execute;
    my @sets;
    do { push @sets, map { [map { "$_" } @$_] } @{ $call->fetchall_arrayref } if $call->{NUM_OF_FIELDS} } while ($call->more_results);
    check($what . 'results', \@sets, [['41'], ['42', 'x']]);
    check($what . 'duplicate', error($c, sub { $c->do('INSERT INTO types (id) VALUES (1)') }), [1062, '23000']);
    check($what . 'no table', error($c, sub { $c->selectrow_array('SELECT * FROM nothere') }), [1146, '42S02']);
    check($what . 'tables', [sort map { s/.*\.//r =~ s/`//gr } $c->tables(undef, 'drv_perl', '%', 'TABLE')], ['types']);
    $c->do('CREATE TABLE plain (id INT PRIMARY KEY, ti TINYINT, i INT)'); # the drivers do not know JSON
    my $info = $c->column_info(undef, 'drv_perl', 'plain', '%')->fetchall_arrayref({});
    check($what . 'column info', [map { $_->{COLUMN_NAME} } @$info[0 .. 2]], ['id', 'ti', 'i']);
    check($what . 'primary key', [$c->primary_key(undef, 'drv_perl', 'types')], ['id']);
    check($what . 'ping', $c->ping ? 1 : 0, 1);
    $c->do('DROP DATABASE drv_perl');
    $c->disconnect;
}
check('bad password', error(undef, sub { connect_as('wrong', 'mysql') }), [1045, '28000']);
print $failed ? "failed\n" : "ok\n";
exit $failed;
