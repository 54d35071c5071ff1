# SQLAlchemy (Debian python3-sqlalchemy) over PyMySQL: ORM, types, reflection, transactions.
import datetime, decimal, os, sys
from urllib.parse import quote
import sqlalchemy as sa
from sqlalchemy import orm

host, port, user = sys.argv[1:4]
root = f"mysql+pymysql://{user}:{quote(os.environ['ZORYA_PASSWORD'])}@{host}:{port}"
failed = False


def check(what, got, want):
    global failed
    if got != want:
        failed = True
        print(f"FAIL {what}: got {got!r}, want {want!r}")


with sa.create_engine(root + "/mysql").connect() as c:
    c.execute(sa.text("DROP DATABASE IF EXISTS drv_sa"))
    c.execute(sa.text("CREATE DATABASE drv_sa"))
engine = sa.create_engine(root + "/drv_sa?charset=utf8mb4", pool_pre_ping=True, isolation_level="READ COMMITTED")
Base = orm.declarative_base()


class Author(Base):
    __tablename__ = "author"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(50), nullable=False, unique=True)
    born = sa.Column(sa.Date)
    books = orm.relationship("Book", back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "book"
    __table_args__ = (sa.Index("by_title", "title", mysql_length=20), sa.CheckConstraint("price >= 0", name="positive"), {"comment": "all books", "mysql_engine": "InnoDB"})
    id = sa.Column(sa.BigInteger, primary_key=True)
    author_id = sa.Column(sa.ForeignKey("author.id", ondelete="CASCADE"), nullable=False)
    title = sa.Column(sa.String(200), nullable=False, comment="as printed")
    price = sa.Column(sa.Numeric(10, 2), server_default="9.99")
    sold = sa.Column(sa.DateTime, server_default=sa.func.now())
    kind = sa.Column(sa.Enum("novel", "poem", name="kind"))
    data = sa.Column(sa.JSON)
    cover = sa.Column(sa.LargeBinary)
    text = sa.Column(sa.Text)
    stock = sa.Column(sa.Boolean, default=True)
    weight = sa.Column(sa.Float)
    author = orm.relationship("Author", back_populates="books")


Base.metadata.create_all(engine)
Session = orm.sessionmaker(engine)
with Session() as s:
    a = Author(name="Ivan Vazov", born=datetime.date(1850, 7, 9))
    a.books = [Book(title=f"Под игото {n}", kind="novel", data={"n": n, "tags": ["x", None]}, cover=bytes([n, 255]), weight=n / 4) for n in range(20)]
    s.add(a)
    s.commit()
    check("id", a.id, 1)
    b = s.query(Book).filter(Book.title.like("%игото 7")).one()
    check("book", (b.price, b.kind, b.data, b.cover, b.stock, b.weight), (decimal.Decimal("9.99"), "novel", {"n": 7, "tags": ["x", None]}, b"\x07\xff", True, 1.75))
    check("server default", isinstance(b.sold, datetime.datetime), True)
    check("aggregate", s.query(sa.func.count(), sa.func.max(Book.weight)).select_from(Book).one(), (20, 4.75))
    check("json path", s.query(Book.id).filter(Book.data["n"].as_integer() == 3).count(), 1)
    check("window", s.execute(sa.select(sa.func.row_number().over(order_by=Book.id)).limit(3)).scalars().all(), [1, 2, 3])
    cte = sa.select(Book.author_id, sa.func.count().label("n")).group_by(Book.author_id).cte("c")
    check("cte", s.execute(sa.select(Author.name, cte.c.n).join(cte, cte.c.author_id == Author.id)).all(), [("Ivan Vazov", 20)])
    b.price = decimal.Decimal("1.50")
    with s.begin_nested() as sp:
        b.title = "gone"
        s.flush()
        sp.rollback()
    s.commit()
    check("savepoint", s.query(Book).filter_by(title="gone").count(), 0)
    try:
        s.add(Author(name="Ivan Vazov"))
        s.commit()
        check("unique", "no error", "IntegrityError")
    except sa.exc.IntegrityError as e:
        check("unique", e.orig.args[0], 1062)
        s.rollback()
    try:
        s.add(Book(title="negative", author_id=1, price=-1))
        s.commit()
        check("check constraint", "no error", "OperationalError")
    except sa.exc.DBAPIError as e:
        check("check constraint", e.orig.args[0], 3819)
        s.rollback()
    check("for update", s.query(Author).with_for_update(skip_locked=True).count(), 1)
    s.delete(s.get(Author, 1))
    s.commit()
    check("cascade", s.query(Book).count(), 0)
    from sqlalchemy.dialects.mysql import insert
    up = insert(Author).values(id=5, name="x").on_duplicate_key_update(name="y")
    s.execute(up); s.execute(up); s.commit()
    check("upsert", s.get(Author, 5).name, "y")

insp = sa.inspect(engine)
check("tables", sorted(insp.get_table_names()), ["author", "book"])
cols = {c["name"]: c for c in insp.get_columns("book")}
check("columns", list(cols), ["id", "author_id", "title", "price", "sold", "kind", "data", "cover", "text", "stock", "weight"])
check("column comment", cols["title"]["comment"], "as printed")
check("nullable", (cols["title"]["nullable"], cols["price"]["nullable"]), (False, True))
check("types", [str(cols[n]["type"]) for n in ("id", "title", "price", "sold", "kind", "data", "cover", "stock", "weight")],
      ["BIGINT", "VARCHAR(200)", "DECIMAL(10, 2)", "DATETIME", "ENUM", "JSON", "BLOB", "TINYINT", "FLOAT"])
check("primary key", insp.get_pk_constraint("book")["constrained_columns"], ["id"])
fk = insp.get_foreign_keys("book")
check("foreign key", [(f["constrained_columns"], f["referred_table"], f["referred_columns"], f["options"]) for f in fk], [(["author_id"], "author", ["id"], {"ondelete": "CASCADE"})])
check("indexes", sorted((i["name"], i["unique"]) for i in insp.get_indexes("book")), [("author_id", False), ("by_title", False)])
check("unique", [u["column_names"] for u in insp.get_unique_constraints("author")], [["name"]])
check("checks", [k["name"] for k in insp.get_check_constraints("book")], ["positive"])
check("table comment", insp.get_table_comment("book"), {"text": "all books"})
meta = sa.MetaData()
meta.reflect(engine)
check("reflected", sorted(meta.tables), ["author", "book"])
check("isolation", engine.connect().get_isolation_level(), "READ COMMITTED")
with engine.connect() as c:
    c.execute(sa.text("DROP DATABASE drv_sa"))
sys.exit(1 if failed else print("ok"))
