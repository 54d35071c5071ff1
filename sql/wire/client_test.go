package wire

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// transports are the ways that a client can talk to the server; whatever holds for one must hold for all.
var transports = []struct {
	name   string
	change func(*ClientConfig)
}{
	{"plain", func(c *ClientConfig) {}},
	{"eof", func(c *ClientConfig) {
		c.Without = CapDeprecateEOF | CapSessionTrack | CapQueryAttributes | CapPluginAuthLenenc
	}},
	{"tls", func(c *ClientConfig) { c.TLS, c.RequireTLS = &tls.Config{InsecureSkipVerify: true}, true }},
	{"zlib", func(c *ClientConfig) { c.Compression = "zlib" }},
	{"zstd", func(c *ClientConfig) { c.Compression = "zstd" }},
	{"tls+zlib", func(c *ClientConfig) { c.TLS, c.Compression = &tls.Config{InsecureSkipVerify: true}, "zlib" }},
}

func overTransports(t *testing.T, fn func(t *testing.T, cl *Client), change ...func(*ClientConfig)) {
	_, _, addr := testServer(t, withTLS(t))
	for _, tr := range transports {
		t.Run(tr.name, func(t *testing.T) { fn(t, dial(t, addr, append(change, tr.change)...)) })
	}
}

func TestQueryResults(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		if got := one(t, cl, "SELECT 1"); got != "1" {
			t.Fatalf("got %q", got)
		}
		if got := one(t, cl, "text "); got != "" {
			t.Fatalf("got %q", got)
		}
		rs, err := cl.Query("types")
		if err != nil {
			t.Fatal(err)
		}
		if !rs.Next() {
			t.Fatal(rs.Err())
		}
		for i, v := range rs.Row() {
			got := string(v)
			if v == nil {
				got = "\x00"
			}
			if got != typesText[i] {
				t.Errorf("%s: got %q, want %q", rs.Columns()[i].Name, got, typesText[i])
			}
		}
		if rs.Next() || rs.Err() != nil {
			t.Fatal("more than one row", rs.Err())
		}
		if _, err := cl.Query("error"); !mysqlerr.IsCode(err, mysqlerr.ER_DUP_ENTRY) || !strings.Contains(err.Error(), "(23000): Duplicate entry '1' for key 'PRIMARY'") {
			t.Fatal(err)
		}
		_, err = cl.Exec("plainerror")
		wantCode(t, err, mysqlerr.ER_UNKNOWN_ERROR)
		for _, n := range []int{0, 1, 10_000} {
			rs, err := cl.Query(fmt.Sprintf("rows %d", n))
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				if !rs.Next() || string(rs.Row()[0]) != fmt.Sprint(i) {
					t.Fatalf("row %d: %q %v", i, rs.Row(), rs.Err())
				}
			}
			if rs.Next() || rs.Err() != nil {
				t.Fatal("too many rows", rs.Err())
			}
		}
	})
}

func TestMultipleResults(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		rs, err := cl.Query("multi")
		if err != nil {
			t.Fatal(err)
		}
		if rs.Result().AffectedRows != 3 || len(rs.Columns()) != 0 {
			t.Fatalf("first result: %+v", rs.Result())
		}
		if _, err := cl.Query("SELECT 1"); !errors.Is(err, errBusy) {
			t.Fatalf("a query between results: %v", err)
		}
		if !rs.NextResult() || !rs.Next() || string(rs.Row()[0]) != "1" || rs.Next() {
			t.Fatal("second result", rs.Err())
		}
		if !rs.NextResult() {
			t.Fatal("third result", rs.Err())
		}
		want := OK{AffectedRows: 4, LastInsertID: 5, Warnings: 6, Info: "Rows matched: 4", Status: StatusAutocommit}
		if rs.Result().OK != want {
			t.Fatalf("third result: %+v", rs.Result())
		}
		if rs.NextResult() {
			t.Fatal("a fourth result")
		}
		if res, err := cl.Exec("promise"); err != nil || res.Status != StatusAutocommit {
			t.Fatal(res, err)
		}
		if _, err := cl.Exec("nothing"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestErrorsWithinResults(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		for _, n := range []int{0, 1, 9000} {
			rs, err := cl.Query(fmt.Sprintf("errorafter %d", n))
			if err != nil {
				t.Fatal(err)
			}
			rows := 0
			for rs.Next() {
				rows++
			}
			wantCode(t, rs.Err(), mysqlerr.ER_QUERY_INTERRUPTED)
			if rows != n {
				t.Fatalf("%d rows before the error, want %d", rows, n)
			}
			_, err = cl.Exec(fmt.Sprintf("unfinished %d", n))
			wantCode(t, err, mysqlerr.ER_UNKNOWN_ERROR)
			if one(t, cl, "SELECT 1") != "1" {
				t.Fatal("out of step")
			}
		}
	})
}

