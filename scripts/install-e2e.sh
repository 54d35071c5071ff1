#!/usr/bin/env bash
# Installs the Debian packages that the end-to-end tests use: MariaDB (the oracle and the peer of the
# benchmarks), its clients, sysbench, and packages that hold real schemas. Does nothing if all are there; without root or
# apt it says so and lets the tests that need a missing package skip themselves.
#
#   install-e2e.sh           what `make e2e` needs
#   install-e2e.sh drivers   also the drivers of `make drivers` (a Java runtime, Ruby, Doctrine; mysql2, TypeORM and Sequelize from npm where npm is)
#   install-e2e.sh tools     also the tools of `make tools`
#   install-e2e.sh apps      also the applications of `make apps` and a browser; where they cannot be had, their tests skip
#   install-e2e.sh redmine   also Redmine, for the long form
set -euo pipefail
need=(mariadb-server mariadb-client sysbench mariadb-test-data mariadb-test etcd-server iproute2
	python3-pymysql python3-sqlalchemy python3-pytest php-cli php-mysql libdbd-mysql-perl libdbd-mariadb-perl)
optional=()
for extra in "$@"; do
	case $extra in
	drivers) need+=(ruby-mysql2 default-jre-headless libmariadb-java php-doctrine-dbal) ;;
	tools) need+=(mydumper percona-toolkit mycli) ;;
	apps) optional+=(chromium php-gd php-getid3 php-curl php-mbstring php-xml libjs-prototype libjs-scriptaculous libjs-cropper phpmyadmin python3-django python3-mysqldb) ;;
	redmine) optional+=(redmine redmine-mysql ruby-webrick) ;;
	*) echo "install-e2e: unknown argument $extra" >&2; exit 2 ;;
	esac
done
installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
missing=()
for p in "${need[@]}" "${optional[@]}"; do
	installed "$p" || missing+=("$p")
done
cache=/var/cache/zorya-e2e
npm_package() { # name version
	command -v npm >/dev/null && [ "$(id -u)" = 0 ] && [ ! -d "$cache/node/node_modules/$1" ] || return 0
	mkdir -p $cache/node
	(cd $cache/node && npm install --silent --no-audit --no-fund "$1@$2" </dev/null) || echo "install-e2e: npm could not install $1" >&2
}
if [[ " $* " = *" drivers "* ]]; then
	npm_package mysql2 3
	npm_package reflect-metadata 0.2
	npm_package typeorm 1
	npm_package sequelize 6
fi
if [[ " $* " = *" apps "* ]]; then npm_package puppeteer-core 24; fi
# Of wordpress the files are wanted, not the web server it depends on: the packages are unpacked, not installed.
wordpress=$cache/wordpress
[ -d "$wordpress/usr/share/wordpress/wp-content/themes/twentytwentythree" ] || missing+=(wordpress)
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "install-e2e: missing ${missing[*]}, and no root or apt-get to install them" >&2
	exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# The packaged server must not start: the tests run private ones.
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod +x /usr/sbin/policy-rc.d
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -qq </dev/null
debconf-set-selections <<'S' # these packages must not look for a server to make their database on
phpmyadmin phpmyadmin/dbconfig-install boolean false
redmine redmine/instances/default/dbconfig-install boolean false
S
for p in "${missing[@]}"; do
	if [ "$p" = wordpress ]; then
		mkdir -p "$cache"
		(cd "$cache" && apt-get download -qq -o APT::Sandbox::User=root wordpress wordpress-theme-twentytwentythree &&
			for deb in wordpress*.deb; do dpkg-deb -x "$deb" "$wordpress" && rm "$deb"; done)
	elif [[ " ${optional[*]} " = *" $p "* ]]; then
		apt-get install -y -qq --no-install-recommends "$p" </dev/null >/dev/null || echo "install-e2e: could not install $p" >&2
	else
		apt-get install -y -qq --no-install-recommends "$p" </dev/null >/dev/null
	fi
done
