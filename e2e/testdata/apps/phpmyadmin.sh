#!/usr/bin/env bash
# phpmyadmin.sh PORT DBPORT DIR: Debian's phpMyAdmin on PHP's own web server, for a server at DBPORT (user admin, MYSQL_PWD).
set -euo pipefail
port=$1 db=$2 dir=$3
mkdir -p "$dir/tmp" "$dir/etc"
mariadb -h127.0.0.1 -P"$db" -uadmin -e "CREATE DATABASE pma; CREATE USER pma IDENTIFIED BY 'pma-secret'; GRANT ALL ON *.* TO pma WITH GRANT OPTION"
cp -rL /usr/share/phpmyadmin "$dir/site"
cat >"$dir/site/config.inc.php" <<P
<?php
\$cfg['blowfish_secret'] = '0123456789abcdef0123456789abcdef';
\$cfg['TempDir'] = '$dir/tmp';
\$cfg['Servers'][1] = ['host' => '127.0.0.1', 'port' => '$db', 'auth_type' => 'cookie', 'AllowNoPassword' => false];
\$cfg['VersionCheck'] = false;
\$cfg['SendErrorReports'] = 'never';
\$cfg['Console']['Mode'] = 'collapse';
P
# Debian's vendor file reads its configuration from /etc/phpmyadmin; this copy reads its own.
sed -i "s|'configFile' => .*|'configFile' => '$dir/site/config.inc.php',|; s|'tempDir' => .*|'tempDir' => '$dir/tmp/',|" "$dir/site/libraries/vendor_config.php"
exec env PHP_CLI_SERVER_WORKERS=4 php -d display_errors=0 -d error_log="$dir/php.log" -d log_errors=1 -S "127.0.0.1:$port" -t "$dir/site" >"$dir/server.log" 2>&1
