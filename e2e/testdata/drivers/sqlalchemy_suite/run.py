"""SQLAlchemy's own dialect suite: python3 run.py HOST PORT USER, the password in ZORYA_PASSWORD. Prints its counts, and `ok` last if nothing failed."""
import os, shutil, sys, tempfile

import pymysql
import pytest

host, port, user = sys.argv[1:4]
password = os.environ["ZORYA_PASSWORD"]
db = pymysql.connect(host=host, port=int(port), user=user, password=password)
with db.cursor() as c:
    for name in ("test", "test_schema"):  # the names that the suite wants
        c.execute(f"DROP DATABASE IF EXISTS {name}")
        c.execute(f"CREATE DATABASE {name}")

with tempfile.TemporaryDirectory() as at:  # the suite writes beside its files
    here = os.path.dirname(os.path.abspath(__file__))
    for f in os.listdir(here):
        if os.path.isfile(os.path.join(here, f)):
            shutil.copy(os.path.join(here, f), at)
    open(os.path.join(at, "profiles.txt"), "w").close()
    os.chdir(at)
    sys.path.insert(0, at)
    failed = pytest.main(["--dburi", f"mysql+pymysql://{user}:{password}@{host}:{port}/test?charset=utf8mb4", "test_suite.py"] + sys.argv[4:])
with db.cursor() as c:
    for name in ("test", "test_schema"):
        c.execute(f"DROP DATABASE IF EXISTS {name}")
sys.stdout.flush()
if failed:
    sys.exit(1)
print("ok")
