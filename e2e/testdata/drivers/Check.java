// MariaDB Connector/J (Debian libmariadb-java): java -cp mariadb-java-client.jar Check.java HOST PORT USER; the password is in ZORYA_PASSWORD.
import java.math.BigDecimal;
import java.sql.*;
import java.util.*;

public class Check {
    static boolean failed;

    static void check(String what, Object got, Object want) {
        if (!Objects.deepEquals(got, want)) {
            failed = true;
            System.out.println("FAIL " + what + ": got " + got + ", want " + want);
        }
    }

    interface Action { void run() throws Exception; }

    static String error(Action a) throws Exception {
        try {
            a.run();
            return "none";
        } catch (SQLException e) {
            return e.getErrorCode() + " " + e.getSQLState();
        }
    }

    static Connection connect(String options) throws Exception {
        String url = "jdbc:mariadb://" + host + "/" + options;
        return DriverManager.getConnection(url, user, System.getenv("ZORYA_PASSWORD"));
    }

    static String host, user;

    public static void main(String[] args) throws Exception {
        host = args[0] + ":" + args[1];
        user = args[2];
        try (Connection c = connect("?useSsl=true&trustServerCertificate=true")) {
            Statement s = c.createStatement();
            ResultSet rs = s.executeQuery("SHOW STATUS LIKE 'Ssl_cipher'");
            rs.next();
            check("TLS cipher", !rs.getString(2).isEmpty(), true);
            s.execute("DROP DATABASE IF EXISTS drv_java");
            s.execute("CREATE DATABASE drv_java");
        }
        for (String options : List.of("", "&useServerPrepStmts=true", "&useServerPrepStmts=true&useCompression=true", "&rewriteBatchedStatements=true")) {
            one("drv_java?useSsl=true&trustServerCertificate=true&allowMultiQueries=true&connectionTimeZone=UTC&serverTimezone=UTC" + options, options + " ");
        }
        check("bad password", error(() -> DriverManager.getConnection("jdbc:mariadb://" + host + "/?useSsl=true&trustServerCertificate=true", user, "wrong")), "1045 28000");
        try (Connection c = connect("")) {
            c.createStatement().execute("DROP DATABASE drv_java");
        }
        System.out.println(failed ? "failed" : "ok");
        System.exit(failed ? 1 : 0);
    }

