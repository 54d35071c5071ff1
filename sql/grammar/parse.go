package grammar

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
)

// What every text and every tree goes through.

// KeepBody takes a view's query from the text that was parsed: the tree has positions only, and the library looks for them in the text that it was given.
func KeepBody(st sqlparser.Statement, parsed string) {
	d, ok := st.(*sqlparser.DDL)
	if ok && d.ViewSpec != nil && d.SubStatementStr == "" && d.SubStatementPositionEnd > 0 && d.SubStatementPositionEnd <= len(parsed) {
		d.SubStatementStr = parsed[d.SubStatementPositionStart:d.SubStatementPositionEnd]
	}
}

// Respell gives a tree the forms that the library takes for what MySQL's grammar means.
func Respell(st sqlparser.Statement, text string, mode lexer.Mode) {
	likeExactly(st, text)
	concatAll(st)
	operandsAlone(st)
	invertBits(st)
	joinLists(st)
	collateLast(st, text)
	defaultCalls(st, text)
	nameOrdinals(st)
	havingItems(st)
	nameLiterals(st)
	namePartitions(st)
	keyColumns(st)
	markInvisible(st, text, mode)
}

// Insertion is a byte that the library's lexer has to see before another, for it to read what MySQL reads.
type Insertion struct {
	at   int
	what byte
}

// Insert puts bytes into a text.
func Insert(text string, more []Insertion) string {
	if len(more) == 0 {
		return text
	}
	var b strings.Builder
	last := 0
	for _, m := range more {
		b.WriteString(text[last:m.at])
		b.WriteByte(m.what)
		last = m.at
	}
	b.WriteString(text[last:])
	return b.String()
}

// Insertions finds where the library's lexer differs from MySQL's: it drops the backslash of \% and \_ in strings, which MySQL keeps for LIKE, unless it is doubled, and takes
// -- for a comment without the blank behind it.
func Insertions(text string, mode lexer.Mode) (more []Insertion) {
	escapes := mode&lexer.NoBackslashEscapes == 0 && (strings.Contains(text, `\%`) || strings.Contains(text, `\_`))
	if !escapes && !strings.Contains(text, "--") {
		return nil
	}
	l := lexer.Lexer{Src: []byte(text), Mode: mode}
	for {
		t := l.Next()
		switch {
		case t.Kind == lexer.EOF || t.Kind == lexer.Bad:
			return more
		case t.Kind == lexer.Op && text[t.Start:t.End] == "-" && strings.HasPrefix(text[t.End:], "-"):
			more = append(more, Insertion{t.End, ' '})
		case t.Kind == lexer.String && escapes:
			for i := t.Start; i < t.End-1; i++ {
				if text[i] != '\\' {
					continue
				}
				if c := text[i+1]; c == '%' || c == '_' {
					more = append(more, Insertion{i, '\\'})
				}
				i++
			}
		}
	}
}

// concatAll makes one argument of GROUP_CONCAT's: the library looks at the first only.
func concatAll(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) {
		if g, ok := n.(*sqlparser.GroupConcatExpr); ok && g != nil && len(g.Exprs) > 1 {
			all := &sqlparser.FuncExpr{Name: sqlparser.NewColIdent("concat"), Exprs: g.Exprs}
			g.Exprs = sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: all}}
		}
		return true, nil
	}, node)
}

// MaxTokens bounds how much of a statement is cut for recognition: own statements are short, an INSERT of megabytes is not.
const MaxTokens = 1 << 10

func LexMode(o sqlparser.ParserOptions) lexer.Mode {
	if o.AnsiQuotes {
		return lexer.AnsiQuotes
	}
	return 0
}

// BeforeInsertion is where a position in a text with insertions was without them.
func BeforeInsertion(n int, more []Insertion) int {
	for i := len(more) - 1; i >= 0; i-- { // more[i] is behind i more bytes
		if n > more[i].at+i {
			n--
		}
	}
	return n
}
