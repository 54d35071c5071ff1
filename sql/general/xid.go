package general

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
)

// maxXIDPart bounds gtrid and bqual each, in bytes.
const maxXIDPart = 64

// readXID reads gtrid [, bqual [, formatID]] and makes one string of it: formatID, length of gtrid, gtrid, bqual. The defaults are ” and 1.
func readXID(t *lexer.Cursor) (string, bool) {
	parts, format := [2]string{}, uint64(1)
	for i := range 3 {
		text := t.At(0)
		switch kind := t.Kind(0); {
		case i < 2 && kind == lexer.String:
			parts[i] = lexer.Unquote(text)
		case i < 2 && kind == lexer.Hex:
			digits := strings.Trim(text[1:], "'") // x'61'
			if text[0] == '0' {                   // 0x61
				digits = text[2:]
			}
			if len(digits)%2 == 1 {
				digits = "0" + digits
			}
			b, err := hex.DecodeString(digits)
			if err != nil {
				return "", false
			}
			parts[i] = string(b)
		case i == 2 && kind == lexer.Int:
			var err error
			if format, err = strconv.ParseUint(text, 10, 31); err != nil {
				return "", false
			}
		default:
			return "", false
		}
		t.Pos++
		if !t.Accept(",") {
			break
		}
	}
	if len(parts[0]) > maxXIDPart || len(parts[1]) > maxXIDPart {
		return "", false
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(format))
	b = append(b, byte(len(parts[0])))
	return string(b) + parts[0] + parts[1], true
}

// SplitXID takes ControlStatement.XID apart.
func SplitXID(xid string) (format uint32, gtrid, bqual string, ok bool) {
	if len(xid) < 5 || len(xid) < 5+int(xid[4]) {
		return 0, "", "", false
	}
	n := int(xid[4])
	return binary.BigEndian.Uint32([]byte(xid)), xid[5 : 5+n], xid[5+n:], true
}
