#!/usr/bin/env bash
# Installs the Debian packages that the end-to-end tests use: MariaDB (the oracle and the peer of the
# benchmarks), its clients, sysbench, and packages that hold real schemas. Does nothing if all are there; without root or
# apt it says so and lets the tests that need a missing package skip themselves.
#
#   install-e2e.sh           what `make e2e` needs
#   install-e2e.sh drivers   also the drivers of `make drivers` (a Java runtime, Ruby; mysql2 from npm where npm is)
#   install-e2e.sh tools     also the tools of `make tools` and MariaDB's own test suite
set -euo pipefail
need=(mariadb-server mariadb-client sysbench mariadb-test-data etcd-server iproute2
	python3-pymysql python3-sqlalchemy php-cli php-mysql libdbd-mysql-perl libdbd-mariadb-perl)
for extra in "$@"; do
	case $extra in
	drivers) need+=(ruby-mysql2 default-jre-headless libmariadb-java) ;;
	tools) need+=(mydumper percona-toolkit mycli mariadb-test) ;;
	*) echo "install-e2e: unknown argument $extra" >&2; exit 2 ;;
	esac
done
missing=()
for p in "${need[@]}"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
cache=/var/cache/zorya-e2e
if [[ " $* " = *" drivers "* ]] && command -v npm >/dev/null && [ "$(id -u)" = 0 ] && [ ! -d $cache/node/node_modules/mysql2 ]; then
	mkdir -p $cache/node
	(cd $cache/node && npm install --silent --no-audit --no-fund mysql2@3 </dev/null) || echo "install-e2e: npm could not install mysql2" >&2
fi
# Of wordpress only the schema is wanted, not the web server it depends on: the package is unpacked, not installed.
wordpress=$cache/wordpress
[ -e /usr/share/wordpress/wp-admin/includes/schema.php ] || [ -d "$wordpress" ] || missing+=(wordpress)
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
for p in "${missing[@]}"; do
	if [ "$p" = wordpress ]; then
		mkdir -p "$cache"
		(cd "$cache" && apt-get download -qq -o APT::Sandbox::User=root wordpress && dpkg-deb -x wordpress_*.deb "$wordpress" && rm wordpress_*.deb)
	else
		apt-get install -y -qq --no-install-recommends "$p" </dev/null >/dev/null
	fi
done
