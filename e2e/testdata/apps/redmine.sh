#!/usr/bin/env bash
# redmine.sh PORT DBPORT DIR: Debian's Redmine on its own Ruby web server, its tables made by its migrations on a server at DBPORT (user admin, MYSQL_PWD).
set -euo pipefail
port=$1 db=$2 dir=$3
mariadb -h127.0.0.1 -P"$db" -uadmin -e "CREATE DATABASE redmine CHARACTER SET utf8mb4; CREATE USER redmine IDENTIFIED BY 'redmine-secret'; GRANT ALL ON redmine.* TO redmine"
cp -rL /usr/share/redmine "$dir/site" 2>/dev/null || true # some links of the package lead to what only its instances have
cd "$dir/site"
rm -rf Gemfile.lock instances config/database.yml # what Debian shares between its instances; this one stands alone
mkdir -p instances/default/{config,tmp/cache,tmp/pids,log,files,public/plugin_assets} log tmp plugins
cat >instances/default/config/database.yml <<Y
production:
  adapter: mysql2
  host: 127.0.0.1
  port: $db
  database: redmine
  username: redmine
  password: redmine-secret
  encoding: utf8mb4
Y
export RAILS_ENV=production REDMINE_LANG=en SECRET_KEY_BASE=0123456789abcdef0123456789abcdef RAILS_SERVE_STATIC_FILES=1
echo "gem 'webrick'" >Gemfile.local
bundle install --local
bundle exec rake db:migrate
bundle exec rake redmine:load_default_data
exec bundle exec rails server -u webrick -b 127.0.0.1 -p "$port"
