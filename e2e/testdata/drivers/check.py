# PyMySQL (Debian python3-pymysql): python3 check.py HOST PORT USER; the password is in ZORYA_PASSWORD.
import datetime, decimal, os, sys, threading, time
import pymysql, pymysql.cursors

host, port, user = sys.argv[1], int(sys.argv[2]), sys.argv[3]
password = os.environ["ZORYA_PASSWORD"]
failed = False


def check(what, got, want):
    global failed
    if got != want:
        failed = True
        print(f"FAIL {what}: got {got!r}, want {want!r}")


def connect(**kw):
    kw = {"host": host, "port": port, "user": user, "password": password, "charset": "utf8mb4", "ssl": {"ssl": True}, **kw}
    return pymysql.connect(**kw)


def error(fn):
    try:
        fn()
    except pymysql.MySQLError as e:
        return type(e).__name__, e.args[0]
    return None


c = connect()
cur = c.cursor()
cur.execute("SHOW STATUS LIKE 'Ssl_cipher'")
check("TLS cipher", bool(cur.fetchone()[1]), True)
cur.execute("DROP DATABASE IF EXISTS drv_py")
cur.execute("CREATE DATABASE drv_py")
c.select_db("drv_py")
cur.execute("""CREATE TABLE types (
    id INT AUTO_INCREMENT PRIMARY KEY, ti TINYINT, tu TINYINT UNSIGNED, si SMALLINT, mi MEDIUMINT, i INT, iu INT UNSIGNED, bi BIGINT, bu BIGINT UNSIGNED,
    f FLOAT, d DOUBLE, de DECIMAL(30,10), b BIT(10), da DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, t TIME(6), y YEAR,
    ch CHAR(10), vc VARCHAR(100), bin BINARY(4), vb VARBINARY(100), tx TEXT, bl BLOB, en ENUM('a','b','ü'), st SET('x','y','z'), js JSON, bo BOOL)""")
row = (-128, 255, -32768, 8388607, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615,
       1.5, 3.141592653589793, decimal.Decimal("12345678901234567890.0123456789"), b"\x02\x01", datetime.date(2024, 2, 29),
       datetime.datetime(2024, 2, 29, 23, 59, 59, 123456), datetime.datetime(2024, 2, 29, 1, 2, 3, 456000),
       datetime.timedelta(hours=838, minutes=59, seconds=58, microseconds=999999), 2024,
       "ch", "Grüße 😀 日本", b"\x00\x01\x02\xff", bytes(range(100)), "text\n'quoted' \\ \"", bytes(range(256)), "ü", "x,z", '{"a": [1, 2.5, null, "x"]}', 1)
marks = ",".join(["%s"] * len(row))
cur.execute(f"INSERT INTO types (ti,tu,si,mi,i,iu,bi,bu,f,d,de,b,da,dt,ts,t,y,ch,vc,bin,vb,tx,bl,en,st,js,bo) VALUES ({marks})", row)
check("lastrowid", cur.lastrowid, 1)
check("rowcount", cur.rowcount, 1)
cur.execute("INSERT INTO types () VALUES ()")
c.commit()
cur.execute("SELECT * FROM types ORDER BY id")
got = cur.fetchone()
for name, g, w in zip([d[0] for d in cur.description][1:], got[1:], row):
    check("type of column " + name, g, w)
check("NULLs", cur.fetchone()[1:], (None,) * 27)

cur.executemany("INSERT INTO types (i, vc) VALUES (%s, %s)", [(n, f"row {n}") for n in range(5000)])
check("batch", cur.rowcount, 5000)
c.commit()
stream = c.cursor(pymysql.cursors.SSCursor)
stream.execute("SELECT a.i, b.vc FROM types a JOIN types b ON b.i < 10 WHERE a.i >= 0")
n = sum(1 for _ in stream)
check("streamed rows", n, 55000)
stream.close()

cur.execute("CREATE PROCEDURE two(IN n INT) BEGIN SELECT n; SELECT n + 1, 'x'; END")
cur.callproc("two", (41,))
check("first result", cur.fetchall(), ((41,),))
check("a second result", cur.nextset(), True)
check("second result", cur.fetchall(), ((42, "x"),))
while cur.nextset():
    pass
m = connect(database="drv_py", client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
mc = m.cursor()
mc.execute("SELECT 1; UPDATE types SET ti = 5 WHERE id = 2; SELECT 'last'")
check("multi 1", mc.fetchall(), ((1,),))
check("multi next", mc.nextset(), True)
check("multi affected", mc.rowcount, 1)
check("multi next", mc.nextset(), True)
check("multi 3", mc.fetchall(), (("last",),))
m.rollback()

check("duplicate", error(lambda: cur.execute("INSERT INTO types (id) VALUES (1)")), ("IntegrityError", 1062))
check("no table", error(lambda: cur.execute("SELECT * FROM nothere")), ("ProgrammingError", 1146))
check("syntax", error(lambda: cur.execute("SELEC 1")), ("ProgrammingError", 1064))
check("unknown column", error(lambda: cur.execute("SELECT nope FROM types")), ("OperationalError", 1054))
check("too long", error(lambda: cur.execute("INSERT INTO types (ch) VALUES ('01234567890')")), ("DataError", 1406))
check("out of range", error(lambda: cur.execute("INSERT INTO types (ti) VALUES (128)")), ("DataError", 1264))
check("bad password", error(lambda: connect(password="wrong")), ("OperationalError", 1045))
check("bad database", error(lambda: connect(database="nothere")), ("OperationalError", 1049))

cur.execute("DELETE FROM types WHERE id = 1")
c.rollback()
cur.execute("SELECT COUNT(*) FROM types WHERE id = 1")
check("rollback", cur.fetchone(), (1,))

victim = connect()
threading.Timer(0.3, lambda: connect().cursor().execute(f"KILL QUERY {victim.thread_id()}")).start()
begun = time.time()
vc = victim.cursor()
check("cancelled", error(lambda: vc.execute("SELECT COUNT(*) FROM drv_py.types a JOIN drv_py.types b ON a.i <> b.i JOIN drv_py.types c ON c.i <> b.i")), ("OperationalError", 1317))
check("cancelled in time", time.time() - begun < 10, True)
vc.execute("SELECT 7")
check("alive after cancellation", vc.fetchone(), (7,))
check("ping", victim.ping(), None)

dc = connect(cursorclass=pymysql.cursors.DictCursor, database="drv_py")
d = dc.cursor()
d.execute("SELECT id AS Num, vc AS `Größe` FROM types WHERE id = 1")
check("dict row", d.fetchone(), {"Num": 1, "Größe": "Grüße 😀 日本"})
big = "x" * (20 << 20)
cur.execute("CREATE TABLE big (v LONGTEXT)")
cur.execute("INSERT INTO big VALUES (%s)", (big,))
cur.execute("SELECT v FROM big")
check("20 MB value", cur.fetchone()[0] == big, True)
for other in (m, victim, dc):
    other.close()
cur.execute("SET lock_wait_timeout = 5")
cur.execute("DROP DATABASE drv_py")
sys.exit(1 if failed else print("ok"))