func TestPreparedStatements(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		st, err := cl.Prepare("types")
		if err != nil {
			t.Fatal(err)
		}
		rs, err := st.Execute(false)
		if err != nil || !rs.Next() {
			t.Fatal(err, rs.Err())
		}
		for i := range rs.Values() {
			if got := describe(&rs.Values()[i]); got != typesBinary[i] {
				t.Errorf("%s: got %q, want %q", rs.Columns()[i].Name, got, typesBinary[i])
			}
		}
		if _, err := rs.Discard(); err != nil {
			t.Fatal(err)
		}
		_, err = cl.Prepare("error")
		wantCode(t, err, mysqlerr.ER_NO_SUCH_TABLE)

		d := DateTime{Year: 2026, Month: 1, Day: 2, Hour: 3, Minute: 4, Second: 5, Micro: 6}
		st, err = cl.Prepare("echo ? ? ? ? ? ? ? ? ?")
		if err != nil {
			t.Fatal(err)
		}
		params := []Param{NullParam(), IntParam(-7), UintParam(1 << 63), FloatParam(2.5), StringParam("abc"), BytesParam([]byte("x\x00y")),
			DateTimeParam(d), TimeParam(Time{Neg: true, Hour: 100, Second: 1}), NullParam()}
		got := echo(t, st, params...)
		want := "NULL|i-7|u9223372036854775808|f2.5|sabc|bx\x00y|t{Year:2026 Month:1 Day:2 Hour:3 Minute:4 Second:5 Micro:6}|T{Neg:true Hour:100 Minute:0 Second:1 Micro:0}|NULL|"
		if got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		st2, err := cl.Prepare("exec ? ?")
		if err != nil {
			t.Fatal(err)
		}
		rs, err = st2.Execute(false, IntParam(1), IntParam(2))
		if err != nil || rs.Result().AffectedRows != 2 || rs.Result().LastInsertID != 7 {
			t.Fatal(rs, err)
		}
		if err := st2.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = st2.Execute(false, IntParam(1), IntParam(2))
		wantCode(t, err, mysqlerr.ER_UNKNOWN_STMT_HANDLER)
	})
}

func echo(t *testing.T, st *ClientStmt, params ...Param) string {
	t.Helper()
	rs, err := st.Execute(false, params...)
	if err != nil {
		t.Fatal(err)
	}
	if !rs.Next() {
		t.Fatal(rs.Err())
	}
	got := string(rs.Values()[0].Bytes())
	if _, err := rs.Discard(); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLongData(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		st, err := cl.Prepare("echo ? ?")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := st.SendLongData(1, bytes.Repeat([]byte("z"), 100_000)); err != nil {
				t.Fatal(err)
			}
		}
		if got := echo(t, st, IntParam(1), BytesParam(nil)); got != "i1|b[300000]|" {
			t.Fatal(got)
		}
		// Every execution starts afresh.
		if got := echo(t, st, IntParam(1), BytesParam([]byte("q"))); got != "i1|bq|" {
			t.Fatal(got)
		}
		if err := st.SendLongData(0, []byte("gone")); err != nil {
			t.Fatal(err)
		}
		if err := st.Reset(); err != nil {
			t.Fatal(err)
		}
		if got := echo(t, st, IntParam(1), StringParam("q")); got != "i1|sq|" {
			t.Fatal(got)
		}
		if err := st.SendLongData(9, []byte("no such parameter")); err != nil {
			t.Fatal(err)
		}
		_, err = st.Execute(false, IntParam(1), StringParam("q"))
		wantCode(t, err, mysqlerr.ER_WRONG_ARGUMENTS)
		if got := echo(t, st, IntParam(1), StringParam("q")); got != "i1|sq|" {
			t.Fatal(got)
		}
	})
}

