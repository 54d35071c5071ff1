package builtin

import (
	"encoding/hex"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/perfschema"
)

// Digests of statements, and what sys's views shorten statements with.

func init() {
	for name, f := range map[string]func(text string) any{
		"statement_digest_text": func(text string) any { return string(digestText(text)) },
		"statement_digest": func(text string) any {
			h := perfschema.Sum(digestText(text))
			return hex.EncodeToString(h[:])
		},
		"zorya_format_statement": func(text string) any { return shortStatement(text) },
	} {
		plainFunction(name, 1, types.LongText, func(c *sql.Context, v []any) (any, error) {
			s, _, err := types.LongText.Convert(c, v[0])
			if err != nil {
				return nil, err
			}
			text, _ := datum.Text(s)
			return f(text), nil
		})
	}
}

func digestText(text string) []byte {
	return perfschema.Text(nil, []byte(text), lexer.Mode(0), perfschema.MaxText)
}

// statementLength is sys's option statement_truncate_len, in characters.
const statementLength = 64

// shortStatement is sys.format_statement: the text's ends, when it is long.
func shortStatement(text string) string {
	text = strings.ReplaceAll(text, "\n", " ")
	r := []rune(text)
	if len(r) <= statementLength {
		return text
	}
	part := (statementLength - len(" ... ")) / 2
	return string(r[:part]) + " ... " + string(r[len(r)-part:])
}
