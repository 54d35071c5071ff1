#!/usr/bin/env bash
# django.sh PORT DBPORT DIR: a Django project with models, migrations and the admin on Django's own web server, its database on a server at DBPORT (user admin, MYSQL_PWD).
set -euo pipefail
port=$1 db=$2 dir=$3
here=$(cd "$(dirname "$0")" && pwd)
python=/usr/bin/python3
mariadb -h127.0.0.1 -P"$db" -uadmin -e "CREATE DATABASE library; CREATE USER django IDENTIFIED BY 'django-secret'; GRANT ALL ON library.* TO django"
cd "$dir"
mkdir site && $python -m django startproject project site
cd site
$python manage.py startapp books
cp "$here/django-models.py" books/models.py
cp "$here/django-admin.py" books/admin.py
cat >>project/settings.py <<P
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS += ["books"]
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
DATABASES = {"default": {"ENGINE": "django.db.backends.mysql", "NAME": "library", "USER": "django", "PASSWORD": "django-secret",
                         "HOST": "127.0.0.1", "PORT": "$db", "OPTIONS": {"charset": "utf8mb4"}}}
P
$python manage.py makemigrations books
$python manage.py migrate
# A second migration: what a project does to its tables as it grows.
$python - <<'P'
import re
p = "books/models.py"
s = open(p).read()
s = s.replace("# second: ", "").replace("max_length=50)  # title", "max_length=200, db_index=True)  # title")
s = re.sub(r"^.*# first only\n", "", s, flags=re.M)
open(p, "w").write(s)
P
$python manage.py makemigrations books
$python manage.py migrate
$python manage.py check --database default
DJANGO_SUPERUSER_PASSWORD='correct horse battery' $python manage.py createsuperuser --noinput --username boss --email boss@example.org
$python manage.py shell <"$here/django-queries.py"
$python manage.py dumpdata >../dump.json
$python manage.py inspectdb >../inspected.py
exec $python manage.py runserver --noreload "127.0.0.1:$port"
