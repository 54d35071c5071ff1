package general

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// PARTITION BY clauses: read, shown again, and listed in information_schema. partfunc.go gives them meaning.

// partitioning is a PARTITION BY clause.
type partitioning struct {
	method, expr string // RANGE, LIST, HASH, KEY, LINEAR HASH ..., with COLUMNS; what stands in the parentheses
	count        int    // PARTITIONS n
	parts        []partitionDef
	tokens       int // of the clause: something else may follow
}

type partitionDef struct{ name, values, comment string }

// partitionClause finds the PARTITION BY of a CREATE TABLE: "" when there is none.
func partitionClause(text string, mode lexer.Mode) (string, error) {
	if !strings.Contains(strings.ToUpper(text), "PARTITION") {
		return "", nil
	}
	t := lexer.NewCursor(lexer.PlainComments(text), mode, 1<<20)
	depth := 0
	for ; !t.End(); t.Pos++ {
		switch t.At(0) {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth == 0 && t.Word(0) == "PARTITION" && t.Word(1) == "BY" {
			p := parsePartitioning(t.Rest())
			if p == nil {
				return "", unreadable(t)
			}
			return t.Span(t.Pos, t.Pos+p.tokens), nil
		}
	}
	return "", nil
}

// unreadable says what is wrong with a PARTITION BY.
func unreadable(t *lexer.Cursor) error {
	for i := range t.Tokens[t.Pos:] {
		switch {
		case t.Word(i) == "SUBPARTITION":
			return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "SUBPARTITION")
		case t.Word(i) == "PARTITIONS" && strings.Trim(t.At(i+1), "0") == "" && t.At(i+1) != "":
			return mysqlerr.New(mysqlerr.ER_NO_PARTS_ERROR, "partitions")
		case t.Word(i) == "PARTITIONS" && len(t.At(i+1)) > 4:
			return mysqlerr.NewMessage(1499, "Too many partitions (including subpartitions) were defined")
		}
	}
	return mysqlerr.Syntax(t.Rest(), 0)
}

// removesPartitions reports whether an ALTER TABLE says REMOVE PARTITIONING.
func removesPartitions(text string) bool {
	t := lexer.NewCursor(text, 0, maxTokens)
	for ; !t.End(); t.Pos++ {
		if t.Word(0) == "REMOVE" && t.Word(1) == "PARTITIONING" {
			return true
		}
	}
	return false
}

// parsePartitioning parses a clause; nil where it is not one.
func parsePartitioning(clause string) *partitioning {
	t := lexer.NewCursor(clause, 0, 1<<20)
	if !t.Accept("PARTITION", "BY") {
		return nil
	}
	p := &partitioning{}
	if t.Accept("LINEAR") {
		p.method = "LINEAR "
	}
	switch w := t.Word(0); w {
	case "RANGE", "LIST", "HASH", "KEY":
		p.method += w
		t.Pos++
	default:
		return nil
	}
	if t.Accept("COLUMNS") {
		p.method += "  COLUMNS" // two blanks, as MySQL prints it
	}
	if t.Accept("ALGORITHM", "=") {
		t.Pos++
	}
	var ok bool
	if p.expr, ok = parenthesis(t); !ok {
		return nil
	}
	if t.Accept("PARTITIONS") {
		n, err := strconv.Atoi(t.At(0))
		if err != nil || n < 1 || n > 8192 {
			return nil
		}
		p.count = n
		t.Pos++
	}
	if t.Word(0) == "SUBPARTITION" {
		return nil
	}
	if p.tokens = t.Pos; t.At(0) != "(" || t.Word(1) != "PARTITION" {
		return p
	}
	t.Pos++
	for t.Accept("PARTITION") {
		d := partitionDef{}
		if d.name, ok = t.Name(); !ok {
			return nil
		}
		if t.Accept("VALUES") {
			switch {
			case t.Accept("LESS", "THAN", "MAXVALUE"):
				d.values = "LESS THAN MAXVALUE"
			case t.Accept("LESS", "THAN"):
				v, ok := parenthesis(t)
				if !ok {
					return nil
				}
				d.values = "LESS THAN (" + v + ")"
			case t.Accept("IN"):
				v, ok := parenthesis(t)
				if !ok {
					return nil
				}
				d.values = "IN (" + v + ")"
			}
		}
		for depth := 0; !t.End() && (depth > 0 || t.At(0) != "," && t.At(0) != ")"); t.Pos++ {
			switch {
			case t.At(0) == "(":
				depth++
			case t.At(0) == ")":
				depth--
			case t.Word(0) == "COMMENT" && depth == 0:
				if t.At(1) == "=" {
					t.Pos++
				}
				d.comment = lexer.Unquote(t.At(1))
				t.Pos++
			}
		}
		p.parts = append(p.parts, d)
		if !t.Accept(",") {
			break
		}
	}
	if !t.Accept(")") {
		return nil
	}
	p.tokens = t.Pos
	return p
}

// parenthesis reads ( ... ) and returns what is within.
func parenthesis(t *lexer.Cursor) (string, bool) {
	if t.At(0) != "(" {
		return "", false
	}
	depth, from := 0, t.Pos
	for ; !t.End(); t.Pos++ {
		switch t.At(0) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				text := strings.TrimSpace(t.Src[t.Tokens[from].End:t.Tokens[t.Pos].Start])
				t.Pos++
				return text, true
			}
		}
	}
	return "", false
}