    static void one(String url, String o) throws Exception {
        try (Connection c = connect(url); Statement s = c.createStatement()) {
            s.execute("DROP TABLE IF EXISTS types");
            s.execute("DROP PROCEDURE IF EXISTS two");
            s.execute("CREATE TABLE types (id INT AUTO_INCREMENT PRIMARY KEY, ti TINYINT, i INT, iu INT UNSIGNED, bi BIGINT, f FLOAT, d DOUBLE, de DECIMAL(30,10), da DATE, dt DATETIME(6), t TIME(6), y YEAR,"
                + " vc VARCHAR(100), vb VARBINARY(100), tx TEXT, en ENUM('a','ü'), js JSON, bo BIT(1))");
            Object[] row = {-128, Integer.MIN_VALUE, 4294967295L, Long.MIN_VALUE, 1.5f, Math.PI, new BigDecimal("12345678901234567890.0123456789"), java.sql.Date.valueOf("2024-02-29"),
                Timestamp.valueOf("2024-02-29 23:59:59.123456"), "12:34:56.789012", 2024, "Grüße 😀", new byte[] {0, 1, (byte) 255}, "a\n'\"\\", "ü", "{\"a\": 1}", true};
            PreparedStatement in = c.prepareStatement("INSERT INTO types (ti,i,iu,bi,f,d,de,da,dt,t,y,vc,vb,tx,en,js,bo) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", Statement.RETURN_GENERATED_KEYS);
            for (int k = 0; k < row.length; k++) in.setObject(k + 1, row[k]);
            check(o + "affected", in.executeUpdate(), 1);
            ResultSet keys = in.getGeneratedKeys();
            keys.next();
            check(o + "generated key", keys.getInt(1), 1);
            PreparedStatement out = c.prepareStatement("SELECT ti,i,iu,bi,f,d,de,da,dt,t,y,vc,vb,tx,en,js,bo FROM types WHERE id = ?");
            out.setInt(1, 1);
            ResultSet r = out.executeQuery();
            r.next();
            check(o + "ti", r.getInt(1), row[0]);
            check(o + "i", r.getInt(2), row[1]);
            check(o + "iu", r.getLong(3), row[2]);
            check(o + "bi", r.getLong(4), row[3]);
            check(o + "f", r.getFloat(5), row[4]);
            check(o + "d", r.getDouble(6), row[5]);
            check(o + "de", r.getBigDecimal(7), row[6]);
            check(o + "da", r.getDate(8), row[7]);
            check(o + "dt", r.getTimestamp(9), row[8]);
            check(o + "t", r.getString(10), row[9]);
            check(o + "y", r.getInt(11), row[10]);
            check(o + "vc", r.getString(12), row[11]);
            check(o + "vb", r.getBytes(13), row[12]);
            check(o + "tx", r.getString(14), row[13]);
            check(o + "en", r.getString(15), row[14]);
            check(o + "js", r.getString(16), row[15]);
            check(o + "bo", r.getBoolean(17), row[16]);
            s.execute("INSERT INTO types () VALUES ()");
            r = s.executeQuery("SELECT i FROM types WHERE id = 2");
            r.next();
            r.getInt(1);
            check(o + "NULL", r.wasNull(), true);

            c.setAutoCommit(false);
            PreparedStatement b = c.prepareStatement("INSERT INTO types (i, vc) VALUES (?, ?)");
            for (int n = 0; n < 2000; n++) {
                b.setInt(1, n);
                b.setString(2, "row " + n);
                b.addBatch();
            }
            check(o + "batch", b.executeBatch().length, 2000);
            c.commit();
            s.execute("DELETE FROM types WHERE id = 1");
            c.rollback();
            c.setAutoCommit(true);
            Statement stream = c.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY);
            stream.setFetchSize(100);
            r = stream.executeQuery("SELECT a.i FROM types a JOIN types b ON b.i BETWEEN 0 AND 9 WHERE a.i BETWEEN 0 AND 1999");
            int n = 0;
            while (r.next()) n++;
            check(o + "streamed", n, 20000);
            r.close();
            s.execute("CREATE PROCEDURE two(IN n INT, OUT m INT) BEGIN SELECT n; SELECT n + 1, 'x'; SET m = n * 2; END");
            try (CallableStatement call = c.prepareCall("{CALL two(?, ?)}")) {
                call.setInt(1, 41);
                call.registerOutParameter(2, Types.INTEGER);
                call.execute();
                r = call.getResultSet();
                r.next();
                check(o + "first result", r.getInt(1), 41);
                check(o + "second result", call.getMoreResults(), true);
                r = call.getResultSet();
                r.next();
                check(o + "second result", r.getInt(1) + r.getString(2), "42x");
                check(o + "OUT parameter", call.getInt(2), 82);
            }
            s.execute("SELECT 1; UPDATE types SET ti = 9 WHERE id = 2; SELECT 'z'");
            check(o + "multi", s.getMoreResults(), false);
            check(o + "multi affected", s.getUpdateCount(), 1);
            check(o + "multi", s.getMoreResults(), true);
            check(o + "duplicate", error(() -> s.execute("INSERT INTO types (id) VALUES (1)")), "1062 23000");
            check(o + "no table", error(() -> s.execute("SELECT * FROM nothere")), "1146 42S02");
            check(o + "syntax", error(() -> s.execute("SELEC 1")), "1064 42000");
            Statement slow = c.createStatement();
            slow.setQueryTimeout(1);
            long begun = System.currentTimeMillis();
            check(o + "timeout", error(() -> slow.executeQuery("SELECT COUNT(*) FROM types a JOIN types b ON a.i <> b.i JOIN types c ON c.i <> b.i")).equals("none"), false);
            check(o + "timeout in time", System.currentTimeMillis() - begun < 10000, true);
            DatabaseMetaData md = c.getMetaData();
            r = md.getColumns("drv_java", null, "types", "%");
            List<String> names = new ArrayList<>();
            while (r.next()) names.add(r.getString("COLUMN_NAME") + ":" + r.getString("TYPE_NAME"));
            check(o + "columns", names.subList(0, 4), List.of("id:INT", "ti:TINYINT", "i:INT", "iu:INT UNSIGNED"));
            r = md.getPrimaryKeys("drv_java", null, "types");
            r.next();
            check(o + "primary key", r.getString("COLUMN_NAME"), "id");
            r = md.getTables("drv_java", null, "%", new String[] {"TABLE"});
            r.next();
            check(o + "tables", r.getString("TABLE_NAME"), "types");
            r = md.getIndexInfo("drv_java", null, "types", false, true);
            r.next();
            check(o + "index", r.getString("INDEX_NAME"), "PRIMARY");
            r = md.getProcedures("drv_java", null, "%");
            r.next();
            check(o + "procedures", r.getString("PROCEDURE_NAME"), "two");
            check(o + "valid", c.isValid(2), true);
            c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            check(o + "isolation", c.getTransactionIsolation(), Connection.TRANSACTION_READ_COMMITTED);
        }
    }
}
