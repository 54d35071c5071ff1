package general

import (
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
)

// showSelects are statements that MySQL, too, answers from information_schema; the library's own have other names of columns and another order.
var showSelects = map[string]string{
	"COLLATION": "SELECT * FROM (SELECT COLLATION_NAME AS `Collation`, CHARACTER_SET_NAME AS `Charset`, ID AS `Id`, IS_DEFAULT AS `Default`, IS_COMPILED AS `Compiled`, " +
		"SORTLEN AS `Sortlen`, PAD_ATTRIBUTE AS `Pad_attribute` FROM information_schema.COLLATIONS) AS collations",
	"CHARSET": "SELECT * FROM (SELECT CHARACTER_SET_NAME AS `Charset`, DESCRIPTION AS `Description`, DEFAULT_COLLATE_NAME AS `Default collation`, MAXLEN AS `Maxlen` " +
		"FROM information_schema.CHARACTER_SETS) AS charsets",
}

// showSelected answers SHOW what [LIKE 'pattern' | WHERE condition]; t stands behind what, of which first is the first column.
func (s *Session) showSelected(t *lexer.Cursor, what, first string) (*Statement, error) {
	text := showSelects[what]
	switch {
	case t.End():
	case t.Word(0) == "LIKE" && t.Pos+2 == len(t.Tokens):
		text += " WHERE `" + first + "` LIKE CONVERT(" + t.At(1) + " USING utf8mb4) COLLATE utf8mb4_general_ci" // whatever the connection's character set is
	case t.Word(0) == "WHERE":
		text += " " + t.Rest()
	default:
		return nil, s.wrong(t)
	}
	st, _, err := s.parseGMS(text+" ORDER BY `"+first+"`", "")
	if err == nil {
		st.Text = strings.TrimSpace(t.Src)
	}
	return st, err
}
