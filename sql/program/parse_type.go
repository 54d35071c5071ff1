package program

import (
	"github.com/zoryadb/zorya/sql/lexer"
)

// typeWords are the words that a type begins with, and whether a length or members may follow them.
var typeWords = map[string]bool{"BIT": true, "BOOL": false, "BOOLEAN": false, "TINYINT": true, "SMALLINT": true, "MEDIUMINT": true, "MIDDLEINT": true, "INT": true,
	"INTEGER": true, "BIGINT": true, "INT1": true, "INT2": true, "INT3": true, "INT4": true, "INT8": true, "REAL": true, "DOUBLE": true, "FLOAT": true, "FLOAT4": true,
	"FLOAT8": true, "DECIMAL": true, "NUMERIC": true, "DEC": true, "FIXED": true, "DATE": false, "TIME": true, "TIMESTAMP": true, "DATETIME": true, "YEAR": true,
	"CHAR": true, "CHARACTER": true, "NCHAR": true, "VARCHAR": true, "VARCHARACTER": true, "NVARCHAR": true, "NATIONAL": true, "BINARY": true, "VARBINARY": true,
	"TEXT": true, "TINYTEXT": false, "MEDIUMTEXT": false, "LONGTEXT": false, "LONG": false, "BLOB": true, "TINYBLOB": false, "MEDIUMBLOB": false, "LONGBLOB": false,
	"JSON": false, "ENUM": true, "SET": true, "GEOMETRY": false, "POINT": false, "LINESTRING": false, "POLYGON": false, "GEOMETRYCOLLECTION": false,
	"GEOMCOLLECTION": false, "MULTIPOINT": false, "MULTILINESTRING": false, "MULTIPOLYGON": false, "SERIAL": false}

// needLength are the types that are not one without their length.
var needLength = map[string]bool{"VARCHAR": true, "VARCHARACTER": true, "NVARCHAR": true, "VARYING": true, "VARBINARY": true, "ENUM": true, "SET": true}

// AcceptType goes past a type as variables, parameters and results of functions have it, with its character set and collation, and reports whether there is one.
// Where there is none the cursor stands at the token that is wrong.
func AcceptType(t *lexer.Cursor) bool {
	word := t.Word(0)
	sized, ok := typeWords[word]
	if !ok {
		return false
	}
	t.Pos++
	switch word {
	case "NATIONAL":
		if !t.Accept("VARCHAR") && !t.Accept("CHAR") && !t.Accept("CHARACTER") {
			return false
		}
		if word = t.Word(-1); t.Accept("VARYING") {
			word = "VARYING"
		}
	case "CHAR", "CHARACTER", "NCHAR":
		if t.Accept("VARYING") || word == "NCHAR" && t.Accept("VARCHAR") {
			word = "VARYING"
		}
	case "LONG":
		if !t.Accept("VARCHAR") && !t.Accept("VARBINARY") && t.Accept("CHAR") && !t.Accept("VARYING") {
			return false
		}
	case "DOUBLE":
		t.Accept("PRECISION")
	}
	if t.At(0) != "(" {
		return !needLength[word] && acceptAttributes(t)
	}
	if !sized {
		return false
	}
	for depth := 0; ; t.Pos++ {
		switch {
		case t.End():
			return false
		case t.At(0) == "(":
			depth++
		case t.At(0) == ")":
			depth--
		}
		if depth == 0 {
			t.Pos++
			return acceptAttributes(t)
		}
	}
}

// acceptAttributes goes past what may follow a type.
func acceptAttributes(t *lexer.Cursor) bool {
	for {
		switch {
		case t.Accept("SIGNED"), t.Accept("UNSIGNED"), t.Accept("ZEROFILL"), t.Accept("BINARY"), t.Accept("ASCII"), t.Accept("UNICODE"), t.Accept("BYTE"):
		case t.Accept("CHARACTER", "SET"), t.Accept("CHAR", "SET"), t.Accept("CHARSET"), t.Accept("COLLATE"):
			if k := t.Kind(0); k != lexer.Word && k != lexer.Quoted && k != lexer.String {
				return false
			}
			t.Pos++
		default:
			return true
		}
	}
}

// typeText parses a type and returns its text.
func (p *parser) typeText() (string, error) {
	from := p.Pos
	if !AcceptType(p.Cursor) {
		return "", p.wrong()
	}
	return p.Span(from, p.Pos), nil
}
