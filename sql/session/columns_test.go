package session

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/wire"
)

var columnsUpdate = flag.Bool("columns.update", false, "write the columns given into testdata/columns.txt")

// TestColumns compares what clients are told of the columns of results. A block of testdata/columns.txt is a statement, a line of four dashes and a line for each
// column: name, type, length, decimals, flags, collation, and where it comes from. Both lanes and both protocols must say the same.
func TestColumns(t *testing.T) {
	_, addr := startFull(t)
	setup := connect(t, addr, "")
	exec(t, setup, "CREATE DATABASE d")
	dial := func(lane string) *wire.Client {
		cl, err := wire.Dial(context.Background(), wire.ClientConfig{Addr: addr, User: "admin", Password: testPassword, Database: "d"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cl.Close() })
		for _, s := range []string{"SET NAMES utf8mb4", "SET zorya_fast_lane = " + lane} {
			columnsOf(t, cl, s)
		}
		return cl
	}
	fast, slow := dial("ON"), dial("OFF")
	const file = "testdata/columns.txt"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimRight(string(raw), "\n"), "\n\n") {
		text, want, ok := strings.Cut(block, "\n----")
		if !ok {
			t.Fatalf("no ---- in %q", block)
		}
		got := columnsOf(t, fast, text)
		fmt.Fprintf(&out, "%s\n----%s\n\n", text, got)
		if got != want && !*columnsUpdate {
			t.Errorf("%s\ngot:%s\nwant:%s", text, got, want)
		}
		if !strings.HasPrefix(strings.ToLower(text), "select") && !strings.HasPrefix(strings.ToLower(text), "with") {
			continue
		}
		if other := columnsOf(t, slow, text); other != got {
			t.Errorf("%s\nfast lane:%s\ngeneral lane:%s", text, got, other)
		}
		st, err := fast.Prepare(text)
		if err != nil {
			t.Fatal(err)
		}
		if other := columnsText(st.Columns()); other != got {
			t.Errorf("%s\nexecuted:%s\nprepared:%s", text, got, other)
		}
	}
	if *columnsUpdate {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func columnsOf(t *testing.T, cl *wire.Client, text string) string {
	t.Helper()
	rows, err := cl.Query(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out := columnsText(rows.Columns())
	if _, err := rows.Discard(); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

var wireTypes = map[wire.Type]string{wire.TypeTiny: "TINY", wire.TypeShort: "SHORT", wire.TypeLong: "LONG", wire.TypeFloat: "FLOAT", wire.TypeDouble: "DOUBLE",
	wire.TypeNull: "NULL", wire.TypeTimestamp: "TIMESTAMP", wire.TypeLongLong: "LONGLONG", wire.TypeInt24: "INT24", wire.TypeDate: "DATE", wire.TypeTime: "TIME",
	wire.TypeDateTime: "DATETIME", wire.TypeYear: "YEAR", wire.TypeBit: "BIT", wire.TypeJSON: "JSON", wire.TypeNewDecimal: "NEWDECIMAL", wire.TypeMediumBlob: "MEDIUM_BLOB",
	wire.TypeLongBlob: "LONG_BLOB", wire.TypeBlob: "BLOB", wire.TypeVarString: "VAR_STRING", wire.TypeString: "STRING", wire.TypeGeometry: "GEOMETRY"}

var wireFlags = []string{"NOT_NULL", "PRI_KEY", "UNIQUE_KEY", "MULTIPLE_KEY", "BLOB", "UNSIGNED", "ZEROFILL", "BINARY", "ENUM", "AUTO_INCREMENT", "TIMESTAMP", "SET",
	"NO_DEFAULT_VALUE", "ON_UPDATE_NOW", "PART_KEY", "NUM"}

func columnsText(cols []wire.Column) string {
	var out strings.Builder
	for i := range cols {
		c := &cols[i]
		var flags []string
		for bit, name := range wireFlags {
			if c.Flags>>bit&1 != 0 {
				flags = append(flags, name)
			}
		}
		fmt.Fprintf(&out, "\n%s: %s(%d,%d) %s %d", c.Name, wireTypes[c.Type], c.Length, c.Decimals, strings.Join(flags, "|"), c.Charset)
		if c.Table+c.OrgTable+c.OrgName+c.Schema != "" {
			fmt.Fprintf(&out, " %s.%s.%s=%s", c.Schema, c.OrgTable, c.OrgName, c.Table)
		}
	}
	return out.String()
}
