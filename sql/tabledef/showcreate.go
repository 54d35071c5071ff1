package tabledef

import (
	"cmp"
	"fmt"
	"sort"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// CreateText is SHOW CREATE TABLE as MySQL 8.0 prints it. ALTER TABLE parses it back: what is not in this text does not
// survive an ALTER. autoInc is the counter's next value, 0 to leave it out. Numbers as defaults are quoted for people, as MySQL
// does, and not for the library.
func (m *Table) CreateText(name string, temporary bool, autoInc uint64, quoted bool) string {
	var parts []string
	for i, c := range m.Schema {
		if !c.HiddenSystem {
			parts = append(parts, "  "+m.ColumnText(i, quoted))
		}
	}
	for i := range m.Def.Indexes {
		if text := m.indexText(i); text != "" {
			parts = append(parts, "  "+text)
		}
	}
	fks := append([]ForeignKey(nil), m.Attrs.FKs...)
	sort.SliceStable(fks, func(i, j int) bool { return fks[i].Name < fks[j].Name })
	for i := range fks {
		parts = append(parts, "  "+fks[i].Text(m.Def.Schema))
	}
	for _, c := range m.Attrs.Checks {
		text := fmt.Sprintf("  CONSTRAINT %s CHECK (%s)", sqltext.Quote(c.Name), c.Expr)
		if c.NotEnforced {
			text += " /*!80016 NOT ENFORCED */"
		}
		parts = append(parts, text)
	}
	var b strings.Builder
	b.WriteString("CREATE ")
	if temporary {
		b.WriteString("TEMPORARY ")
	}
	fmt.Fprintf(&b, "TABLE %s (\n%s\n) ENGINE=InnoDB", sqltext.Quote(name), strings.Join(parts, ",\n"))
	if autoInc > 1 {
		fmt.Fprintf(&b, " AUTO_INCREMENT=%d", autoInc)
	}
	c := sql.CollationID(m.Attrs.Collation)
	fmt.Fprintf(&b, " DEFAULT CHARSET=%s", c.CharacterSet().Name())
	if c != c.CharacterSet().DefaultCollation() || c.CharacterSet().Name() == "utf8mb4" {
		fmt.Fprintf(&b, " COLLATE=%s", c.Name())
	}
	for _, k := range sortedKeys(m.Attrs.Options) {
		fmt.Fprintf(&b, " %s=%s", k, m.Attrs.Options[k])
	}
	if m.Attrs.Comment != "" {
		b.WriteString(" COMMENT=" + sqltext.Literal(m.Attrs.Comment))
	}
	if m.Attrs.PartSQL != "" {
		if p := grammar.ParsePartitioning(m.Attrs.PartSQL); p != nil {
			b.WriteString(p.Text())
		}
	}
	if quoted {
		return grammar.JSONValueText(b.String())
	}
	return b.String()
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// ColumnText is a column's line of SHOW CREATE TABLE.
func (m *Table) ColumnText(i int, quoted bool) string {
	c, a := m.Schema[i], &m.Columns[i]
	table := sql.CollationID(m.Attrs.Collation)
	var b strings.Builder
	b.WriteString(sqltext.Quote(c.Name) + " " + m.Declared(i, table))
	if a.Generated != "" {
		kind := "STORED"
		if c.Virtual {
			kind = "VIRTUAL"
		}
		fmt.Fprintf(&b, " GENERATED ALWAYS AS %s %s", Parenthesized(a.Generated), kind)
	}
	switch {
	case !c.Nullable:
		b.WriteString(" NOT NULL")
	case types.IsTimestampType(c.Type) && a.Generated == "":
		b.WriteString(" NULL")
	}
	if srid, ok := SpatialRef(c.Type); ok {
		fmt.Fprintf(&b, " /*!80003 SRID %d */", srid)
	}
	switch {
	case a.Default != "" && quoted:
		b.WriteString(" DEFAULT " + quotedDefault(a))
	case a.Default != "":
		b.WriteString(" DEFAULT " + a.Default)
	case !quoted: // the library takes DEFAULT NULL amiss when the column joins a primary key
	case c.Nullable && a.Generated == "" && !types.IsTextBlob(c.Type) && !datum.Spatial(c.Type) && !types.IsJSON(c.Type),
		c.Nullable && a.Generated == "" && types.IsJSON(c.Type):
		b.WriteString(" DEFAULT NULL")
	}
	if a.OnUpdate != "" {
		b.WriteString(" ON UPDATE " + a.OnUpdate)
	}
	if c.AutoIncrement {
		b.WriteString(" AUTO_INCREMENT")
	}
	if a.Invisible {
		b.WriteString(" /*!80023 INVISIBLE */")
	}
	if a.Comment != "" {
		b.WriteString(" COMMENT " + sqltext.Literal(a.Comment))
	}
	return b.String()
}

func quotedDefault(a *Column) string {
	if c := a.Default[0]; a.Literal && (c >= '0' && c <= '9' || c == '-' || c == '.') && !strings.HasPrefix(a.Default, "0x") {
		return "'" + a.Default + "'"
	}
	return a.Default
}

// Parenthesized is s with parentheses around it, its own if it has them.
func Parenthesized(s string) string {
	if strings.HasPrefix(s, "(") && Closes(s) {
		return s
	}
	return "(" + s + ")"
}

// Closes reports whether the parenthesis that opens s is closed by its last byte.
func Closes(s string) bool {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\'', '"', '`':
			i = lexer.AfterQuote([]byte(s), i) - 1
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i == len(s)-1
			}
		}
	}
	return false
}

