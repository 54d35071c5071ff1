package general

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/fulltext"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// search is a full-text query within a statement, and what the index says of its words.
type search struct {
	a       *fulltext.Analyzer
	q       *fulltext.Query
	rows    int // of the table
	t       table.Table
	index   int // in t.Def().Indexes
	columns []int
	counts  map[string][]uint32 // by ref: how often the row has each term. Dropped once ranked is known
	ranked  []foundRow          // by rank, then by ref
	done    bool                // ranked is known
}

// foundRow is a row that matches.
type foundRow struct {
	ref  table.Ref
	rank *float64 // nil: unknown
}

// entryRows gathers the rows that entries of an index lead to, each once.
type entryRows struct {
	limit int // of the rows; beyond it a scan is cheaper
	seen  map[string]bool
	rows  []foundRow
}

func newEntryRows(limit int) *entryRows { return &entryRows{limit: limit, seen: map[string]bool{}} }

// add takes the entry that the cursor is at. Its error is errMostRows.
func (f *entryRows) add(cur table.EntryCursor) error {
	if ref := string(cur.Ref()); !f.seen[ref] {
		f.seen[ref] = true
		f.rows = append(f.rows, foundRow{ref: table.Ref(ref)})
	}
	if len(f.rows) > f.limit {
		return errMostRows
	}
	return nil
}

// sorted are the rows in the table's order.
func (f *entryRows) sorted() []foundRow {
	slices.SortFunc(f.rows, func(a, b foundRow) int { return strings.Compare(string(a.ref), string(b.ref)) })
	return f.rows
}

// prepare finds the statement's search for a MATCH; r is the row at hand, of which the query does not depend.
func (m *match) prepare(c *sql.Context, r sql.Row) (*search, error) {
	x := executionOf(c)
	if x == nil {
		return nil, fmt.Errorf("MATCH is evaluated outside of a statement")
	}
	mode, err := m.ChildExpressions[0].Eval(c, r)
	if err != nil {
		return nil, err
	}
	against, err := m.ChildExpressions[1].Eval(c, r)
	if err != nil {
		return nil, err
	}
	text := ""
	if against != nil {
		text = displayAny(c, against)
	}
	var from [2]string
	var names []string
	for i, e := range m.ChildExpressions[2:] {
		gf, ok := e.(*expression.GetField)
		if !ok {
			return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "MATCH")
		}
		at := x.sourceOf(c, gf)
		if i > 0 && at != from {
			return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "MATCH")
		}
		from = at
		names = append(names, gf.Name())
	}
	key := strings.Join(append([]string{fmt.Sprint(mode), text, from[0], from[1]}, names...), "\x00")
	if have := x.searches[key]; have != nil {
		return have, nil
	}
	s, err := newSearch(c, x, from, names)
	if err == nil {
		err = s.ask(c, fmt.Sprint(mode), text)
	}
	if err != nil {
		return nil, err
	}
	if x.searches == nil {
		x.searches = map[string]*search{}
	}
	x.searches[key] = s
	return s, nil
}

func newSearch(c *sql.Context, x *execution, from [2]string, names []string) (*search, error) {
	t, err := x.openTable(c, from[0], from[1])
	if err != nil {
		return nil, err
	}
	m, err := x.s.e.metas.Get(c, t.Def())
	if err != nil {
		return nil, err
	}
	s := &search{t: t}
	if s.index, err = fulltextIndex(m, names); err != nil {
		return nil, err
	}
	ix := &t.Def().Indexes[s.index]
	o, ok := fulltext.ParseKind(ix.Kind)
	if !ok {
		return nil, fmt.Errorf("index %s is of the kind %q", ix.Name, ix.Kind)
	}
	for _, p := range ix.Parts {
		s.columns = append(s.columns, p.Column)
	}
	s.a = fulltext.NewAnalyzer(o, t.Def().Columns[s.columns[0]].Collation)
	s.rows, err = s.countRows(c)
	return s, err
}

// countedRows is the size up to which a table's rows are counted; beyond it relevance is computed with the engine's estimate.
const countedRows = 1000

func (s *search) countRows(c *sql.Context) (int, error) {
	n, err := s.t.Count(c)
	if err != nil || n > countedRows {
		return int(n), err
	}
	cur, err := s.t.Scan(c, table.ScanOptions{Columns: []int{}})
	if err != nil {
		return 0, err
	}
	defer cur.Close()
	rows := 0
	for {
		ok, err := cur.Next(c)
		if err != nil || !ok {
			return rows, err
		}
		rows++
	}
}

// ask reads the query and looks its words up.
func (s *search) ask(c *sql.Context, mode, text string) (err error) {
	if mode == "boolean" {
		var se *fulltext.SyntaxError
		if s.q, err = fulltext.Boolean(s.a, text); errors.As(err, &se) {
			return mysqlerr.NewMessage(mysqlerr.ER_PARSE_ERROR, "%s", se.Error()).Because(err)
		}
	} else {
		s.q = fulltext.Natural(s.a, text)
	}
	if err != nil {
		return err
	}
	if err := s.lookup(c, s.q.Terms); err != nil || mode != "expansion" {
		return err
	}
	found, err := s.find(c)
	if err != nil {
		return err
	}
	s.q = s.q.Expanded(func(yield func([]string)) {
		for i := range found {
			var tokens []string
			if tokens, err = s.tokens(c, found[i].ref); err != nil {
				return
			}
			yield(tokens)
		}
	})
	if err != nil {
		return err
	}
	s.ranked, s.done = nil, false
	return s.lookup(c, s.q.Terms)
}

