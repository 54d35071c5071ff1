package wire

import (
	"slices"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Stmt is a prepared statement of one connection. The wire owns its id, parameter types and long data; the Session keeps
// what it compiled in Data.
type Stmt struct {
	// Data belongs to the Session.
	Data any

	id     uint32
	params int
	types  []paramType // as the client last sent them
	long   []longData  // by parameter; nil when the client sent none
	// longErr is what was wrong with a COM_STMT_SEND_LONG_DATA, which has no reply: told at the next execution.
	longErr *mysqlerr.Error
}

// longData is a parameter value that arrived in pieces.
type longData struct {
	sent bool
	b    []byte
}

// ID returns the statement's id within its connection, from 1.
func (st *Stmt) ID() uint32 { return st.id }

// Params returns the number of placeholders.
func (st *Stmt) Params() int { return st.params }

// clearLong forgets long data, as every execution and COM_STMT_RESET do.
func (st *Stmt) clearLong() { st.long, st.longErr = nil, nil }

// addLong appends a piece of a parameter's value; limit bounds the whole value.
func (st *Stmt) addLong(param int, data []byte, limit int) {
	switch {
	case st.longErr != nil:
	case param >= st.params:
		st.longErr = mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "mysqld_stmt_send_long_data")
	default:
		if st.long == nil {
			st.long = make([]longData, st.params)
		}
		l := &st.long[param]
		l.sent = true
		if len(l.b)+len(data) > limit {
			st.long = nil
			st.longErr = mysqlerr.NewMessage(mysqlerr.ER_UNKNOWN_ERROR,
				"Parameter of prepared statement which is set through mysql_send_long_data() is longer than 'max_allowed_packet' bytes")
			return
		}
		l.b = append(l.b, data...)
	}
}

const (
	cursorReadOnly            = 1
	paramCountAvailable       = 8
	maxAttrs                  = 1024
	maxParams                 = 65535
	supportedCursors    uint8 = cursorReadOnly
)

// execution is a COM_STMT_EXECUTE (or the attributes of a COM_QUERY) taken apart. Its slices are reused.
type execution struct {
	params []Param
	attrs  []Attr
	types  []paramType
	names  [][]byte
}

// keptParams is for how many parameters a connection keeps room.
const keptParams = 64

// release drops references into the packet and gives up slices that one odd statement made large.
func (x *execution) release() {
	if cap(x.params) > keptParams {
		x.params, x.types = nil, nil
	}
	clear(x.params)
	if cap(x.attrs) > 16 {
		x.attrs, x.names = nil, nil
	}
	clear(x.attrs)
	clear(x.names)
}

// parseExecute decodes what follows the statement id. The statement's remembered types are replaced when new ones came.
func (x *execution) parseExecute(st *Stmt, c *cursor, withAttrs bool) (cursorWanted bool, err error) {
	flags := c.u8()
	_ = c.u32() // iteration count, always 1
	cursorWanted = flags&supportedCursors != 0
	n := st.params
	total := n
	if withAttrs && (n > 0 || flags&paramCountAvailable != 0) {
		v := c.lenenc()
		if v > maxParams+maxAttrs || int(v) < n || int(v)-n > maxAttrs {
			return false, errMalformed
		}
		total = int(v)
	}
	x.params, x.attrs = x.params[:0], x.attrs[:0]
	if total == 0 {
		if c.bad {
			return false, errMalformed
		}
		return cursorWanted, nil
	}
	bitmap := c.take((total + 7) / 8)
	if c.bad {
		return false, errMalformed
	}
	if err := x.readTypes(st, c, n, total, withAttrs); err != nil {
		return false, err
	}
	x.params = slices.Grow(x.params, n)
	for i := range total {
		p, err := x.value(st, c, bitmap, i)
		if err != nil {
			return false, err
		}
		if i < n {
			x.params = append(x.params, p)
		} else {
			x.attrs = append(x.attrs, Attr{Name: string(x.names[i]), Value: p})
		}
	}
	return cursorWanted, nil
}

// readTypes reads the new-params-bound flag and, if set, types and names; else it recalls the types of an earlier execution.
func (x *execution) readTypes(st *Stmt, c *cursor, n, total int, named bool) error {
	x.types, x.names = x.types[:0], x.names[:0]
	if c.u8() == 0 {
		if c.bad || len(st.types) < n || total > n {
			return errMalformed
		}
		x.types = append(x.types, st.types...)
		return nil
	}
	x.types = slices.Grow(x.types, total)
	for range total {
		x.types = append(x.types, paramType(c.u16()&0x80ff))
		if named {
			x.names = append(x.names, c.lenencBytes())
		}
		if c.bad {
			return errMalformed
		}
	}
	st.types = append(st.types[:0], x.types[:n]...)
	return nil
}

func (x *execution) value(st *Stmt, c *cursor, bitmap []byte, i int) (Param, error) {
	t := x.types[i]
	if i < len(st.long) && st.long[i].sent {
		return longParam(Type(t), st.long[i].b), nil
	}
	if bitmap[i/8]&(1<<(i%8)) != 0 {
		return Param{Kind: ParamNull, Type: Type(t)}, nil
	}
	p := readParam(c, t)
	if c.bad {
		return Param{}, errMalformed
	}
	return p, nil
}

// longParam is a value that came by COM_STMT_SEND_LONG_DATA: a string or blob, as its declared type says.
func longParam(t Type, b []byte) Param {
	switch t {
	case TypeVarChar, TypeVarString, TypeString, TypeJSON:
		return Param{Kind: ParamString, Type: t, buf: b}
	case TypeDecimal, TypeNewDecimal:
		return Param{Kind: ParamDecimal, Type: t, buf: b}
	}
	return Param{Kind: ParamBytes, Type: t, buf: b}
}

// parseQueryAttrs takes the attributes off the front of a COM_QUERY and leaves the statement's text.
func (x *execution) parseQueryAttrs(c *cursor) error {
	n := c.lenenc()
	_ = c.lenenc() // parameter set count, always 1
	if c.bad || n > maxAttrs {
		return errMalformed
	}
	x.attrs = x.attrs[:0]
	if n == 0 {
		return nil
	}
	bitmap := c.take((int(n) + 7) / 8)
	var none Stmt
	if c.bad || c.b == nil {
		return errMalformed
	}
	if err := x.readTypes(&none, c, 0, int(n), true); err != nil {
		return err
	}
	for i := range int(n) {
		p, err := x.value(&none, c, bitmap, i)
		if err != nil {
			return err
		}
		x.attrs = append(x.attrs, Attr{Name: string(x.names[i]), Value: p})
	}
	return nil
}