// displayType is a column's type as MySQL shows it in a table of the collation.
func displayType(t sql.Type, table sql.CollationID) string {
	if _, ok := t.(types.GeomCollType); ok {
		return "geomcollection"
	}
	ct, ok := t.(sql.TypeWithCollation)
	if !ok || types.IsBinaryType(t) {
		return t.String()
	}
	c := ct.Collation()
	text := ct.StringWithTableCollation(c) // without any collation
	if i := strings.Index(text, " CHARACTER SET "); i >= 0 && !types.IsEnum(t) && !types.IsSet(t) {
		text = text[:i]
	}
	if c == table || c == sql.Collation_Unspecified {
		return text
	}
	if c.CharacterSet() != table.CharacterSet() {
		text += " CHARACTER SET " + c.CharacterSet().Name()
	}
	if c != c.CharacterSet().DefaultCollation() || c.CharacterSet() == table.CharacterSet() || c.CharacterSet().Name() == "utf8mb4" {
		text += " COLLATE " + c.Name()
	}
	return text
}

// Declared is a column's type as definitions show it. Numbers that are filled with zeros show to what width.
func (m *Table) Declared(i int, table sql.CollationID) string {
	return m.Columns[i].Declared(m.Schema[i].Type, table)
}

// Declared is the type of a column whose type to the library is t, in a table of the collation.
func (a *Column) Declared(t sql.Type, table sql.CollationID) string {
	kind := cmp.Or(a.Decl, displayType(t, table))
	if a.Zerofill == 0 {
		return kind
	}
	if word, isUnsigned := strings.CutSuffix(kind, " unsigned"); isUnsigned && !strings.Contains(word, "(") && !types.IsFloat(t) {
		kind = fmt.Sprintf("%s(%d) unsigned", word, a.Zerofill)
	}
	return kind + " zerofill"
}

