package session

import (
	"context"
	stdsql "database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The scripts under testdata/conform hold statements and what a client must see of them: recorded from MariaDB 10.11 where it agrees with
// MySQL 8.0, and by MySQL 8.0's rules where not. A block is the statement, a line of four dashes, the answer, an empty line. The answer ~
// is not compared: the statement is there for its effect, or is one of docs/compatibility.md. A statement that begins with ? is
// prepared and its rows come in the binary protocol.

var conformUpdate = flag.Bool("conform.update", false, "write the answers given into the scripts, but for ~")

var giveNoRows = regexp.MustCompile(`(?i)^\s*(insert|update|delete|replace|create|drop|alter|set|begin|start|commit|rollback|savepoint|release|use|truncate|prepare|deallocate|grant|revoke|rename|signal)\b`)

func TestConformance(t *testing.T) {
	_, addr := startFull(t)
	files, err := filepath.Glob("testdata/conform/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	n, compared := 0, 0
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c := connect(t, addr, "")
		for _, s := range []string{"DROP DATABASE IF EXISTS t", "CREATE DATABASE t", "USE t"} {
			exec(t, c, s)
		}
		var out strings.Builder
		for _, block := range strings.Split(strings.TrimRight(string(raw), "\n"), "\n\n") {
			text, want, ok := strings.Cut(block, "\n----\n")
			if !ok {
				t.Fatalf("%s: no ---- in %q", f, block)
			}
			n++
			got := answerOf(c, text)
			fmt.Fprintf(&out, "%s\n----\n", text)
			if want == "~" {
				out.WriteString("~\n\n")
				continue
			}
			compared++
			out.WriteString(got + "\n\n")
			if got != want && !*conformUpdate {
				t.Errorf("%s: %s\ngot:\n%s\nwant:\n%s", filepath.Base(f), text, got, want)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if *conformUpdate {
			if err := os.WriteFile(f, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d statements, %d compared", n, compared)
}

// answerOf is what a client sees: names and rows or counts, then the warnings; errors with code, SQLSTATE and message.
func answerOf(c *stdsql.Conn, text string) string {
	ctx := context.Background()
	var out strings.Builder
	switch {
	case strings.HasPrefix(text, "?"):
		st, err := c.PrepareContext(ctx, text[1:])
		if err != nil {
			return errorText(err)
		}
		defer st.Close()
		rows, err := st.QueryContext(ctx)
		if err != nil {
			return errorText(err)
		}
		writeRows(&out, rows)
	case giveNoRows.MatchString(text):
		r, err := c.ExecContext(ctx, text)
		if err != nil {
			out.WriteString(errorText(err))
			break
		}
		affected, _ := r.RowsAffected()
		id, _ := r.LastInsertId()
		fmt.Fprintf(&out, "ok %d id %d", affected, id)
	default:
		rows, err := c.QueryContext(ctx, text)
		if err != nil {
			out.WriteString(errorText(err))
			break
		}
		writeRows(&out, rows)
	}
	if strings.HasPrefix(strings.ToLower(text), "show warn") {
		return out.String()
	}
	rows, err := c.QueryContext(ctx, "SHOW WARNINGS")
	if err != nil {
		return out.String() + "\nSHOW WARNINGS: " + errorText(err)
	}
	defer rows.Close()
	for rows.Next() {
		var level, message string
		var code int
		if err := rows.Scan(&level, &code, &message); err != nil {
			return err.Error()
		}
		if level != "Error" {
			fmt.Fprintf(&out, "\n%s %d %s", level, code, message)
		}
	}
	return out.String()
}

func writeRows(out *strings.Builder, rows *stdsql.Rows) {
	defer rows.Close()
	for more := true; more; more = rows.NextResultSet() {
		names, err := rows.Columns()
		if err != nil {
			out.WriteString(errorText(err))
			return
		}
		fmt.Fprintf(out, "[%s]", strings.Join(names, "]["))
		for rows.Next() {
			vals := make([]any, len(names))
			for i := range vals {
				vals[i] = new(any)
			}
			if err := rows.Scan(vals...); err != nil {
				out.WriteString("\n" + err.Error())
				return
			}
			for i, v := range vals {
				sep := "|"
				if i == 0 {
					sep = "\n"
				}
				switch v := (*v.(*any)).(type) {
				case nil:
					out.WriteString(sep + "NULL")
				case []byte:
					out.WriteString(sep + strings.ReplaceAll(string(v), "\n", `\n`))
				default:
					fmt.Fprint(out, sep, v)
				}
			}
		}
	}
	if err := rows.Err(); err != nil {
		out.WriteString("\n" + errorText(err))
	}
}