// lookup counts the rows that have each of the terms, and notes them.
func (s *search) lookup(c *sql.Context, terms []*fulltext.Term) error {
	s.counts = map[string][]uint32{}
	for i, t := range terms {
		t.Docs = 0
		err := eachEntry(c, s.t, table.ScanOptions{Index: s.index, Range: entriesOf(t), Columns: []int{}, OwnWrites: true}, func(cur table.EntryCursor) error {
			e, err := cur.Entry()
			if err != nil {
				return err
			}
			t.Docs++
			ref := string(cur.Ref())
			n := s.counts[ref]
			if n == nil {
				n = make([]uint32, len(terms))
				s.counts[ref] = n
			}
			if n[i] == 0 { // of a prefix: the first word's
				n[i] = uint32(min(e[1].N, 1<<31))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// entriesOf is the range of a term's entries.
func entriesOf(t *fulltext.Term) table.Range {
	low := []row.Datum{row.FromBytes([]byte(t.Key))}
	if !t.Prefix {
		return table.Range{Low: low, High: low}
	}
	if next, ok := row.Successor(nil, []byte(t.Key)); ok {
		return table.Range{Low: low, High: []row.Datum{row.FromBytes(next)}, HighOpen: true}
	}
	return table.Range{Low: low}
}

// eachEntry walks a range of an index that has a kind.
func eachEntry(c *sql.Context, t table.Table, o table.ScanOptions, fn func(table.EntryCursor) error) error {
	cur, err := t.Scan(c, o)
	if err != nil {
		return err
	}
	defer cur.Close()
	ec, ok := cur.(table.EntryCursor)
	if !ok {
		return fmt.Errorf("index %s of %s.%s tells no entries", t.Def().Indexes[o.Index].Name, t.Def().Schema, t.Def().Name)
	}
	for {
		ok, err := cur.Next(c)
		if err != nil || !ok {
			return err
		}
		if err := fn(ec); err != nil {
			return err
		}
	}
}

// find ranks the rows that match, best first.
func (s *search) find(c *sql.Context) ([]foundRow, error) {
	if s.done {
		return s.ranked, nil
	}
	at := make(map[*fulltext.Term]int, len(s.q.Terms))
	for i, t := range s.q.Terms {
		at[t] = i
	}
	d := indexedDoc{s: s, c: c, at: at}
	for ref, n := range s.counts {
		d.ref, d.n, d.tokens = table.Ref(ref), n, nil
		rank, ok, err := s.q.Matches(&d, s.rows)
		if err != nil {
			return nil, err
		}
		if ok {
			s.ranked = append(s.ranked, foundRow{table.Ref(ref), &rank})
		}
	}
	slices.SortFunc(s.ranked, func(a, b foundRow) int {
		switch {
		case *a.rank > *b.rank:
			return -1
		case *a.rank < *b.rank:
			return 1
		}
		return strings.Compare(string(a.ref), string(b.ref))
	})
	s.done, s.counts = true, nil
	return s.ranked, nil
}

// indexedDoc is a row by what the index says of it.
type indexedDoc struct {
	s      *search
	c      *sql.Context
	ref    table.Ref
	n      []uint32
	at     map[*fulltext.Term]int
	tokens []string
}

func (d *indexedDoc) Count(t *fulltext.Term) int { return int(d.n[d.at[t]]) }

func (d *indexedDoc) Tokens() (_ []string, err error) {
	if d.tokens == nil {
		d.tokens, err = d.s.tokens(d.c, d.ref)
	}
	return d.tokens, err
}

// tokens are the words of a row, which may have gone since.
func (s *search) tokens(c *sql.Context, ref table.Ref) ([]string, error) {
	rt, ok := s.t.(table.RefTable)
	if !ok {
		return nil, fmt.Errorf("table %s.%s has no rows by reference", s.t.Def().Schema, s.t.Def().Name)
	}
	r, err := rt.Row(c, ref, s.columns, table.LockNone, table.Wait)
	if err != nil || r == nil {
		return nil, err
	}
	tokens := []string{}
	for _, col := range s.columns {
		if !r[col].Null {
			tokens = append(s.a.Tokens(tokens, string(r[col].B)), fulltext.Break)
		}
	}
	return tokens, nil
}

// locked are the rows that have a word that a row which matches has, locked as they are now.
func (s *search) locked(c *sql.Context, lock table.Lock, policy table.WaitPolicy) (out []foundRow, err error) {
	seen := map[string]bool{}
	for _, t := range s.q.Needs() {
		err := eachEntry(c, s.t, table.ScanOptions{Index: s.index, Range: entriesOf(t), Columns: []int{}, Lock: lock, Policy: policy}, func(cur table.EntryCursor) error {
			if ref := cur.Ref(); !seen[string(ref)] {
				seen[string(ref)] = true
				out = append(out, foundRow{ref: ref})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b foundRow) int { return strings.Compare(string(a.ref), string(b.ref)) })
	return out, nil
}
