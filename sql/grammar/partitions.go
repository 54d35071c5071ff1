package grammar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// PARTITION BY clauses, read and shown again, and the partitions that a statement names.

// Partitioning is a PARTITION BY clause.
type Partitioning struct {
	Method, Expr string // RANGE, LIST, HASH, KEY, LINEAR HASH ..., with COLUMNS; what stands in the parentheses
	Count        int    // PARTITIONS n
	Parts        []PartitionDef
	tokens       int // of the clause: something else may follow
}

type PartitionDef struct{ Name, Values, Comment string }

// PartitionClause finds the PARTITION BY of a CREATE TABLE: "" when there is none.
func PartitionClause(text string, mode lexer.Mode) (string, error) {
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
			p := ParsePartitioning(t.Rest())
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

// RemovesPartitions reports whether an ALTER TABLE says REMOVE PARTITIONING.
func RemovesPartitions(text string) bool {
	t := lexer.NewCursor(text, 0, MaxTokens)
	for ; !t.End(); t.Pos++ {
		if t.Word(0) == "REMOVE" && t.Word(1) == "PARTITIONING" {
			return true
		}
	}
	return false
}

// ParsePartitioning parses a clause; nil where it is not one.
func ParsePartitioning(clause string) *Partitioning {
	t := lexer.NewCursor(clause, 0, 1<<20)
	if !t.Accept("PARTITION", "BY") {
		return nil
	}
	p := &Partitioning{}
	if t.Accept("LINEAR") {
		p.Method = "LINEAR "
	}
	switch w := t.Word(0); w {
	case "RANGE", "LIST", "HASH", "KEY":
		p.Method += w
		t.Pos++
	default:
		return nil
	}
	if t.Accept("COLUMNS") {
		p.Method += "  COLUMNS" // two blanks, as MySQL prints it
	}
	if t.Accept("ALGORITHM", "=") {
		t.Pos++
	}
	var ok bool
	if p.Expr, ok = Parenthesis(t); !ok {
		return nil
	}
	if t.Accept("PARTITIONS") {
		n, err := strconv.Atoi(t.At(0))
		if err != nil || n < 1 || n > 8192 {
			return nil
		}
		p.Count = n
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
		d := PartitionDef{}
		if d.Name, ok = t.Name(); !ok {
			return nil
		}
		if t.Accept("VALUES") {
			switch {
			case t.Accept("LESS", "THAN", "MAXVALUE"):
				d.Values = "LESS THAN MAXVALUE"
			case t.Accept("LESS", "THAN"):
				v, ok := Parenthesis(t)
				if !ok {
					return nil
				}
				d.Values = "LESS THAN (" + v + ")"
			case t.Accept("IN"):
				v, ok := Parenthesis(t)
				if !ok {
					return nil
				}
				d.Values = "IN (" + v + ")"
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
				d.Comment = lexer.Unquote(t.At(1))
				t.Pos++
			}
		}
		p.Parts = append(p.Parts, d)
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

// Parenthesis reads ( ... ) and returns what is within.
func Parenthesis(t *lexer.Cursor) (string, bool) {
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

// Text is the clause as SHOW CREATE TABLE prints it.
func (p *Partitioning) Text() string {
	version := "50100"
	if strings.Contains(p.Method, "COLUMNS") {
		version = "50500"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n/*!%s PARTITION BY %s (%s)", version, p.Method, p.ShownExpr())
	if p.Count > 0 && len(p.Parts) == 0 {
		fmt.Fprintf(&b, "\nPARTITIONS %d", p.Count)
	}
	for i, d := range p.Parts {
		b.WriteString(map[bool]string{true: "\n(", false: ",\n "}[i == 0] + "PARTITION " + d.Name)
		if d.Values != "" {
			b.WriteString(" VALUES " + d.Values)
		}
		if d.Comment != "" {
			b.WriteString(" COMMENT = " + sqltext.Literal(d.Comment))
		}
		b.WriteString(" ENGINE = InnoDB")
	}
	if len(p.Parts) > 0 {
		b.WriteString(")")
	}
	return b.String() + " */"
}

// ShownExpr is what the rows are divided by: an expression as MySQL's dictionary has it, which names no table, since that may be renamed, and lists of
// columns as they were written.
func (p *Partitioning) ShownExpr() string {
	if strings.Contains(p.Method, "COLUMNS") || strings.Contains(p.Method, "KEY") {
		return p.Expr
	}
	st, err := sqlparser.Parse("SELECT " + p.Expr)
	if err != nil {
		return p.Expr
	}
	if sel, ok := st.(*sqlparser.Select); ok && len(sel.SelectExprs) == 1 {
		if e, ok := sel.SelectExprs[0].(*sqlparser.AliasedExpr); ok {
			return sqltext.Style{}.Expr(e.Expr)
		}
	}
	return p.Expr
}

// Clause is the clause as CREATE TABLE takes it.
func (p *Partitioning) Clause() string {
	text := strings.TrimSuffix(p.Text(), " */")
	_, text, _ = strings.Cut(text, " ")
	return text
}

// Names lists the partitions.
func (p *Partitioning) Names() []PartitionDef {
	if len(p.Parts) > 0 {
		return p.Parts
	}
	out := make([]PartitionDef, max(p.Count, 1))
	for i := range out {
		out[i].Name = fmt.Sprintf("p%d", i)
	}
	return out
}

// namePartitions moves the partitions that a statement names into the names of its tables, where database.find takes them from.
func namePartitions(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	mark := func(t sqlparser.TableName, list sqlparser.Partitions) sqlparser.TableName {
		names := make([]string, len(list))
		for i, p := range list {
			names[i] = p.String()
		}
		slices.Sort(names)
		t.Name = sqlparser.NewTableIdent(t.Name.String() + SelectMark + strings.Join(names, "\x00"))
		return t
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *sqlparser.AliasedTableExpr:
			if n != nil && len(n.Partitions) > 0 {
				if t, ok := n.Expr.(sqlparser.TableName); ok {
					if n.As.IsEmpty() {
						n.As = sqlparser.NewTableIdent(t.Name.String())
					}
					n.Expr, n.Partitions = mark(t, n.Partitions), nil
				}
			}
		case *sqlparser.Insert:
			if n != nil && len(n.Partitions) > 0 {
				n.Table, n.Partitions = mark(n.Table, n.Partitions), nil
			}
		case *sqlparser.Delete:
			if n != nil && len(n.Partitions) > 0 && len(n.TableExprs) == 1 {
				if a, ok := n.TableExprs[0].(*sqlparser.AliasedTableExpr); ok {
					if t, ok := a.Expr.(sqlparser.TableName); ok {
						if a.As.IsEmpty() {
							a.As = sqlparser.NewTableIdent(t.Name.String())
						}
						a.Expr, n.Partitions = mark(t, n.Partitions), nil
					}
				}
			}
		}
		return true, nil
	}, node)
}

const SelectMark = "#P#"

// Selection cuts the partitions that a statement names off a table's name (see namePartitions).
func Selection(name string) (string, []string) {
	base, list, ok := strings.Cut(name, SelectMark)
	if !ok {
		return name, nil
	}
	return base, strings.Split(list, "\x00")
}
