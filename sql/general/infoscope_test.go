package general

import (
	"fmt"
	"strings"
	"testing"
)

// What a query of information_schema leaves unread never changes its answer.
func TestInfoScope(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	for _, d := range []string{"one", "two", "thrée"} {
		c.must(fmt.Sprintf("CREATE DATABASE `%s`; USE `%s`", d, d))
		c.must("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE q (id int PRIMARY KEY, p int, CONSTRAINT fk FOREIGN KEY (p) REFERENCES p (id)); CREATE VIEW v AS SELECT 1 AS x")
	}
	c.must("USE two")
	for query, want := range map[string]string{
		"SELECT table_name FROM information_schema.tables WHERE table_schema = 'one' ORDER BY 1":                                                                                                                                                                                "p\nq\nv",
		"SELECT table_name FROM information_schema.tables WHERE 'one' = tables.table_schema AND table_name = 'q'":                                                                                                                                                               "q",
		"SELECT table_schema FROM information_schema.tables WHERE table_name = 'q' AND table_schema IN ('one', 'two') ORDER BY 1":                                                                                                                                               "one\ntwo",
		"SELECT table_schema FROM information_schema.tables WHERE table_name = 'q' AND (table_schema = 'one' OR table_schema = 'two') ORDER BY 1":                                                                                                                               "one\ntwo",
		"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'one' OR table_name = 'q'":                                                                                                                                                                         "5",
		"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'thrée'":                                                                                                                                                                                           "3",
		"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()":                                                                                                                                                                                        "3",
		"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema <> 'one' AND table_name = 'q'":                                                                                                                                                                       "2",
		"SELECT column_name FROM information_schema.columns WHERE table_schema = 'two' AND table_name = 'q' ORDER BY ordinal_position":                                                                                                                                          "id\np",
		"SELECT column_name FROM information_schema.columns WHERE table_schema = 'two' AND table_name = 'v'":                                                                                                                                                                    "x",
		"SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'two'":                                                                                                                                                                                         "two",
		"SELECT table_schema FROM information_schema.views WHERE table_schema = 'one'":                                                                                                                                                                                          "one",
		"SELECT table_name, referenced_table_name FROM information_schema.referential_constraints WHERE constraint_schema = 'one'":                                                                                                                                              "q\tp",
		"SELECT COUNT(*) FROM information_schema.tables a JOIN information_schema.tables b ON a.table_name = b.table_name WHERE a.table_schema = 'one'":                                                                                                                         "9",
		"SELECT a.table_name FROM information_schema.tables a JOIN information_schema.columns b USING (table_name) WHERE a.table_schema = 'one' AND b.table_schema = 'one' AND b.column_name = 'p'":                                                                             "q",
		"SELECT COUNT(*) FROM information_schema.tables a, information_schema.tables b WHERE a.table_schema = 'one' AND b.table_schema = 'two'":                                                                                                                                 "9",
		"SELECT (SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'q') FROM information_schema.schemata WHERE schema_name = 'one'":                                                                                                                             "3",
		"SELECT table_name FROM information_schema.tables WHERE table_schema = 'one' AND table_name = 'p' UNION ALL SELECT table_schema FROM information_schema.tables WHERE table_schema = 'two' AND table_name = 'p'":                                                         "p\ntwo",
		"SELECT t.table_name, c.column_name FROM information_schema.tables t JOIN information_schema.columns c ON t.table_schema = c.table_schema AND t.table_name = c.table_name WHERE t.table_schema = 'one' AND c.table_name = 'q' ORDER BY 2":                               "q\tid\nq\tp",
		"SELECT COUNT(*), COUNT(b.table_name) FROM information_schema.tables a LEFT JOIN information_schema.tables b ON a.table_name = b.table_name AND b.table_schema = 'two' WHERE a.table_schema IN ('one', 'information_schema') AND a.table_name IN ('q', 'p', 'columns')": "3\t2",
		"SELECT COUNT(*) > 5, COUNT(b.table_name) FROM information_schema.tables a LEFT JOIN information_schema.tables b ON a.table_schema = b.table_schema AND a.table_schema = 'two' AND a.table_name = b.table_name":                                                         "1\t3",
		"SELECT COUNT(*) > 5, COUNT(a.table_name) FROM information_schema.tables a RIGHT JOIN information_schema.tables b ON a.table_schema = b.table_schema AND b.table_schema = 'two' AND a.table_name = b.table_name":                                                        "1\t3",
		"SELECT COUNT(*) FROM information_schema.tables a LEFT JOIN information_schema.tables b USING (table_schema, table_name) WHERE b.table_schema = 'two'":                                                                                                                  "3",
		"SELECT table_name FROM information_schema.tables WHERE table_schema = (SELECT DATABASE()) AND table_name = 'q'":                                                                                                                                                        "q",
		"SELECT table_name FROM information_schema.tables WHERE LOWER(table_schema) = 'one' AND UPPER(table_name) = 'Q'":                                                                                                                                                        "q",
		"SELECT table_schema FROM information_schema.tables WHERE table_schema LIKE 't_o' AND table_name LIKE 'q%'":                                                                                                                                                             "two",
		"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema NOT LIKE 'o%' AND table_name = 'q'":                                                                                                                                                                  "2",
		"SELECT COUNT(*) FROM (SELECT * FROM information_schema.statistics WHERE table_schema = 'one') x":                                                                                                                                                                       "3",
		"SELECT s.schema_name, (SELECT COUNT(*) FROM information_schema.tables t WHERE t.table_schema = s.schema_name) FROM information_schema.schemata s WHERE s.schema_name IN ('one', 'two') ORDER BY 1":                                                                     "one\t3\ntwo\t3",
		"SELECT s.schema_name FROM information_schema.schemata s WHERE NOT EXISTS (SELECT 1 FROM information_schema.tables t WHERE t.table_schema = s.schema_name AND s.schema_name = 'one') AND s.schema_name <> 'two' AND s.schema_name LIKE 't%'":                            "thrée",
		"WITH w AS (SELECT table_name FROM information_schema.tables WHERE table_schema = 'one') SELECT COUNT(*) FROM w":                                                                                                                                                        "3",
		"SELECT EXISTS (SELECT * FROM information_schema.statistics WHERE table_schema = 'one' AND index_name = 'p')":                                                                                                                                                           "0",
	} {
		t.Run(query, func(t *testing.T) {
			st, _, err := c.s.Parse(query)
			if err != nil {
				t.Fatal(err)
			}
			c.query(query, want)
			st.scope = nil
			a, err := c.run(st, nil)
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(a.String()) != want {
				t.Errorf("without a scope: %q, want %q", a.String(), want)
			}
		})
	}
	st, err := c.s.Prepare(t.Context(), "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ?")
	if err != nil {
		t.Fatal(err)
	}
	if st.scope == nil {
		t.Fatal("a placeholder gives no scope")
	}
	for schema, want := range map[string]string{"one": "3", "none": "0"} {
		if a, err := c.run(st, []any{schema}); err != nil || strings.TrimSpace(a.String()) != want {
			t.Errorf("%s: %v %v", schema, a, err)
		}
	}
}

// A scope spares the definitions of what it leaves out.
func TestInfoScopeReadsLittle(t *testing.T) {
	c := newServer(t).client()
	for _, text := range []string{
		"SELECT * FROM information_schema.columns WHERE table_schema = 'a' AND table_name = 'b'",
		"SELECT * FROM information_schema.tables t JOIN information_schema.columns c ON 1 WHERE t.table_schema = 'a' AND c.table_schema = 'a'",
	} {
		st, _, err := c.s.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		c.s.cur = &execution{st: st}
		if !c.s.hasSchema("A") || c.s.hasSchema("b") {
			t.Errorf("scope of %s: %+v", text, st.scope)
		}
		if c.s.hasTable("x") == (st.scope.tables != nil) {
			t.Errorf("tables in scope of %s: %+v", text, st.scope)
		}
		c.s.cur = nil
	}
}
