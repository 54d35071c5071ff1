package grammar

import (
	"context"
	"slices"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
)

// maxQuotedNames bounds the names that are quoted in one text: each costs a parse or two.
const maxQuotedNames = 64

// ParseAgain parses a text that the library's grammar has refused, with err: in the forms of parseForms, and those with operators in parentheses. parsed is the text that was parsed.
func ParseAgain(ctx context.Context, text string, o sqlparser.ParserOptions, err error) (st sqlparser.Statement, parsed string, _ error) {
	st, parsed, err = parseForms(ctx, text, o, err)
	if err == nil {
		return st, parsed, nil
	}
	grouped, changed := groupOperators(text, o)
	if !changed {
		return nil, text, err
	}
	st, err2 := sqlparser.ParseWithOptions(ctx, grouped, o)
	if err2 == nil {
		return st, grouped, nil
	}
	if st, parsed, err2 = parseForms(ctx, grouped, o, err2); err2 != nil {
		return nil, text, err
	}
	return st, parsed, nil
}

// parseForms parses a refused text in the form that Rewrite gives it, and with quoted names. err is the grammar's of that form that came farthest.
func parseForms(ctx context.Context, text string, o sqlparser.ParserOptions, err error) (st sqlparser.Statement, parsed string, _ error) {
	again, changed := Rewrite(text, LexMode(o))
	if changed {
		if st, err2 := sqlparser.ParseWithOptions(ctx, again, o); err2 == nil {
			return st, again, nil
		} else if st, parsed, err2 := quoteKeywords(ctx, again, o, err2); err2 == nil {
			return st, parsed, nil
		}
	}
	st, parsed, err2 := quoteKeywords(ctx, text, o, err)
	if err2 != nil {
		return nil, text, err
	}
	return st, parsed, nil
}

// quoteKeywords parses a text in which keywords stand that are names: MySQL reserves fewer words than the library's grammar, and no word behind a dot. The word at
// which the grammar gives up, or the one before, if it took that for the keyword, is such a name if the grammar comes farther when it is quoted.
func quoteKeywords(ctx context.Context, text string, o sqlparser.ParserOptions, err error) (sqlparser.Statement, string, error) {
	w := &rewriter{t: lexer.NewCursor(text, LexMode(o), MaxTokens), skip: map[int]bool{}, with: map[int]string{}}
	for built := text; len(w.with) < maxQuotedNames; {
		failed := errorPosition(err.Error())
		if failed < 0 {
			break
		}
		begin := failedToken(built, failed-1)
		tokens := lexer.NewCursor(built, LexMode(o), MaxTokens).Tokens // as many as there were: only quotes have been added
		at := slices.IndexFunc(tokens, func(k lexer.Token) bool { return k.Start >= begin })
		if at < 0 {
			at = len(tokens)
		}
		farther := false
		for i := at; i >= max(at-1, 0) && !farther; i-- {
			if w.with[i] != "" || w.t.Kind(i) != lexer.Word || lexer.Reserved([]byte(w.t.Word(i))) && w.t.At(i-1) != "." {
				continue
			}
			w.put(i, "`"+w.t.At(i)+"`")
			built = w.build()
			_, err2 := sqlparser.ParseWithOptions(ctx, built, o)
			if err2 == nil {
				w.nameItems()
				built = w.build()
				st, err := sqlparser.ParseWithOptions(ctx, built, o)
				return st, built, err
			}
			if farther = errorPosition(err2.Error()) > failed+2; farther { // beyond the quotes
				err = err2
			} else {
				delete(w.with, i)
			}
		}
		if !farther {
			break
		}
	}
	return nil, text, err
}