func (m *Table) indexText(i int) string {
	ix, a := &m.Def.Indexes[i], &m.Indexes[i]
	if ix.Hidden {
		return ""
	}
	cols := make([]string, len(ix.Parts))
	for j, p := range ix.Parts {
		c := m.Schema[p.Column]
		if c.HiddenSystem {
			cols[j] = Parenthesized(ArrayText(m.Columns[p.Column].Generated))
		} else {
			cols[j] = sqltext.Quote(c.Name)
		}
		if p.Prefix > 0 && !a.Fulltext && !a.Spatial {
			cols[j] += fmt.Sprintf("(%d)", p.Prefix)
		}
		if p.Desc {
			cols[j] += " DESC"
		}
	}
	var text string
	switch {
	case ix.Primary:
		text = "PRIMARY KEY"
	case a.Fulltext:
		text = "FULLTEXT KEY " + sqltext.Quote(ix.Name)
	case a.Spatial:
		text = "SPATIAL KEY " + sqltext.Quote(ix.Name)
	case ix.Unique:
		text = "UNIQUE KEY " + sqltext.Quote(ix.Name)
	default:
		text = "KEY " + sqltext.Quote(ix.Name)
	}
	text += " (" + strings.Join(cols, ",") + ")"
	switch {
	case a.BTree:
		text += " USING BTREE"
	case a.Hash:
		text += " USING HASH"
	}
	if a.NGram {
		text += " /*!50100 WITH PARSER `ngram` */ " // a blank follows in MySQL too
	}
	if a.Comment != "" {
		text += " COMMENT " + sqltext.Literal(a.Comment)
	}
	if a.Invisible {
		text += " /*!80000 INVISIBLE */"
	}
	return text
}

// Text is the key's line of SHOW CREATE TABLE in a database.
func (f *ForeignKey) Text(schema string) string {
	parent := sqltext.Quote(f.ParentTable)
	if f.ParentSchema != schema {
		parent = sqltext.Quote(f.ParentSchema) + "." + parent
	}
	text := fmt.Sprintf("CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s (%s)", sqltext.Quote(f.Name), QuoteNames(f.Columns), parent,
		QuoteNames(f.ParentColumns))
	if f.OnDelete != "" && f.OnDelete != "NO ACTION" {
		text += " ON DELETE " + f.OnDelete
	}
	if f.OnUpdate != "" && f.OnUpdate != "NO ACTION" {
		text += " ON UPDATE " + f.OnUpdate
	}
	return text
}

// QuoteNames lists names in backticks.
func QuoteNames(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = sqltext.Quote(n)
	}
	return strings.Join(out, ",")
}

// Unparenthesized is an expression without the parentheses around it.
func Unparenthesized(x sqlparser.Expr) sqlparser.Expr {
	for {
		p, ok := x.(*sqlparser.ParenExpr)
		if !ok {
			return x
		}
		x = p.Expr
	}
}

// Bare is an expression's text without the parentheses that a generated column's has.
func Bare(s string) string {
	if strings.HasPrefix(s, "(") && Closes(s) {
		s = s[1 : len(s)-1]
	}
	return s
}

// ArrayText is the text of a functional key part as MySQL shows it.
func ArrayText(text string) string {
	if !strings.HasPrefix(Bare(text), grammar.ArrayFunction+"(") {
		return text
	}
	st, err := sqlparser.Parse("SELECT " + text)
	if err != nil {
		return text
	}
	sel, ok := st.(*sqlparser.Select)
	if !ok || len(sel.SelectExprs) != 1 {
		return text
	}
	ae, ok := sel.SelectExprs[0].(*sqlparser.AliasedExpr)
	if !ok {
		return text
	}
	f, ok := Unparenthesized(ae.Expr).(*sqlparser.FuncExpr)
	if !ok || len(f.Exprs) != 3 {
		return text
	}
	of, ok1 := f.Exprs[0].(*sqlparser.AliasedExpr)
	kind, ok2 := f.Exprs[1].(*sqlparser.AliasedExpr)
	if !ok1 || !ok2 {
		return text
	}
	name, ok := textLiteral(kind.Expr)
	if !ok {
		return text
	}
	return "cast(" + sqltext.Style{Charset: "utf8mb4"}.Expr(of.Expr) + " as " + name + " array)"
}

// textLiteral is the value of a text, with an introducer or without.
func textLiteral(e sqlparser.Expr) (string, bool) {
	if u, ok := e.(*sqlparser.UnaryExpr); ok {
		e = u.Expr
	}
	v, ok := e.(*sqlparser.SQLVal)
	if !ok || v.Type != sqlparser.StrVal {
		return "", false
	}
	return string(v.Val), true
}