func TestCursor(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		st, err := cl.Prepare("rows")
		if err != nil {
			t.Fatal(err)
		}
		_, err = st.Fetch(1)
		if err == nil {
			rs, _ := st.Fetch(1)
			if rs != nil && rs.Next() {
				t.Fatal("rows without a cursor")
			}
		}
		if cl.rows != nil {
			for cl.rows.Next() {
			}
		}
		rs, err := st.Execute(true)
		if err != nil || rs.open || cl.Status()&StatusCursorExists == 0 {
			t.Fatal("no cursor", err, rs.Err(), cl.Status())
		}
		if cl.rows != nil {
			t.Fatal("more than one EOF announces a cursor")
		}
		var got []string
		for last := false; !last; last = cl.Status()&StatusLastRowSent != 0 {
			rs, err := st.Fetch(4)
			if err != nil {
				t.Fatal(err)
			}
			for rs.Next() {
				got = append(got, describe(&rs.Values()[0]))
			}
			if rs.Err() != nil {
				t.Fatal(rs.Err())
			}
		}
		if s := strings.Join(got, " "); s != "i0 i1 i2 i3 i4 i5 i6 i7 i8 i9" {
			t.Fatal(s)
		}
		if err := st.Reset(); err != nil {
			t.Fatal(err)
		}
		rs, err = st.Fetch(1)
		if err != nil {
			t.Fatal(err)
		}
		if rs.Next() {
			t.Fatal("rows of a closed cursor")
		}
		wantCode(t, rs.Err(), mysqlerr.ER_STMT_HAS_NO_OPEN_CURSOR)
	})
}

func TestOutParams(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		st, err := cl.Prepare("call")
		if err != nil {
			t.Fatal(err)
		}
		rs, err := st.Execute(false)
		if err != nil || !rs.Next() {
			t.Fatal(err, rs.Err())
		}
		if describe(&rs.Values()[0]) != "sout" || rs.Next() || rs.Result().Status&StatusPSOutParams == 0 {
			t.Fatal(rs.Values(), rs.Result())
		}
		if !rs.NextResult() || rs.Result().Status != StatusAutocommit {
			t.Fatal(rs.Err(), rs.Result())
		}
	})
}

func TestLargePackets(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		sizes := []int{70_000, 3 << 20}
		if strings.HasSuffix(t.Name(), "+zlib") {
			sizes = []int{maxPacket + 1}
		}
		if strings.HasSuffix(t.Name(), "/plain") { // where row or query fill a packet exactly, with and without the query's attributes
			sizes = []int{100, 8 << 10, maxPacket - 4, maxPacket - 3, maxPacket - 1, maxPacket, 17 << 20}
		}
		for _, n := range sizes {
			if got := len(one(t, cl, fmt.Sprintf("big %d", n))); got != n {
				t.Fatalf("answer of %d bytes: got %d", n, got)
			}
			if got := one(t, cl, "len "+strings.Repeat("y", n-4)); got != fmt.Sprint(n) {
				t.Fatalf("query of %d bytes: got %s", n, got)
			}
		}
	})
}

func TestLocalInfile(t *testing.T) {
	data := strings.Repeat("1,2,3\n", 100_000)
	open := func(c *ClientConfig) {
		c.LocalFile = func(name string) (io.ReadCloser, error) {
			if strings.HasSuffix(name, "missing") {
				return nil, errors.New("no such file")
			}
			return io.NopCloser(strings.NewReader(data)), nil
		}
	}
	overTransports(t, func(t *testing.T, cl *Client) {
		if res, err := cl.Exec("load whole"); err != nil || res.AffectedRows != uint64(len(data)) {
			t.Fatal(res, err)
		}
		_, err := cl.Exec("load partial")
		wantCode(t, err, mysqlerr.ER_WARN_TOO_FEW_RECORDS)
		if _, err := cl.Exec("load missing"); err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Fatal(err)
		}
		if one(t, cl, "SELECT 1") != "1" {
			t.Fatal("out of step")
		}
	}, open)
	s, _, addr := testServer(t)
	_, err := dial(t, addr).Exec("load x")
	wantCode(t, err, mysqlerr.ER_CLIENT_LOCAL_FILES_DISABLED)
	cl := dial(t, addr, open)
	s.SetLocalInfile(false)
	_, err = cl.Exec("load x")
	wantCode(t, err, mysqlerr.ER_CLIENT_LOCAL_FILES_DISABLED)
}

func TestSmallCommands(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		if err := cl.Ping(); err != nil {
			t.Fatal(err)
		}
		res, err := cl.InitDB("other")
		if err != nil || cl.caps&CapSessionTrack != 0 && res.Schema != "other" {
			t.Fatal(res, err)
		}
		_, err = cl.InitDB("nodb")
		wantCode(t, err, mysqlerr.ER_BAD_DB_ERROR)
		if s, err := cl.Statistics(); err != nil || s != "Uptime: 1" {
			t.Fatal(s, err)
		}
		if err := errors.Join(cl.SetMultiStatements(true), cl.SetMultiStatements(false), cl.Reset()); err != nil {
			t.Fatal(err)
		}
		wantCode(t, cl.Kill(999_999), mysqlerr.ER_NO_SUCH_THREAD)
		_, err = cl.simple(0x77, nil)
		wantCode(t, err, mysqlerr.ER_UNKNOWN_COM_ERROR)
		if err := cl.send(comFieldList, []byte("t\x00w")); err != nil {
			t.Fatal(err)
		}
		p, err := cl.read()
		if err != nil {
			t.Fatal(err)
		}
		if col, err := parseColumn(p); err != nil || col.Name != "aw" || col.Table != "t" || col.Default != "7" {
			t.Fatal(col, err)
		}
		if p, err := cl.read(); err != nil || p[0] != headerEOF {
			t.Fatal(p, err)
		}
	})
}

