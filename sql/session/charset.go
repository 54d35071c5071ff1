package session

import (
	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/wire"
)

// Inside the server all text is UTF-8. What clients send is in character_set_client, what they get in the character set that
// the column definition names.

// needsDecoding reports whether text of a client with this character set is not UTF-8 by itself.
func needsDecoding(cs sql.CharacterSetID) bool {
	switch cs {
	case sql.CharacterSet_Unspecified, sql.CharacterSet_utf8mb4, sql.CharacterSet_utf8mb3, sql.CharacterSet_binary, sql.CharacterSet_ascii:
		return false
	}
	return cs.Encoder() != nil
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// decode returns the client's text in UTF-8: the bytes themselves where they already are, or where they cannot be
// decoded.
func (s *Session) decode(text []byte) []byte {
	if !s.foreign || ascii(text) {
		return text
	}
	if out, ok := s.client.Encoder().Decode(text); ok {
		return append([]byte(nil), out...)
	}
	return text
}

// foreignParams reports whether some string parameter is not UTF-8.
func (s *Session) foreignParams(params []wire.Param) bool {
	if !s.foreign {
		return false
	}
	for i := range params {
		if params[i].Kind == wire.ParamString && !ascii(params[i].Bytes()) {
			return true
		}
	}
	return false
}
