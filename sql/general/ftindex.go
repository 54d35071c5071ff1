package general

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/fulltext"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// FULLTEXT indexes as they are defined: their parser, and the configuration under which they are made.

// fulltextKinds gives the FULLTEXT indexes of a new definition the session's configuration. Those that an ALTER keeps have theirs back in keepIndexes.
func fulltextKinds(c *sql.Context, d *table.Def) error {
	number := func(name string, def int) int {
		if n, err := strconv.Atoi(sessionText(c, name)); err == nil {
			return n
		}
		return def
	}
	o := fulltext.Options{Min: number("innodb_ft_min_token_size", fulltext.Default.Min), Max: number("innodb_ft_max_token_size", fulltext.Default.Max),
		Stopwords: !slices.Contains([]string{"0", "OFF", "off", "false"}, sessionText(c, "innodb_ft_enable_stopword"))}
	listed := false
	for i := range d.Indexes {
		ix := &d.Indexes[i]
		if ix.Kind != fulltext.KindName {
			continue
		}
		if !listed && o.Stopwords {
			var err error
			if o.List, err = stopwordList(c); err != nil {
				return err
			}
			listed = true
		}
		var a tabledef.Index
		if err := tabledef.Decode(ix.Attrs, &a); err != nil {
			return err
		}
		own := o
		if a.NGram {
			own.NGram = number("ngram_token_size", 2)
		}
		ix.Kind = own.Kind()
		coll := d.Columns[ix.Parts[0].Column].Collation
		for _, p := range ix.Parts {
			if d.Columns[p.Column].Collation != coll {
				return mysqlerr.New(mysqlerr.ER_BAD_FT_COLUMN, d.Columns[p.Column].Name)
			}
		}
	}
	return nil
}

// stopwordList is the list that the session's or the server's variable names a table of, as db/table; empty: the default one. The index keeps the words that are there now.
func stopwordList(c *sql.Context) (string, error) {
	variable := "innodb_ft_user_stopword_table"
	named := sessionText(c, variable)
	if named == "" {
		variable = "innodb_ft_server_stopword_table"
		if named = sessionText(c, variable); named == "" {
			return "", nil
		}
	}
	wrong := mysqlerr.New(mysqlerr.ER_WRONG_VALUE_FOR_VAR, variable, named)
	schema, name, ok := strings.Cut(named, "/")
	x := executionOf(c)
	if !ok || x == nil {
		return "", wrong
	}
	t, err := x.openTable(c, schema, name)
	if err != nil {
		return "", wrong.Because(err)
	}
	at := slices.IndexFunc(t.Def().Columns, func(col table.Column) bool { return strings.EqualFold(col.Name, "value") })
	if at < 0 || t.Def().Columns[at].Class != row.Bytes {
		return "", wrong
	}
	cur, err := t.Scan(c, table.ScanOptions{Columns: []int{at}})
	if err != nil {
		return "", err
	}
	defer cur.Close()
	var words []string
	for bytes := 0; ; {
		ok, err := cur.Next(c)
		if err != nil || !ok {
			return fulltext.StopwordList(words), err
		}
		r := cur.Row()
		if bytes += len(r[at].B); bytes > fulltext.MostStopwords {
			return "", wrong
		}
		if !r[at].Null {
			words = append(words, string(r[at].B))
		}
	}
}

func stopwordTable(*Engine) *ownTable {
	return &ownTable{name: "INNODB_FT_DEFAULT_STOPWORD", schema: infoColumns("INNODB_FT_DEFAULT_STOPWORD", "value"), rows: func(*sql.Context) ([]sql.Row, error) {
		out := make([]sql.Row, len(fulltext.DefaultStopwords))
		for i, w := range fulltext.DefaultStopwords {
			out[i] = sql.Row{w}
		}
		return out, nil
	}}
}