func TestSessionTracking(t *testing.T) {
	overTransports(t, func(t *testing.T, cl *Client) {
		res, err := cl.Exec("track")
		if err != nil {
			t.Fatal(err)
		}
		if cl.caps&CapSessionTrack == 0 {
			if res.HasSchema || res.Status&StatusSessionStateChanged != 0 {
				t.Fatalf("unasked: %+v", res)
			}
			return
		}
		if res.Schema != "db2" || res.Variables["autocommit"] != "OFF" || !res.State || res.Trx != "T_______" {
			t.Fatalf("%+v", res)
		}
		if res, err := cl.Exec("nothing"); err != nil || res.HasSchema {
			t.Fatal("told twice", res, err)
		}
	})
}

func TestQueryAttributes(t *testing.T) {
	_, _, addr := testServer(t)
	cl := dial(t, addr)
	got := one(t, cl, "attrs", Attr{"a", IntParam(5)}, Attr{"b", StringParam("x")}, Attr{"n", NullParam()})
	if got != "a=i5;b=sx;n=NULL;" {
		t.Fatal(got)
	}
}

// Bytes as a client sends them that negotiated query attributes: with count, types with names, and one attribute behind the parameter.
func TestExecuteWithAttributes(t *testing.T) {
	p := []byte{paramCountAvailable, 1, 0, 0, 0, 2, 0, 1,
		byte(TypeVarString), 0, 0, byte(TypeTiny), 0x80, 5, 't', 'r', 'a', 'c', 'e',
		5, 'a', 'd', 'm', 'i', 'n', 200}
	st := &Stmt{params: 1}
	var x execution
	if _, err := x.parseExecute(st, &cursor{b: p}, true); err != nil {
		t.Fatal(err)
	}
	if len(x.params) != 1 || describe(&x.params[0]) != "sadmin" || len(x.attrs) != 1 || x.attrs[0].Name != "trace" || describe(&x.attrs[0].Value) != "u200" {
		t.Fatal(x.params, x.attrs)
	}
	if len(st.types) != 1 {
		t.Fatal("the attribute's type was remembered as a parameter's")
	}
	// Without new types, those of the parameters are remembered; an attribute must bring its own.
	again := []byte{0, 1, 0, 0, 0, 1, 0, 0, 1, 'x'}
	if _, err := x.parseExecute(st, &cursor{b: again}, true); err != nil || describe(&x.params[0]) != "sx" {
		t.Fatal(err, x.params)
	}
}

func TestAppendFloat(t *testing.T) {
	for _, tc := range []struct {
		v        float64
		bits     int
		decimals int
		want     string
	}{
		{0, 64, 31, "0"}, {1, 64, 31, "1"}, {-1.5, 64, 31, "-1.5"}, {0.1, 64, 31, "0.1"}, {1e14, 64, 31, "100000000000000"}, {1e15, 64, 31, "1e15"},
		{123456789012345, 64, 31, "123456789012345"}, {1234567890123456, 64, 31, "1.234567890123456e15"}, {1e-15, 64, 31, "0.000000000000001"},
		{1e-16, 64, 31, "1e-16"}, {1.25e-16, 64, 31, "1.25e-16"}, {1.7976931348623157e308, 64, 31, "1.7976931348623157e308"}, {2.5, 64, 2, "2.50"}, {2.345, 64, 0, "2"},
		{float64(float32(0.1)), 32, 31, "0.1"}, {16777216, 32, 31, "16777200"}, {float64(float32(3.4028235e38)), 32, 31, "3.40282e38"}, {1e6, 32, 31, "1000000"},
		{float64(float32(1234567)), 32, 31, "1234570"},
	} {
		if got := string(AppendFloat(nil, tc.v, tc.bits, tc.decimals)); got != tc.want {
			t.Errorf("%g (%d bits, %d decimals): got %s, want %s", tc.v, tc.bits, tc.decimals, got, tc.want)
		}
	}
}
