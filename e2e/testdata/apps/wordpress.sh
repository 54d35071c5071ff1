#!/usr/bin/env bash
# wordpress.sh PORT DBPORT DIR: Debian's WordPress on PHP's own web server, its database on a server at DBPORT (user admin, MYSQL_PWD).
set -euo pipefail
port=$1 db=$2 dir=$3
src=/usr/share/wordpress
[ -e $src/wp-login.php ] || src=/var/cache/zorya-e2e/wordpress$src
mkdir -p "$dir/site"
cp -rL $src/. "$dir/site/" 2>/dev/null || true # links to fonts of packages that are not installed dangle
mkdir -p "$dir/site/wp-content/plugins/visits" "$dir/site/wp-content/uploads"
cp "$(dirname "$0")/wordpress-plugin.php" "$dir/site/wp-content/plugins/visits/visits.php"
mariadb -h127.0.0.1 -P"$db" -uadmin -e "CREATE DATABASE wp; CREATE USER wp IDENTIFIED BY 'wp-secret'; GRANT ALL ON wp.* TO wp"
cat >"$dir/site/wp-config.php" <<P
<?php
define('DB_NAME', 'wp');
define('DB_USER', 'wp');
define('DB_PASSWORD', 'wp-secret');
define('DB_HOST', '127.0.0.1:$db');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
foreach (['AUTH_KEY','SECURE_AUTH_KEY','LOGGED_IN_KEY','NONCE_KEY','AUTH_SALT','SECURE_AUTH_SALT','LOGGED_IN_SALT','NONCE_SALT'] as \$k) define(\$k, 'test '.\$k);
define('WP_DEBUG', true);
define('WP_DEBUG_DISPLAY', false);
define('WP_DEBUG_LOG', '$dir/debug.log');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
\$table_prefix = 'wp_';
define('ABSPATH', __DIR__.'/');
require_once ABSPATH.'wp-settings.php';
P
exec env PHP_CLI_SERVER_WORKERS=4 php -d display_errors=0 -S "127.0.0.1:$port" -t "$dir/site" >"$dir/server.log" 2>&1