// text is the clause as SHOW CREATE TABLE prints it.
func (p *partitioning) text() string {
	version := "50100"
	if strings.Contains(p.method, "COLUMNS") {
		version = "50500"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n/*!%s PARTITION BY %s (%s)", version, p.method, p.shownExpr())
	if p.count > 0 && len(p.parts) == 0 {
		fmt.Fprintf(&b, "\nPARTITIONS %d", p.count)
	}
	for i, d := range p.parts {
		b.WriteString(map[bool]string{true: "\n(", false: ",\n "}[i == 0] + "PARTITION " + d.name)
		if d.values != "" {
			b.WriteString(" VALUES " + d.values)
		}
		if d.comment != "" {
			b.WriteString(" COMMENT = " + sqltext.Literal(d.comment))
		}
		b.WriteString(" ENGINE = InnoDB")
	}
	if len(p.parts) > 0 {
		b.WriteString(")")
	}
	return b.String() + " */"
}

// shownExpr is what the rows are divided by: an expression as MySQL's dictionary has it, which names no table, since that may be renamed, and lists of
// columns as they were written.
func (p *partitioning) shownExpr() string {
	if strings.Contains(p.method, "COLUMNS") || strings.Contains(p.method, "KEY") {
		return p.expr
	}
	st, err := sqlparser.Parse("SELECT " + p.expr)
	if err != nil {
		return p.expr
	}
	if sel, ok := st.(*sqlparser.Select); ok && len(sel.SelectExprs) == 1 {
		if e, ok := sel.SelectExprs[0].(*sqlparser.AliasedExpr); ok {
			return sqltext.Style{}.Expr(e.Expr)
		}
	}
	return p.expr
}

// clause is the clause as CREATE TABLE takes it.
func (p *partitioning) clause() string {
	text := strings.TrimSuffix(p.text(), " */")
	_, text, _ = strings.Cut(text, " ")
	return text
}

// names lists the partitions.
func (p *partitioning) names() []partitionDef {
	if len(p.parts) > 0 {
		return p.parts
	}
	out := make([]partitionDef, max(p.count, 1))
	for i := range out {
		out[i].name = fmt.Sprintf("p%d", i)
	}
	return out
}

// partitionsTable is information_schema.PARTITIONS.
func partitionsTable(e *Engine) *ownTable {
	return &ownTable{name: "PARTITIONS", schema: infoColumns("PARTITIONS", "TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "PARTITION_NAME", "SUBPARTITION_NAME",
		"#PARTITION_ORDINAL_POSITION", "#SUBPARTITION_ORDINAL_POSITION", "PARTITION_METHOD", "SUBPARTITION_METHOD", "PARTITION_EXPRESSION",
		"SUBPARTITION_EXPRESSION", "PARTITION_DESCRIPTION", "#TABLE_ROWS", "#AVG_ROW_LENGTH", "#DATA_LENGTH", "#MAX_DATA_LENGTH", "#INDEX_LENGTH", "#DATA_FREE",
		"@CREATE_TIME", "@UPDATE_TIME", "@CHECK_TIME", "#CHECKSUM", "PARTITION_COMMENT", "NODEGROUP", "TABLESPACE_NAME"),
		rows: func(ctx *sql.Context) ([]sql.Row, error) { return e.partitionRows(ctx) }}
}

func (e *Engine) partitionRows(ctx *sql.Context) ([]sql.Row, error) {
	var out []sql.Row
	for _, db := range e.gms.Analyzer.Catalog.AllDatabases(ctx) {
		if systemSchema(db.Name()) {
			continue
		}
		names, err := db.GetTableNames(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			d, err := e.catalog.Definition(ctx, db.Name(), name)
			if err != nil {
				if skipMissing(err) == nil {
					continue
				}
				return nil, err
			}
			out = append(out, e.partitionsOf(ctx, d)...)
		}
	}
	return out, nil
}

// partitionSize is how many rows a partition has, their average length, and the bytes of rows and of indexes: estimates.
func (e *Engine) partitionSize(ctx *sql.Context, d *table.Def, r partRef) (rows, average, data, index any) {
	none := uint64(0)
	s := sessionOf(ctx)
	if s == nil || s.cur == nil || s.cur.stmt == nil {
		return none, none, none, none
	}
	z, err := s.cur.sizes(ctx, d.Schema, treeName(d.Name, r.Tree))
	if err != nil {
		return none, none, none, none
	}
	return z.rows, z.average(), z.data, z.index
}

func (e *Engine) partitionsOf(ctx *sql.Context, d *table.Def) []sql.Row {
	row := func() sql.Row {
		return sql.Row{"def", d.Schema, d.Name, nil, nil, nil, nil, nil, nil, nil, nil, nil, uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0),
			d.Created.UTC().Truncate(1e9), nil, nil, nil, "", nil, nil}
	}
	m, err := e.metas.get(ctx, d)
	if err != nil || m.attrs.PartSQL == "" {
		return []sql.Row{row()}
	}
	p := parsePartitioning(m.attrs.PartSQL)
	if p == nil {
		return []sql.Row{row()}
	}
	var out []sql.Row
	for i, part := range p.names() {
		r := row()
		if i < len(m.attrs.Parts) {
			r[12], r[13], r[14], r[16] = e.partitionSize(ctx, d, m.attrs.Parts[i])
		}
		r[3], r[5], r[7], r[9], r[22] = part.name, uint64(i+1), strings.ReplaceAll(p.method, "  ", " "), p.shownExpr(), part.comment
		if v := strings.TrimPrefix(strings.TrimPrefix(part.values, "LESS THAN "), "IN "); v != "" {
			r[11] = strings.TrimSuffix(strings.TrimPrefix(v, "("), ")")
		}
		out = append(out, r)
	}
	return out
}
