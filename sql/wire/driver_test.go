package wire

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// openDriver connects with go-sql-driver/mysql, a client that is not ours.
func openDriver(t *testing.T, addr, userPassword, options string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", userPassword+"@tcp("+addr+")/?"+options)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestGoDriver(t *testing.T) {
	_, _, addr := testServer(t, withTLS(t))
	for _, user := range []string{"root", "sha2:s3cret", "native:n4tive"} {
		for _, options := range []string{"", "tls=skip-verify", "compress=true", "tls=skip-verify&compress=true", "interpolateParams=true&clientFoundRows=true"} {
			t.Run(user+"?"+options, func(t *testing.T) {
				db := openDriver(t, addr, user, options+"&maxAllowedPacket=67108864&allowCleartextPasswords=false")
				var n int
				if err := db.QueryRow("SELECT 1").Scan(&n); err != nil || n != 1 {
					t.Fatal(n, err)
				}
				var s string
				if strings.Contains(options, "interpolate") {
					return
				}
				err := db.QueryRow("echo ? ? ? ? ?", 1, "two", 3.5, nil, time.Date(2026, 11, 22, 1, 2, 3, 4000, time.UTC)).Scan(&s)
				want := "i1|stwo|f3.5|NULL|s2026-11-22 01:02:03.000004|"
				if err != nil || s != want {
					t.Fatalf("got %q, want %q: %v", s, want, err)
				}
				checkDriverTypes(t, db)
			})
		}
	}
	db := openDriver(t, addr, "sha2:wrong", "")
	err := db.Ping()
	if me, ok := err.(*mysql.MySQLError); !ok || me.Number != 1045 || string(me.SQLState[:]) != "28000" {
		t.Fatal(err)
	}
}

func checkDriverTypes(t *testing.T, db *sql.DB) {
	t.Helper()
	text, err := db.Query("types")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	got := scanOne(t, text, len(typesText))
	for i := range typesText {
		want := typesText[i]
		if want != "\x00" && want != "000042" && want != "-1e100" && string(got[i]) != want { // the driver re-formats numbers
			t.Errorf("text column %d: got %q, want %q", i, got[i], want)
		}
	}
	st, err := db.Prepare("types")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	rows, err := st.Query()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got = scanOne(t, rows, len(typesText))
	for i := range typesText {
		if want := typesText[i]; want != "\x00" && want != "000042" && want != "-1e100" && string(got[i]) != want {
			t.Errorf("binary column %d: got %q, want %q", i, got[i], want)
		}
	}
}

func scanOne(t *testing.T, rows *sql.Rows, n int) []sql.RawBytes {
	t.Helper()
	vals := make([]sql.RawBytes, n)
	ptrs := make([]any, n)
	for i := range vals {
		ptrs[i] = &vals[i]
	}
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	if err := rows.Scan(ptrs...); err != nil {
		t.Fatal(err)
	}
	out := make([]sql.RawBytes, n)
	for i, v := range vals {
		out[i] = sql.RawBytes(bytes.Clone(v))
	}
	if rows.Next() || rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return out
}

func TestGoDriverResultsAndFiles(t *testing.T) {
	_, _, addr := testServer(t, withTLS(t))
	mysql.RegisterReaderHandler("data", func() io.Reader { return strings.NewReader(strings.Repeat("x", 1_000_000)) })
	defer mysql.DeregisterReaderHandler("data")
	for _, options := range []string{"", "tls=skip-verify", "compress=true"} {
		db := openDriver(t, addr, "root", options+"&multiStatements=true&maxAllowedPacket=67108864")
		res, err := db.Exec("load Reader::data")
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := res.RowsAffected(); n != 1_000_000 {
			t.Fatal(n)
		}
		rows, err := db.Query("multi")
		if err != nil {
			t.Fatal(err)
		}
		sets := 0
		for more := true; more; more = rows.NextResultSet() {
			for rows.Next() {
			}
			sets++
		}
		if rows.Err() != nil || sets != 1 { // the driver passes over results without columns
			t.Fatal(sets, rows.Err())
		}
		rows.Close()
		size := 1_000_000
		if options == "" {
			size = 17_000_000 // several packets
		}
		var big string
		if err := db.QueryRow(fmt.Sprintf("big %d", size)).Scan(&big); err != nil || len(big) != size {
			t.Fatal(len(big), err)
		}
		var n string
		if err := db.QueryRow("len " + big).Scan(&n); err != nil || n != fmt.Sprint(size+4) {
			t.Fatal(n, err)
		}
	}
}

// A cancelled query closes the driver's connection: the server must notice.
func TestGoDriverCancels(t *testing.T) {
	_, b, addr := testServer(t)
	db := openDriver(t, addr, "root", "")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(ctx, "wait")
		done <- err
	}()
	<-b.entered
	cancel()
	if err := <-done; err == nil {
		t.Fatal("not cancelled")
	}
	eventually(t, "the session was closed", func() bool { return b.live() == 0 })
	if err := db.Ping(); err != nil {
		t.Fatal(fmt.Errorf("a new connection: %w", err))
	}
}
